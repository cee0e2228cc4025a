// Nodes that sleep and wake where a partition strategy locks: what they go on with, and what they give up.
#include "core/placement/majority_quorum.hpp"
#include "core/placement/static_quorum.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace partition_sleep_test {

using Strategy = std::shared_ptr<const PartitionTolerance>;

Strategy of_static(std::size_t size) {
  return std::make_shared<StaticQuorum>(StaticQuorumSettings{size, true, {}});
}
Strategy of_majority(std::size_t size) {
  return std::make_shared<MajorityQuorum>(MajorityQuorumSettings{size, true, {}});
}

// It meets one of two that do not reach each other, and is told of the other.
TEST(SplitSleep, ANodeThatWakesAndDoesNotMeetAllGivesUpWhatTheyMayRun) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.strategies.partition = of_static(2); };
  cluster.form();
  cluster.start(0, many(30));
  cluster.run(1s);
  const auto before = cluster.nodes[0].processes;
  ASSERT_FALSE(before.empty());
  cluster.pause(0);
  cluster.drop_channels(0, true);
  cluster.run(40s);
  std::size_t on_third = 0;
  for (const auto& [id, epoch] : before) on_third += cluster.nodes[2].processes.count(id);
  ASSERT_GT(on_third, 0U);
  // What it has missed is told by the node in the middle alone, and that does not run it.
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[2].name}};
  bool opened = false;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i != 0 || !effects.fence || *effects.fence) return;
    opened = true;
    for (const auto& [id, epoch] : before)
      EXPECT_LE(cluster.alive(id.text()), 1U)
          << id.text() << " goes on there and on the one that it has not met";
  };
  cluster.resume(0);
  cluster.run(60s);
  EXPECT_TRUE(opened);
  cluster.watch = {};
  cluster.heal();
  cluster.run(10s);
  expect_each_once(cluster, 30);
}

// n1 has slept, and has met all others. It is not up before a child ends that was told to before its sleep.
struct Woken : Cluster {
  Woken() : Cluster(4) {
    change = [](std::size_t, Settings& settings) { settings.strategies.partition = of_static(2); };
    form();
    start(0, many(30));
    run(1s);
    before = nodes[0].processes;
    for (const auto& [id, epoch] : before) hold_stops.insert(id);
    stopped = before.begin()->first;
    stop(0, stopped.text());
    run(100ms);
    pause(0);
    drop_channels(0, true);
    run(10s);
    resume(0);
    run(1s);
    EXPECT_TRUE(nodes[0].fenced);
    watch = [this](std::size_t i, const Effects& effects) {
      for (const Stop& one : effects.stops)
        if (i == 0 && told.insert(one.id).second) told_at = now.monotonic;
    };
  }
  /// All but the one that had been told, and they have as long to end as that one had.
  void expect_it_gives_up_all() {
    ASSERT_EQ(told.size(), before.size() - 1);
    run(told_at + 15900ms - now.monotonic);
    EXPECT_TRUE(nodes[0].fenced);
    for (const auto& [id, epoch] : before) exit_on(0, id.text(), true, "shutdown");
    run(1s);
    EXPECT_FALSE(nodes[0].fenced);
  }
  std::map<ChildId, Epoch> before;
  ChildId stopped = id_of("none");
  std::set<ChildId> told;
  Duration told_at{};
};

TEST(SplitSleep, ANodeThatWakesAndLosesAMemberBeforeItIsUpGivesUpWhatThatMayTakeOver) {
  Woken cluster;
  ASSERT_GT(cluster.before.size(), 1U);
  cluster.split({{0}, {2}});
  cluster.run(9s);  // the others know it still, so it tries to meet it
  cluster.expect_it_gives_up_all();
}

TEST(SplitSleep, TheSameOfAMemberThatHadBegunAnewMeanwhile) {
  Woken cluster;
  ASSERT_GT(cluster.before.size(), 1U);
  // That it is there again is told by itself only.
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    return to == cluster.nodes[0].name && from != cluster.nodes[2].name && std::holds_alternative<Hello>(body)
               ? 0
               : 1;
  };
  cluster.kill(2);
  cluster.boot(2);
  cluster.run(1s);
  EXPECT_TRUE(cluster.told.empty());
  cluster.split({{0}, {2}}, 4s);
  cluster.run(4s);
  cluster.expect_it_gives_up_all();
}

