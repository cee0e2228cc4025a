// State that outlives the crash of its node without a database: passive instances follow the active one.
//
//   standby PORT PORT PORT     three nodes on these ports of 127.0.0.1: this program, and two of its own kind
//
// It starts a list on the cluster, adds three entries, kills the node of the active instance with SIGKILL,
// and reads the list from the one that goes on. Each answer of add() is a promise: another node holds the
// entry.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <brood/brood.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct add {
  std::string entry;
};
struct list {};

class List : public brood::Worker {
 public:
  using handles = brood::messages<add, list>;
  std::int64_t on(add one) {
    entries_.push_back(one.entry);
    added_.push_back(std::move(one.entry));
    return static_cast<std::int64_t>(entries_.size());
  }
  std::vector<std::string> on(list) const { return entries_; }

  // The whole, for a node that comes to follow. With these two alone the whole list would be sent each time.
  std::vector<std::string> save() const { return entries_; }
  void restore(std::vector<std::string> entries) { entries_ = std::move(entries); }
  // What has changed since this was asked last; nothing: no message at all.
  std::optional<std::vector<std::string>> changes() {
    if (added_.empty()) return std::nullopt;
    return std::exchange(added_, {});
  }
  void apply(std::vector<std::string> added) { entries_.insert(entries_.end(), added.begin(), added.end()); }

 private:
  std::vector<std::string> entries_, added_;
};

struct Place {
  std::unique_ptr<brood::Node> node;
  std::unique_ptr<brood::Supervisor> store;
};

Place start(const std::vector<std::string>& names, std::size_t index) {
  brood::NodeOptions options;
  options.name = names[index];
  options.cookie = "example";
  options.epmd = false;
  for (const std::string& other : names)
    if (other != options.name) options.join.push_back(other);
  Place place{std::make_unique<brood::Node>(std::move(options)), nullptr};
  if (auto added = place.node->workers().add<List>("list"); !added) throw brood::NodeError(added.error());
  brood::SupervisorOptions group;
  group.name = "store";
  group.strategies.redundancy = brood::StrategyChoice{"replication",
                                                      {{"factor", std::int64_t{2}},
                                                       {"mode", std::string("active_passive")},
                                                       {"follow", std::string("each_call")}}};
  group.expect = static_cast<std::uint32_t>(names.size());
  place.store = std::make_unique<brood::Supervisor>(*place.node, std::move(group));
  return place;
}

/// Before any thread runs.
std::vector<pid_t> start_others(const std::vector<std::string>& names) {
  std::vector<pid_t> others;
  const pid_t parent = getpid();
  for (std::size_t i = 1; i < names.size(); ++i) {
    const pid_t child = fork();
    if (child > 0) {
      others.push_back(child);
      continue;
    }
    try {
      const Place place = start(names, i);
      while (getppid() == parent) std::this_thread::sleep_for(100ms);
    } catch (const std::exception& error) {
      std::cerr << names[i] << ": " << error.what() << "\n";
    }
    _exit(0);
  }
  return others;
}

template <typename T>
T checked(brood::Result<T> result) {
  if (!result) throw brood::NodeError(result.error());
  return *std::move(result);
}

bool run(const std::vector<std::string>& names, const std::vector<pid_t>& others) {
  Place here = start(names, 0);
  if (auto up = here.node->wait_up(30s); !up) throw brood::NodeError(up.error());
  // One whose active instance runs in one of the other programs, which can be killed.
  std::string id;
  brood::NodeName leader;
  for (int number = 0; leader.empty() || leader == names[0]; ++number) {
    id = "list" + std::to_string(number);
    if (auto started = here.store->start_child({.id = id, .run = brood::WorkerSpec{"list"}}).get(); !started)
      throw brood::NodeError(started.error());
    for (const auto& child : here.store->children())
      if (child.id == brood::Id(id)) leader = child.instances.front().first;
  }
  for (const char* entry : {"bread", "salt", "wine"})
    std::cout << "entry " << checked(here.store->call<std::int64_t>(id, add{entry}, 20s).get())
              << " is safe\n";
  std::cout << leader << " is killed\n" << std::flush;
  kill(others[leader == names[1] ? 0 : 1], SIGKILL);
  const auto entries = checked(here.store->call<std::vector<std::string>>(id, list{}, 30s).get());
  std::cout << "the list goes on with " << entries.size() << " entries\n";
  return entries == std::vector<std::string>{"bread", "salt", "wine"};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: standby PORT PORT PORT\n";
    return 2;
  }
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i)
    names.push_back("s" + std::to_string(i) + "@127.0.0.1:" + std::string(argv[i]));
  const std::vector<pid_t> others = start_others(names);
  int status = 1;
  try {
    status = run(names, others) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "standby: " << error.what() << "\n";
  }
  for (const pid_t other : others) kill(other, SIGKILL);
  for (const pid_t other : others) waitpid(other, nullptr, 0);
  return status;
}
