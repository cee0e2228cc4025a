// What the tests of this layer share: an EPMD of their own, a node that records what arrives, a peer that
// speaks the protocol by hand, and a real Erlang node.
//
// Waiting is always for a condition, with a bound.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <brood/codec.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "node/channel/frames.hpp"
#include "node/distribution.hpp"
#include "node/handshake/flags.hpp"
#include "node/handshake/handshake.hpp"

namespace brood::node::test {

using namespace std::chrono_literals;
inline constexpr auto patience = 20s;

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A connected socket, or -1.
inline int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// Polls `condition` until it holds or patience ends.
inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = patience) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// A port that accepts connections and never says a word. `waiting`: see listen(2).
class DeafServer {
 public:
  explicit DeafServer(int waiting = 8)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), address_(loopback(0)) {
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address_), size), 0);
    EXPECT_EQ(::listen(fd_, waiting), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  ~DeafServer() { ::close(fd_); }
  DeafServer(const DeafServer&) = delete;
  DeafServer& operator=(const DeafServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  int fd_;
  sockaddr_in address_;
};

/// A child process that does not outlive the test.
class ChildProcess {
 public:
  ChildProcess(std::vector<std::string> command,
               std::vector<std::pair<std::string, std::string>> environment = {}) {
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (const auto& entry : environment) ::setenv(entry.first.c_str(), entry.second.c_str(), 1);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~ChildProcess() { kill(SIGKILL); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  void signal(int number) const { ::kill(pid_, number); }
  void kill(int number) {
    if (pid_ <= 0) return;
    ::kill(pid_, number);
    if (number == SIGKILL) {
      int status = 0;
      ::waitpid(pid_, &status, 0);
      pid_ = 0;
    }
  }

 private:
  pid_t pid_ = 0;
};

class Epmd {
 public:
  Epmd() : port_(free_port()) { start(); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void stop() { process_.reset(); }
  void start() {
    process_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{"epmd", "-port", std::to_string(port_), "-address", "127.0.0.1"});
    EXPECT_TRUE(eventually([this] {
      const int fd = connect_to(port_);
      if (fd >= 0) ::close(fd);
      return fd >= 0;
    })) << "epmd does not start";
  }

 private:
  std::uint16_t port_;
  std::unique_ptr<ChildProcess> process_;
};

/// Something that was recorded: a kind and what it is about, all as text.
struct Record {
  std::string kind;
  Pid from;
  Pid to;
  std::string name;
  Ref ref;
  std::uint64_t id = 0;
  EncodedTerm term;
  std::string words;
  std::size_t term_bytes = 0;
};

class Recorder final : public process::RemoteEvents {
 public:
  void on_send(const Pid& from, const Pid& to, EncodedTerm term) override {
    add({"send", from, to, "", {}, 0, std::move(term), "", 0});
  }
  void on_send_named(const Pid& from, const Atom& to, EncodedTerm term) override {
    add({"send_named", from, {}, to.name, {}, 0, std::move(term), "", 0});
  }
  void on_send_alias(const Pid& from, const Ref& alias, EncodedTerm term) override {
    add({"send_alias", from, {}, "", alias, 0, std::move(term), "", 0});
  }
  void on_link(const Pid& from, const Pid& to) override { add({"link", from, to, "", {}, 0, {}, "", 0}); }
  void on_unlink(const Pid& from, const Pid& to, std::uint64_t id) override {
    add({"unlink", from, to, "", {}, id, {}, "", 0});
  }
  void on_unlink_ack(const Pid& from, const Pid& to, std::uint64_t id) override {
    add({"unlink_ack", from, to, "", {}, id, {}, "", 0});
  }
  void on_exit(const Pid& from, const Pid& to, EncodedTerm reason) override {
    add({"exit", from, to, "", {}, 0, std::move(reason), "", 0});
  }
  void on_exit2(const Pid& from, const Pid& to, EncodedTerm reason) override {
    add({"exit2", from, to, "", {}, 0, std::move(reason), "", 0});
  }
  void on_monitor(const Pid& watcher, const Pid& watched, const Ref& ref) override {
    add({"monitor", watcher, watched, "", ref, 0, {}, "", 0});
  }
  void on_monitor_named(const Pid& watcher, const Atom& watched, const Ref& ref) override {
    add({"monitor_named", watcher, {}, watched.name, ref, 0, {}, "", 0});
    if (answer_monitors != nullptr) answer_monitors(watcher, watched, ref);
  }
  void on_demonitor(const Pid& watcher, const Ref& ref) override {
    add({"demonitor", watcher, {}, "", ref, 0, {}, "", 0});
  }
  void on_monitor_exit(const Pid& watcher, const Ref& ref, EncodedTerm reason) override {
    add({"monitor_exit", {}, watcher, "", ref, 0, std::move(reason), "", 0});
  }
  void on_node_down(const NodeName& node) override {
    add({"node_down", {}, {}, node.text(), {}, 0, {}, "", 0});
  }

  void add(Record record) {
    record.term_bytes = record.term.size();
    const std::scoped_lock lock(mutex_);
    if (keep || record.kind != "send") records_.push_back(std::move(record));
    ++total_;
    changed_.notify_all();
  }
  /// Takes the first record of that kind out; fails the test when none comes.
  Record take(const std::string& kind, std::chrono::milliseconds limit = patience) {
    std::unique_lock lock(mutex_);
    std::deque<Record>::iterator found;
    const bool came = changed_.wait_for(lock, limit, [&] {
      found = std::find_if(records_.begin(), records_.end(),
                           [&](const Record& record) { return record.kind == kind; });
      return found != records_.end();
    });
    if (!came) {
      std::string have;
      for (const Record& record : records_)
        have += record.kind + "(" + record.name + " " + record.words + ") ";
      ADD_FAILURE() << "no " << kind << " came; there are: " << have;
      return {};
    }
    Record record = std::move(*found);
    records_.erase(found);
    return record;
  }
  [[nodiscard]] std::size_t count(const std::string& kind) {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(std::count_if(records_.begin(), records_.end(),
                                                  [&](const Record& record) { return record.kind == kind; }));
  }
  bool wait_for(const std::string& kind, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] {
      return std::any_of(records_.begin(), records_.end(),
                         [&](const Record& record) { return record.kind == kind; });
    });
  }
  bool wait_total(std::size_t total, std::chrono::milliseconds limit = patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return total_ >= total; });
  }

  std::atomic<bool> keep{true};
  std::function<void(const Pid&, const Atom&, const Ref&)> answer_monitors;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Record> records_;
  std::size_t total_ = 0;
};