TEST(SplitSleep, ANodeThatWakesGoesOnWithItsChildrenWhereAMemberDiesBeforeItIsUp) {
  Woken cluster;
  ASSERT_GT(cluster.before.size(), 1U);
  cluster.kill(2);
  cluster.run(1s);
  cluster.exit_on(0, cluster.stopped.text(), true, "shutdown");
  cluster.run(1s);
  EXPECT_FALSE(cluster.nodes[0].fenced);
  EXPECT_TRUE(cluster.told.empty());
  for (const auto& [id, epoch] : cluster.before)
    EXPECT_EQ(cluster.nodes[0].processes.contains(id), id != cluster.stopped) << id.text();
}

// By then the others have its children, which must not go on here for as long as they take to end.
TEST(SplitSleep, ANodeThatWakesAloneEndsItsChildrenBehindTheFence) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.strategies.partition = of_majority(3); };
  cluster.form();
  cluster.start(0, many(30));
  cluster.run(1s);
  for (const auto& [id, epoch] : cluster.nodes[0].processes) cluster.hold_stops.insert(id);
  ASSERT_FALSE(cluster.hold_stops.empty());
  cluster.pause(0);
  cluster.drop_channels(0, true);
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[1].name},
                         {cluster.nodes[0].name, cluster.nodes[2].name}};
  cluster.run(40s);
  EXPECT_EQ(cluster.nodes[1].processes.size() + cluster.nodes[2].processes.size(), 30U);
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Stop& stop : effects.stops)
      if (stop.shutdown.patience == 0ms) cluster.hold_stops.erase(stop.id);  // killed
    if (i != 0 || effects.fence.value_or(true)) return;
    EXPECT_TRUE(cluster.nodes[0].processes.empty());
  };
  cluster.resume(0);
  cluster.run(120s);
  EXPECT_EQ(cluster.nodes[0].processes.size(), 0U);
  EXPECT_TRUE(cluster.nodes[0].core->partitioned());
  cluster.watch = {};
  cluster.hold_stops.clear();
  cluster.heal();
  cluster.run(10s);
  EXPECT_FALSE(cluster.nodes[0].fenced);
  expect_each_once(cluster, 30);
}

// Of the other two one ran no more when it fell asleep, is back since and has all children, and cannot be
// reached at once.
TEST(SplitSleep, ANodeThatWakesTriesWhomItDoesNotReachForAsLongAsOthersWaitForAMember) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, many(30));
  cluster.kill(2);
  cluster.run(2s);
  const auto sleep_and_be_replaced = [&] {
    cluster.pause(0);
    cluster.drop_channels(0, true);
    cluster.run(40s);
    cluster.boot(2);
    cluster.run(5s);
    cluster.kill(1);
    cluster.run(2s);
    EXPECT_EQ(cluster.nodes[2].processes.size(), 30U);
    cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[2].name},
                           {cluster.nodes[2].name, cluster.nodes[0].name}};
    cluster.resume(0);
  };
  sleep_and_be_replaced();
  cluster.run(3s);
  EXPECT_TRUE(cluster.nodes[0].fenced);
  // Nor does a channel that ends before a word has come say what it runs.
  cluster.give(0, PeerUp{cluster.nodes[2].name, cluster.nodes[2].creation});
  cluster.give(0, PeerDown{cluster.nodes[2].name, false, "reset"});
  cluster.run(1s);
  EXPECT_TRUE(cluster.nodes[0].fenced);
  cluster.heal();
  cluster.run(3s);
  EXPECT_FALSE(cluster.nodes[0].fenced);
  expect_each_once(cluster, 30);
  // Where it goes on not to reach it, each goes on by itself.
  cluster.boot(1);
  cluster.run(5s);
  cluster.kill(2);
  cluster.run(2s);
  sleep_and_be_replaced();
  cluster.run(12s);
  EXPECT_FALSE(cluster.nodes[0].fenced);
  EXPECT_FALSE(cluster.nodes[0].processes.empty());
}

}  // namespace partition_sleep_test
}  // namespace brood::core::testing
