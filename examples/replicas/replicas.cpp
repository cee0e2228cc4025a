// A redundancy strategy of one's own: what is tagged "precious" has three instances, of which one is active;
// everything else has one.
//
//   replicas PORT PORT PORT     three nodes in this program, on these ports of 127.0.0.1
//
// It starts a child of each kind, shows where they run, ends the node of the precious one's active instance
// and shows who is active then.
#include <algorithm>
#include <brood/brood.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

// A pure function of its arguments: every node of the supervisor computes it for itself. The name has the
// version and the settings, so that nodes that would not agree do not take each other for members.
class ByTag final : public brood::Redundancy {
 public:
  ByTag(std::string tag, std::size_t count) : tag_(std::move(tag)), count_(count) {}
  [[nodiscard]] std::string name() const override {
    return "by_tag/1 tag=" + tag_ + " count=" + std::to_string(count_);
  }
  [[nodiscard]] std::size_t instances(std::size_t eligible) const override {
    return std::min<std::size_t>(eligible, 1);
  }
  [[nodiscard]] std::size_t instances_of(const brood::RedundantChild& child,
                                         std::size_t eligible) const override {
    return child.tag == tag_ ? std::min(eligible, count_) : instances(eligible);
  }
  [[nodiscard]] bool one_is_active() const override { return true; }

 private:
  std::string tag_;
  std::size_t count_;
};

struct where {};

class Register : public brood::Worker {
 public:
  using handles = brood::messages<where>;
  // Called after the start, and whenever the role is another: the place to begin and to end what only one may
  // do.
  void on_role(brood::Role role) {
    std::cout << "  on " + self().node.text() + ": " + std::string(to_string(role)) + "\n" << std::flush;
  }
  std::string on(where) const { return self().node.text(); }
};

struct Place {
  std::string name;
  std::unique_ptr<brood::Node> node;
  std::unique_ptr<brood::Supervisor> store;
};

std::vector<Place> start(const std::vector<std::string>& names) {
  const auto precious = std::make_shared<ByTag>("precious", 3);
  std::vector<Place> places;
  for (const std::string& name : names) {
    brood::NodeOptions options;
    options.name = name;
    options.cookie = "example";
    options.epmd = false;
    for (const std::string& other : names)
      if (other != name) options.join.push_back(other);
    auto node = std::make_unique<brood::Node>(std::move(options));
    if (auto added = node->workers().add<Register>("register"); !added) throw brood::NodeError(added.error());
    brood::SupervisorOptions group;
    group.name = "store";
    group.strategies.redundancy = precious;
    group.expect = static_cast<std::uint32_t>(names.size());
    auto store = std::make_unique<brood::Supervisor>(*node, std::move(group));
    places.push_back({name, std::move(node), std::move(store)});
  }
  for (Place& place : places)
    if (auto up = place.node->wait_up(30s); !up) throw brood::NodeError(up.error());
  return places;
}

/// The instances of a child as that node knows them.
brood::ChildInfo look(brood::Supervisor& store, const brood::Id& id) {
  return store.child_lookup(id).value_or(brood::ChildInfo{.id = id});
}

bool run(std::vector<Place>& places) {
  brood::Supervisor& first = *places[0].store;
  for (const auto& [id, tag] : {std::pair{"ledger", "precious"}, std::pair{"cache", "plain"}}) {
    std::cout << id << " (" << tag << ")\n";
    const auto started =
        first.start_child({.id = id, .run = brood::WorkerSpec{"register"}, .tag = tag}).get();
    if (!started) throw brood::NodeError(started.error());
  }
  const auto ledger = look(first, "ledger");
  const auto cache = look(first, "cache");
  std::cout << "ledger has " << ledger.instances.size() << " instances, cache " << cache.instances.size()
            << "\n";
  if (ledger.instances.size() != 3 || ledger.active != 1 || cache.instances.size() != 1) return false;

  const brood::NodeName leader = ledger.instances.front().first;
  std::cout << leader << " ends\n";
  const auto gone = std::find_if(places.begin(), places.end(),
                                 [&](const Place& place) { return place.node->name() == leader; });
  gone->store.reset();
  gone->node.reset();
  Place& other = gone == places.begin() ? places[1] : places[0];
  const auto answer = other.store->call<std::string>("ledger", where{}, 20s).get();
  if (!answer) throw brood::NodeError(answer.error());
  std::cout << "now " << *answer << " is active\n";
  return *answer != leader;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: replicas PORT PORT PORT\n";
    return 2;
  }
  try {
    std::vector<std::string> names;
    for (int i = 1; i < argc; ++i)
      names.push_back("r" + std::to_string(i) + "@127.0.0.1:" + std::string(argv[i]));
    auto places = start(names);
    return run(places) ? 0 : 1;
  } catch (const brood::NodeError& error) {
    std::cerr << "replicas: " << error.what() << "\n";
    return 1;
  }
}
