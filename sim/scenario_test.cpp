// Whole clusters in calm weather, step by step: what the numbers of a cluster must be, exactly.
#include <gtest/gtest.h>

#include "sim/clients.hpp"
#include "sim/driver.hpp"
#include "sim/faults.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/processes.hpp"
#include "sim/settle.hpp"
#include "sim/simulation.hpp"

namespace brood::sim {
namespace scenario_test {
using namespace std::chrono_literals;

class Scenario : public testing::Test {
 protected:
  World& make(std::uint32_t nodes, std::uint32_t children, std::set<Fault> faults = {},
              std::uint64_t seed = 1) {
    SimOptions options;
    options.seed = seed;
    options.nodes = nodes;
    options.children = children;
    options.faults = std::move(faults);
    options.copies = Copies{};
    world_ = std::make_unique<World>(options);
    world_->profile.batches = true;
    // Whatever the seed says of where children may be.
    world_->profile.listed = 0;
    world_->profile.fixed_ring = false;
    world_->profile.distribution = "weighted_rendezvous";
    return *world_;
  }
  /// Runs until the predicate holds; a failure when it does not within the time.
  template <typename Predicate>
  void run_until(Duration bound, Predicate predicate) {
    const Duration end = world_->now() + bound;
    while (!world_->violation && !predicate() && world_->now() < end) world_->run_until(world_->now() + 10ms);
    if (world_->violation)
      FAIL() << world_->violation->rule << ": " << world_->violation->id << ": " << world_->violation->words;
    if (predicate()) return;
    const auto wrong = not_settled(*world_);
    FAIL() << "not within " << bound / 1ms
           << " ms: " << (wrong ? wrong->rule + " " + wrong->id + " " + wrong->words : "");
  }
  void settle(Duration bound) {
    run_until(bound, [this] { return !not_settled(*world_); });
  }
  void boot_all() {
    for (std::size_t i = 0; i < world_->nodes.size(); ++i) world_->driver->boot(i);
  }
  /// Where each child runs.
  std::map<ChildId, std::size_t> places() const {
    std::map<ChildId, std::size_t> out;
    for (const ChildId& id : world_->catalog.ids())
      for (const Process* process : world_->processes->of(id)) out[id] = process->node;
    return out;
  }
  /// All children that are in no file and that more than one node can run.
  std::vector<ChildId> startable() const {
    std::vector<ChildId> out;
    for (const ChildId& id : world_->catalog.ids())
      if (!world_->catalog.of(id).is_static && world_->catalog.of(id).can_run() &&
          world_->catalog.of(id).nodes.empty())
        out.push_back(id);
    return out;
  }
  void start_all(std::size_t node) { world_->clients->start(node, startable(), Asked::start); }

