// Hooks of one's own. Each node keeps a directory of what runs where, from the events of its registry, and
// gives the children that start on it a secret of its own, which is in no spec.
//
//   hooks_example PORT...    a cluster of as many nodes as there are ports, all in this program
#include <brood/brood.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

struct show {};

class Guard : public brood::Worker {
 public:
  using handles = brood::messages<show>;
  explicit Guard(std::string secret) : secret_(std::move(secret)) {}
  std::string on(show) { return secret_; }

 private:
  std::string secret_;
};

/// Handlers run on a thread of the node's: what they share with others has a lock.
class Directory {
 public:
  std::vector<brood::Hook> hooks() {
    using namespace brood::hooks;
    return {brood::on<RegistryPidInsert>("directory",
                                         [this](const RegistryPidInsert& event) {
                                           const std::scoped_lock lock(mutex_);
                                           for (const auto& [node, pid] : event.pids)
                                             runs_on_[event.id] = node;
                                         }),
            brood::on<RegistryPidRemove>("directory", [this](const RegistryPidRemove& event) {
              const std::scoped_lock lock(mutex_);
              const auto found = runs_on_.find(event.id);
              // It may run elsewhere by now.
              if (found != runs_on_.end() && found->second == event.nodes.front()) runs_on_.erase(found);
            })};
  }
  std::map<brood::Id, brood::NodeName> all() const {
    const std::scoped_lock lock(mutex_);
    return runs_on_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<brood::Id, brood::NodeName> runs_on_;
};

struct Place {
  Directory directory;
  std::unique_ptr<brood::Node> node;
  std::unique_ptr<brood::Supervisor> guards;
};

std::unique_ptr<Place> place_of(const std::string& name, const std::vector<std::string>& names) {
  auto place = std::make_unique<Place>();
  brood::NodeOptions options{.name = name, .cookie = "secret", .join = names};
  std::erase(options.join, name);
  options.epmd = false;
  place->node = std::make_unique<brood::Node>(std::move(options));
  if (auto added = place->node->workers().add<Guard>("guard"); !added) throw brood::NodeError(added.error());
  brood::SupervisorOptions guards{.name = "guards"};
  guards.expect = static_cast<std::uint32_t>(names.size());
  guards.hooks = place->directory.hooks();
  guards.hooks.push_back(
      brood::on_start("secret", [node = name.substr(0, 2)](brood::hooks::StartData& start) {
        start.args = brood::Term::list({brood::Term::binary("the secret of " + node)});
      }));
  place->guards = std::make_unique<brood::Supervisor>(*place->node, std::move(guards));
  return place;
}

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i)
    names.push_back("h" + std::to_string(i) + "@127.0.0.1:" + std::string(argv[i]));
  if (names.size() < 2) {
    std::cerr << "usage: hooks_example PORT PORT...\n";
    return 2;
  }
  std::vector<std::unique_ptr<Place>> places;
  for (const std::string& name : names) places.push_back(place_of(name, names));
  for (auto& place : places)
    if (auto up = place->node->wait_up(std::chrono::seconds(20)); !up) throw brood::NodeError(up.error());

  constexpr int count = 12;
  for (int i = 0; i < count; ++i) {
    const auto started =
        places[0]
            ->guards
            ->start_child({.id = "guard-" + std::to_string(i),
                           .run = brood::WorkerSpec{"guard", brood::args(std::string("none"))}})
            .get();
    if (!started) throw brood::NodeError(started.error());
  }
  const auto agree = [&](std::size_t all) {
    for (auto& place : places) {
      const auto listed = place->directory.all();
      if (listed.size() != all) return false;
      for (const auto& [id, node] : listed) {
        const auto secret = places[0]->guards->call<std::string>(id, show{}).get();
        if (!secret || *secret != "the secret of " + node.text().substr(0, 2)) return false;
      }
    }
    return true;
  };
  if (!eventually([&] { return agree(count); })) {
    std::cerr << "the directories are not what runs\n";
    return 1;
  }
  std::cout << "every node's directory lists all " << count << " guards, each with the secret of its node\n";

  places.back()->guards.reset();
  places.pop_back();
  if (!eventually([&] { return agree(count); })) {
    std::cerr << "the directories are not what runs after a node has left\n";
    return 1;
  }
  std::cout << "a node has left: its guards run elsewhere, with the secrets of their new nodes\n";
  return 0;
}