/// A Distribution with an io thread, recording everything that it tells.
class TestNode {
 public:
  explicit TestNode(DistributionOptions options) : guard_(io_.get_executor()), name_(options.name) {
    distribution_ = std::make_unique<Distribution>(io_, std::move(options));
    DistributionEvents events;
    events.on_up = [this](const PeerInfo& peer) {
      record.add({"up", {}, {}, peer.name.text(), {}, peer.creation, {}, peer.address, 0});
    };
    events.on_down = [this](const PeerInfo& peer, DownReason reason, const std::string& words) {
      record.add({"down",
                  {},
                  {},
                  peer.name.text(),
                  {},
                  peer.creation,
                  {},
                  std::string(to_string(reason)) + ": " + words,
                  0});
    };
    events.on_connect_failed = [this](const NodeName& node, ConnectFailure failure,
                                      const std::string& words) {
      record.add(
          {"failed", {}, {}, node.text(), {}, 0, {}, std::string(to_string(failure)) + ": " + words, 0});
    };
    record.answer_monitors = [this](const Pid& watcher, const Atom& watched, const Ref& ref) {
      distribution_->monitor_exit({}, watched, watcher, ref, encode(Atom("noproc")));
    };
    distribution_->set_events(&record, std::move(events));
    started_ = distribution_->start();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~TestNode() { end(); }
  void end() {
    if (distribution_ == nullptr) return;
    distribution_->stop(0ms);
    distribution_.reset();
    guard_.reset();
    io_.stop();
    thread_.join();
  }
  [[nodiscard]] const Result<std::uint32_t>& started() const { return started_; }
  Distribution& operator*() { return *distribution_; }
  Distribution* operator->() { return distribution_.get(); }
  boost::asio::io_context& io() { return io_; }
  [[nodiscard]] const NodeName& name() const { return name_; }
  [[nodiscard]] Pid pid(std::uint32_t id = 7) const { return Pid{name_, id, 0, distribution_->creation()}; }
  [[nodiscard]] Ref ref(std::uint32_t id = 9) const {
    return Ref{name_, distribution_->creation(), {id, 2, 3}};
  }

  Recorder record;

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  NodeName name_;
  std::unique_ptr<Distribution> distribution_;
  Result<std::uint32_t> started_ = 0U;
  std::thread thread_;
};

/// Both connect to each other at the same moment, many times: each time one channel comes of it, that carries
/// both ways.
inline void expect_one_channel_of_simultaneous_connects(TestNode& a, TestNode& b, int rounds) {
  a->set_address(b.name(), "127.0.0.1", b->port());
  b->set_address(a.name(), "127.0.0.1", a->port());
  for (int i = 0; i < rounds; ++i) {
    std::thread other([&] { b->connect(a.name()); });
    a->connect(b.name());
    other.join();
    a.record.take("up");
    b.record.take("up");
    a->send(a.pid(), b.pid(), encode(i));
    b->send(b.pid(), a.pid(), encode(-i));
    ASSERT_EQ(b.record.take("send").term, encode(i));
    ASSERT_EQ(a.record.take("send").term, encode(-i));
    ASSERT_EQ(a.record.count("failed") + b.record.count("failed"), 0U);
    ASSERT_EQ(a.record.count("down") + b.record.count("down"), 0U) << a.record.take("down").words;
    a->disconnect(b.name());
    a.record.take("down");
    b.record.take("down");
  }
}

/// A peer made by hand: a blocking socket and the Handshake.
class FakePeer {
 public:
  FakePeer(std::uint16_t port, const std::string& name, const std::string& cookie,
           std::uint32_t creation = 77, std::uint64_t flags = flag::announced)
      : fd_(connect_to(port)), name_(name), cookie_(cookie), creation_(creation), flags_(flags) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~FakePeer() { close(); }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  /// Shakes hands with `peer`; true when established.
  bool connect(const NodeName& peer) {
    auto handshake = Handshake::initiator({.self = NodeName(name_),
                                           .creation = creation_,
                                           .flags = flags_,
                                           .cookie = cookie_,
                                           .challenge = 4711},
                                          peer);
    send(handshake.take_output());
    for (;;) {
      auto packet = take_handshake_packet(received_);
      if (!packet) return false;
      if (!packet->has_value()) {
        if (!receive()) return false;
        continue;
      }
      auto event = handshake.on_packet(**packet);
      if (event == Handshake::Event::alive) event = handshake.answer_alive(true);
      send(handshake.take_output());
      if (event == Handshake::Event::established) return true;
      if (event == Handshake::Event::failed) return false;
    }
  }
  void send(BytesView bytes) const { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// More into received(); false at the end of the stream.
  bool receive() {
    char chunk[4096];
    const ssize_t count = ::recv(fd_, chunk, sizeof chunk, 0);
    ended_ = count == 0 || (count < 0 && errno != EAGAIN);
    if (count <= 0) return false;
    received_.append(chunk, static_cast<std::size_t>(count));
    return true;
  }
  /// The other side closed (anything that came before is dropped).
  bool is_closed() {
    while (receive()) {
    }
    return ended_;
  }
  [[nodiscard]] const Bytes& received() const { return received_; }

 private:
  int fd_;
  std::string name_;
  std::string cookie_;
  std::uint32_t creation_;
  std::uint64_t flags_;
  Bytes received_;
  bool ended_ = false;
};

inline DistributionOptions options_of(const std::string& name, std::uint16_t epmd_port) {
  DistributionOptions options;
  options.name = NodeName(name);
  options.cookie = "secret";
  options.epmd_port = epmd_port;
  return options;
}

inline DistributionOptions without_epmd(const std::string& name) {
  DistributionOptions options = options_of(name, 1);
  options.epmd = false;
  return options;
}

}  // namespace brood::node::test