 private:
  std::unique_ptr<World> world_;
};

TEST_F(Scenario, NodesThatBootTogetherFormOneClusterAndStartEachChildOnce) {
  World& world = make(5, 100);
  boot_all();
  settle(10s);
  for (const ChildId& id : world.catalog.static_ids())
    EXPECT_EQ(world.processes->lives(id).size(), world.catalog.of(id).can_run() ? 1U : 0U) << id.text();
}

TEST_F(Scenario, ABulkStartOfThousandsIsFewMessages) {
  World& world = make(3, 3000);
  boot_all();
  settle(10s);
  const std::uint64_t messages = world.counts.messages;
  start_all(0);
  settle(10s);
  // Children take up to 20 ms to start: their changes leave in batches of what comes together.
  EXPECT_LT(world.counts.messages - messages, 4000U);
}

TEST_F(Scenario, AJoinMovesOnlyWhatBelongsOnTheNewNode) {
  World& world = make(4, 400);
  for (std::size_t i = 0; i < 3; ++i) world.driver->boot(i);
  run_until(10s, [&] { return world.driver->up_count() == 3; });
  start_all(1);
  run_until(10s, [&] { return world.ledger->open_requests() == 0; });
  const auto before = places();
  world.driver->boot(3);
  settle(20s);
  for (const auto& [id, place] : places()) {
    const auto was = before.find(id);
    if (was != before.end() && was->second != place) {
      EXPECT_EQ(place, 3U) << id.text();
    }
  }
  // What is made ready at the new place may fail, and is tried again.
  for (const ChildId& id : world.catalog.ids()) {
    std::set<std::size_t> nodes;
    for (const Life& life : world.processes->lives(id)) nodes.insert(life.node);
    EXPECT_LE(nodes.size(), 2U) << id.text();
    EXPECT_EQ(
        std::ranges::count_if(world.processes->lives(id), [](const Life& life) { return life.node != 3; }),
        static_cast<std::ptrdiff_t>(nodes.size() - nodes.count(3)))
        << id.text() << " began anew on the node that it left";
  }
}

TEST_F(Scenario, ACrashMovesOnlyWhatRanThere) {
  World& world = make(4, 400);
  boot_all();
  settle(10s);
  start_all(0);
  settle(10s);
  const auto before = places();
  world.driver->kill(2, true, "test");
  world.profile.faults.clear();
  run_until(1s, [&] { return places().size() == before.size(); });
  for (const auto& [id, place] : places()) {
    if (before.at(id) != 2) {
      EXPECT_EQ(place, before.at(id)) << id.text();
    }
  }
}

TEST_F(Scenario, AStoppedNodeIsGivenUpAndGivesUpItsChildrenWhenItWakes) {
  World& world = make(3, 60);
  boot_all();
  settle(10s);
  start_all(0);
  settle(10s);
  world.driver->pause(1);
  world.run_until(world.now() + 15s);
  EXPECT_EQ(world.nodes[0].core->up_nodes().size(), 2U);
  world.driver->resume(1, false);
  EXPECT_TRUE(world.nodes[1].fenced);
  settle(20s);
  EXPECT_EQ(world.nodes[0].core->up_nodes().size(), 3U);
}

TEST_F(Scenario, ALeaveHandsEveryChildOverWithoutOverlap) {
  World& world = make(3, 200);
  boot_all();
  settle(10s);
  std::vector<ChildId> bound;  // may run on node 0 alone, which then may not leave
  for (const ChildId& id : world.catalog.static_ids())
    if (!world.catalog.of(id).nodes.empty()) bound.push_back(id);
  world.clients->stop(1, bound);
  start_all(0);
  settle(10s);
  world.faults->leave(0);
  run_until(10s, [&] { return world.nodes[0].state == SimNode::State::off; });
  const std::size_t running = world.processes->count();
  run_until(
      5s, [&] { return world.processes->count() >= running && world.nodes[1].core->up_nodes().size() == 2; });
  EXPECT_EQ(world.counts.leaves, 1U);
}

TEST_F(Scenario, AStaticChildThatWasStoppedStaysStoppedWhenEveryNodeRestartsInTurn) {
  World& world = make(3, 40);
  boot_all();
  settle(10s);
  const auto ids = world.catalog.static_ids();
  ASSERT_FALSE(ids.empty());
  world.clients->stop(1, ids);
  settle(10s);
  for (std::size_t i = 0; i < 3; ++i) {
    world.driver->kill(i, false, "restart");
    run_until(40s, [&] { return world.nodes[i].running(); });
    settle(20s);
  }
  for (const ChildId& id : ids) EXPECT_TRUE(world.processes->of(id).empty()) << id.text();
  EXPECT_FALSE(broken_promise(world));
}

TEST_F(Scenario, AChildThatCrashesItsNodeCostsAtMostTwo) {
  std::size_t tried = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    World& world = make(5, 6, {Fault::poison}, seed);
    std::vector<ChildId> poison;
    for (const ChildId& id : world.catalog.ids())
      if (world.catalog.of(id).kind == Kind::poison) poison.push_back(id);
    // One at a time: of two that crash their nodes together both are blamed for each.
    if (poison.size() != 1 || world.catalog.of(poison[0]).is_static) continue;
    if (!world.catalog.of(poison[0]).obituary) continue;
    ++tried;
    boot_all();
    settle(10s);
    world.clients->start(seed % 5, poison, Asked::start);
    world.run_until(world.now() + 60s);
    EXPECT_LE(world.processes->nodes_taken_down(poison[0]), 2U) << poison[0].text() << " with seed " << seed;
    if (world.violation)
      FAIL() << "seed " << seed << " " << world.violation->rule << " " << world.violation->words;
  }
  EXPECT_GT(tried, 3U);
}

TEST_F(Scenario, OfConcurrentStartsFromAllNodesOneIsOk) {
  World& world = make(3, 30);
  boot_all();
  settle(10s);
  for (int round = 0; round < 20; ++round) {
    for (const ChildId& id : startable())
      for (std::size_t i = 0; i < 3; ++i) world.clients->start(i, {id}, Asked::start);
    settle(10s);
    world.clients->stop(static_cast<std::size_t>(round % 3), world.catalog.ids());
    run_until(10s, [&] { return world.processes->count() == 0 && world.ledger->open_requests() == 0; });
  }
  // The ledger judges every answer: of those who start one id at once one hears ok, the others that it runs.
  EXPECT_FALSE(world.violation.has_value());
  EXPECT_GT(world.counts.requests, 20U);
}
}  // namespace scenario_test
}  // namespace brood::sim
