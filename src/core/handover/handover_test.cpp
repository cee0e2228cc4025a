// Hot swap through whole clusters: what a child holds goes with it, and whatever node is lost at whatever
// step, it runs once in the end, with what it held unless the node that had it is the one that was lost.
#include <ranges>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace handover_test {

struct HotSwap : ::testing::Test {
  HotSwap() {
    cluster.change = [](std::size_t, Settings& settings) {
      settings.strategies = make_strategies({.migration = "hot_swap"}).value();
    };
  }
  /// n1 and n2 run `count` children that hold something; then n3 boots, until `kind` would be sent, if any is
  /// named.
  void join(int count) {
    cluster.boot(0);
    cluster.boot(1);
    cluster.run(4s);
    cluster.start(0, many(count));
    cluster.run(1s);
    for (std::size_t i = 0; i < 2; ++i)
      for (const auto& [id, epoch] : cluster.nodes[i].processes)
        cluster.nodes[i].state[id] = "held " + id.text();
    cluster.boot(2);
    cluster.run(4s);
  }
  /// Runs once each, with what it held.
  void expect_nothing_lost(int count) {
    expect_each_once(cluster, count);
    for (int i = 0; i < count; ++i) {
      const ChildId id = id_of("c" + std::to_string(i));
      EXPECT_EQ(cluster.nodes[cluster.host(id.text())].state[id], "held " + id.text());
    }
    for (const auto& node : cluster.nodes) {
      EXPECT_TRUE(node.frozen.empty());
      EXPECT_TRUE(node.prepared.empty());
    }
  }
  /// A child that belongs on n3 once that is there, and where it runs before.
  std::string traveller() {
    for (int i = 0; i < 30; ++i)
      if (cluster.nodes[0].core->placement(id_of("c" + std::to_string(i))).front() == cluster.nodes[2].name)
        return "c" + std::to_string(i);
    return "none";
  }
  Cluster cluster{3};
};

TEST_F(HotSwap, AJoinTakesWhatTheChildrenHold) {
  join(30);
  EXPECT_GT(cluster.nodes[2].processes.size(), 3U);
  expect_nothing_lost(30);
  std::uint64_t moved = 0;
  for (const auto& node : cluster.nodes) moved += node.core->stats().handovers;
  EXPECT_EQ(moved, cluster.nodes[2].processes.size());
}

TEST_F(HotSwap, ADrainTakesThemElsewhere) {
  join(30);
  cluster.give(0, ClientDrain{{900}});
  cluster.run(4s);
  EXPECT_TRUE(cluster.nodes[0].left);
  EXPECT_EQ(cluster.result(900), "no answer");
  EXPECT_TRUE(cluster.last[900]);
  cluster.kill(0);
  cluster.run(2s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, ARefusalLeavesTheChildWhereItIsAndItIsTriedAgain) {
  for (int i = 0; i < 30; ++i) cluster.fail_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U);
  EXPECT_GT(cluster.nodes[0].core->stats().handovers_failed, 0U);
  cluster.fail_prepares.clear();
  cluster.run(15s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, ANodeThatLeavesDoesNotWaitForEverForWhatCannotBeHandedOver) {
  join(30);
  for (int i = 0; i < 30; ++i) cluster.fail_prepares.insert(id_of("c" + std::to_string(i)));
  cluster.give(0, ClientDrain{{900}});
  cluster.run(20s);
  EXPECT_TRUE(cluster.nodes[0].left);
  cluster.kill(0);
  cluster.run(1s);
  expect_each_once(cluster, 30);
}

TEST_F(HotSwap, AHandlerThatDoesNotEndPutsTheMoveOff) {
  for (int i = 0; i < 30; ++i) cluster.fail_freezes.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  cluster.fail_freezes.clear();
  cluster.run(15s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, TheTargetIsLostBeforeTheCommit) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_GT(cluster.nodes[0].frozen.size() + cluster.nodes[1].frozen.size(), 3U);
  cluster.kill(2);
  cluster.hold_prepares.clear();
  cluster.run(2s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, TheSourceIsLostWhenTheTargetIsReady) {
  // The answers of the target do not come, so the sources do not commit.
  cluster.lost.insert(MessageBody(OfferAnswer{}).index());
  join(30);
  const std::set<ChildId> at_first = cluster.nodes[0].frozen;
  ASSERT_GT(at_first.size(), 1U);
  ASSERT_GT(cluster.nodes[2].prepared.size(), at_first.size());
  cluster.lost.clear();
  cluster.kill(0);
  cluster.run(3s);
  expect_each_once(cluster, 30);
  for (const ChildId& id : at_first) EXPECT_EQ(cluster.nodes[2].state[id], "held " + id.text());
  for (const ChildId& id : cluster.nodes[2].prepared | std::views::keys)
    ADD_FAILURE() << id.text() << " still waits";
}

TEST_F(HotSwap, ACommitThatIsLostIsSaidAgain) {
  cluster.lost.insert(MessageBody(Commit{}).index());
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  EXPECT_GT(cluster.nodes[2].prepared.size(), 3U);
  EXPECT_GT(cluster.nodes[0].core->stats().handovers, 0U);
  cluster.lost.clear();
  cluster.run(3s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, TheTargetIsLostAfterTheCommitAndTheChildStartsAnew) {
  cluster.lost.insert(MessageBody(Commit{}).index());
  join(30);
  cluster.kill(2);
  cluster.lost.clear();
  cluster.run(3s);
  expect_each_once(cluster, 30);
}

TEST_F(HotSwap, AStopMeetsAHandOver) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  const std::string id = traveller();
  const auto stop = cluster.stop(1, id);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.alive(id), 0U);
  cluster.hold_prepares.clear();
  cluster.run(15s);
  EXPECT_EQ(cluster.alive(id), 0U);
}

TEST_F(HotSwap, AChildThatEndsWhileItIsFrozenStartsAnew) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  const std::string id = traveller();
  cluster.nodes[cluster.host(id)].frozen.erase(id_of(id));
  cluster.exit(id, false);
  cluster.hold_prepares.clear();
  cluster.run(15s);
  expect_each_once(cluster, 30);
}

