// Places: some nodes in one process, each with a supervisor `web`, for tests whose workers use the supervisor
// of the node that they run on.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <brood/brood.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace brood::test {

inline bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

class Places {
 public:
  using AddWorkers = std::function<Result<void>(Node&)>;

  Places(std::size_t size, const AddWorkers& add_workers, const Strategies& strategies = {}) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < size; ++i)
      names.push_back("p" + std::to_string(i + 1) + "@127.0.0.1:" + std::to_string(free_port()));
    for (const std::string& name : names) {
      NodeOptions options;
      options.name = name;
      options.cookie = "secret";
      options.epmd = false;
      options.threads = 2;
      for (const std::string& other : names)
        if (other != name) options.join.push_back(other);
      nodes_.push_back(std::make_unique<Node>(std::move(options)));
      EXPECT_TRUE(add_workers(*nodes_.back()));
      webs_.push_back(std::make_unique<Supervisor>(
          *nodes_.back(), SupervisorOptions{.name = "web",
                                            .strategies = strategies,
                                            .form_wait = std::chrono::milliseconds(500),
                                            .expect = static_cast<std::uint32_t>(size)}));
    }
    now = this;
  }
  ~Places() {
    open_gate();
    for (auto& web : webs_) web.reset();
    now = nullptr;
    nodes_.clear();
  }
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  bool formed() {
    return eventually([&] {
      for (auto& web : webs_)
        if (web->nodes().size() != webs_.size()) return false;
      return true;
    });
  }
  Supervisor& web(std::size_t index) { return *webs_[index]; }
  /// Its supervisor leaves the cluster.
  void end(std::size_t index) { webs_[index].reset(); }
  NodeName name(std::size_t index) { return nodes_[index]->name(); }
  static Supervisor& at(const NodeName& node) {
    for (std::size_t i = 0; i < now->nodes_.size(); ++i)
      if (now->nodes_[i]->name() == node) return *now->webs_[i];
    std::abort();
  }
  /// Two ids, of which the first belongs on the first node and the other on the second.
  std::pair<std::string, std::string> ids_apart() {
    std::pair<std::string, std::string> ids;
    for (int i = 0; ids.first.empty() || ids.second.empty(); ++i) {
      const std::string id = "id" + std::to_string(i);
      (web(0).node_for(id) == nodes_[0]->name() ? ids.first : ids.second) = id;
    }
    return ids;
  }

  // A gate at which workers may wait in their constructors. Open at first.
  static void close_gate() { set_gate(false); }
  static void open_gate() { set_gate(true); }
  static void wait_for_gate() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [] { return is_open; });
  }

 private:
  static void set_gate(bool open) {
    std::lock_guard lock(mutex);
    is_open = open;
    changed.notify_all();
  }
  static std::uint16_t free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    close(fd);
    return ntohs(address.sin_port);
  }

  static inline Places* now = nullptr;
  static inline std::mutex mutex;
  static inline std::condition_variable changed;
  static inline bool is_open = true;

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Supervisor>> webs_;
};

}  // namespace brood::test