TEST_F(HotSwap, AProcessThatEndsBeforeItIsOpenedIsStartedAnewByItsPlace) {
  cluster.lost.insert(MessageBody(Commit{}).index());
  join(30);
  const std::string id = traveller();
  const Epoch epoch = cluster.nodes[2].prepared.at(id_of(id)).first;
  cluster.nodes[2].prepared.erase(id_of(id));
  cluster.give(2, PrepareFailed{id_of(id), epoch, "killed"});
  cluster.lost.clear();
  cluster.run(3s);
  expect_each_once(cluster, 30);
  EXPECT_EQ(cluster.nodes[2].state[id_of(id)], "new");
}

// Cold swap: a worker that can save its state has it at its new place too.
struct ColdSwap : HotSwap {
  ColdSwap() {
    cluster.change = nullptr;
    cluster.keep_state = true;
  }
};

TEST_F(ColdSwap, TheStateGoesAlong) {
  join(30);
  EXPECT_GT(cluster.nodes[2].processes.size(), 3U);
  expect_nothing_lost(30);
}

TEST_F(ColdSwap, TheNewOneDoesNotRunBeforeTheOldOneHasEnded) {
  for (int i = 0; i < 30; ++i) cluster.hold_stops.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  EXPECT_GT(cluster.nodes[2].prepared.size(), 3U);
  for (std::size_t i = 0; i < 2; ++i)
    for (const ChildId& id : std::set<ChildId>(cluster.nodes[i].frozen)) {
      const Epoch epoch = cluster.nodes[i].processes.at(id);
      cluster.nodes[i].processes.erase(id);
      cluster.nodes[i].frozen.erase(id);
      cluster.give(i, Exited{id, epoch, true, "shutdown"});
    }
  cluster.run(2s);
  expect_nothing_lost(30);
}

TEST_F(ColdSwap, TheTargetIsLostWhileTheOldOneEnds) {
  for (int i = 0; i < 30; ++i) cluster.hold_stops.insert(id_of("c" + std::to_string(i)));
  join(30);
  cluster.kill(2);
  cluster.run(1s);
  for (std::size_t i = 0; i < 2; ++i)
    for (const ChildId& id : std::set<ChildId>(cluster.nodes[i].frozen)) {
      const Epoch epoch = cluster.nodes[i].processes.at(id);
      cluster.nodes[i].processes.erase(id);
      cluster.nodes[i].frozen.erase(id);
      cluster.give(i, Exited{id, epoch, true, "shutdown"});
    }
  cluster.run(2s);
  expect_each_once(cluster, 30);
}

TEST_F(ColdSwap, AWorkerWithoutStateEndsAndStartsAnew) {
  cluster.keep_state = false;
  join(30);
  expect_each_once(cluster, 30);
  for (const auto& [id, held] : cluster.nodes[2].state) EXPECT_EQ(held, "new");
}

}  // namespace handover_test
}  // namespace brood::core::testing
