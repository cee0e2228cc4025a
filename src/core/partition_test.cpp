// Splits of whole clusters of cores, under each partition strategy.
#include <array>

#include "core/members/reachability.hpp"
#include "core/members/takeover_delay.hpp"
#include "core/placement/dynamic_quorum.hpp"
#include "core/placement/load_balancer.hpp"
#include "core/placement/majority_quorum.hpp"
#include "core/placement/static_quorum.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace partition_test {

using Strategy = std::shared_ptr<const PartitionTolerance>;

Strategy of_static(std::size_t size, bool confirm = true) {
  return std::make_shared<StaticQuorum>(StaticQuorumSettings{size, confirm, {}});
}
Strategy of_majority(std::size_t size, bool grows = true) {
  return std::make_shared<MajorityQuorum>(MajorityQuorumSettings{size, grows, {}});
}
Strategy of_dynamic(double percent) {
  return std::make_shared<DynamicQuorum>(DynamicQuorumSettings{percent, 30s, {}});
}

class Split : public ::testing::TestWithParam<Strategy> {
 protected:
  static std::unique_ptr<Cluster> make(std::size_t count, Strategy strategy) {
    auto cluster = std::make_unique<Cluster>(count);
    cluster->change = [strategy](std::size_t, Settings& settings) {
      settings.strategies.partition = strategy;
    };
    return cluster;
  }
  static std::size_t running(const Cluster& cluster, std::initializer_list<std::size_t> nodes) {
    std::size_t count = 0;
    for (const std::size_t i : nodes) count += cluster.nodes[i].processes.size();
    return count;
  }
};

TEST_P(Split, TheSideWithTheQuorumRunsAllAndTheOtherNothingAndAfterwardsEachRunsOnce) {
  auto cluster = make(5, GetParam());
  cluster->form();
  cluster->start(0, many(40));
  cluster->run(100ms);
  expect_each_once(*cluster, 40);
  cluster->split({{0, 1, 2}, {3, 4}});
  cluster->run(100ms);
  EXPECT_EQ(running(*cluster, {3, 4}), 0U);
  for (const std::size_t i : {3U, 4U}) {
    const auto status = cluster->nodes[i].core->partition();
    EXPECT_TRUE(status.partitioned);
    EXPECT_NE(status.why.find("n4@test, n5@test"), std::string::npos) << status.why;
  }
  // The lost ones' children wait.
  EXPECT_LT(running(*cluster, {0, 1, 2}), 40U);
  const auto refused = cluster->start(4, {spec_of("late")});
  const auto stop_refused = cluster->stop(3, "c1");
  cluster->run(100ms);
  EXPECT_EQ(cluster->result(refused), "partitioned");
  EXPECT_EQ(cluster->result(stop_refused), "partitioned");
  cluster->run(18s);
  EXPECT_EQ(running(*cluster, {0, 1, 2}), 40U);
  const auto good = cluster->start(0, {spec_of("late")});
  cluster->run(100ms);
  EXPECT_EQ(cluster->result(good), "ok");
  cluster->heal();
  cluster->run(5s);
  expect_each_once(*cluster, 40);
  EXPECT_EQ(cluster->alive("late"), 1U);
  for (const auto& node : cluster->nodes) EXPECT_FALSE(node.core->partition().partitioned);
}

// Both have given each other up; the one that comes back has begun anew by the time it meets the second.
TEST_P(Split, WhoHadTheQuorumAllTheTimeGoesOnThoughTheOthersComeBackToOneAfterTheOther) {
  auto cluster = make(5, GetParam());
  cluster->form();
  cluster->start(0, many(40));
  cluster->run(100ms);
  cluster->split({{0, 1, 2}, {3, 4}});
  cluster->run(18s);
  ASSERT_EQ(running(*cluster, {0, 1, 2}), 40U);
  cluster->watch = [](std::size_t i, const Effects& effects) {
    if (i > 2) return;
    EXPECT_FALSE(effects.fence && *effects.fence) << i;
    EXPECT_FALSE(effects.lock && effects.lock->locked) << i;
  };
  cluster->heal();
  for (const std::size_t other : {3U, 4U})
    for (const std::size_t i : {0U, 1U, 2U}) {
      auto& a = cluster->nodes[i];
      auto& b = cluster->nodes[other];
      a.channels.insert(b.name);
      b.channels.insert(a.name);
      cluster->give(i, PeerUp{b.name, b.creation});
      cluster->give(other, PeerUp{a.name, a.creation});
      cluster->run();
    }
  cluster->run(5s);
  expect_each_once(*cluster, 40);
}

TEST_P(Split, IntoThreeWithoutAnyQuorumEndsAllUntilItHeals) {
  auto cluster = make(5, GetParam());
  cluster->form();
  cluster->start(0, many(20));
  cluster->run(100ms);
  cluster->split({{0, 1}, {2, 3}, {4}});
  cluster->run(30s);
  EXPECT_EQ(running(*cluster, {0, 1, 2, 3, 4}), 0U);
  cluster->heal();
  cluster->run(5s);
  expect_each_once(*cluster, 20);
}

TEST_P(Split, AProvenDeathIsNotWaitedFor) {
  auto cluster = make(5, GetParam());
  cluster->form();
  cluster->start(0, many(20));
  cluster->run(1s);  // nobody has just started, so nobody is a suspect
  cluster->kill(4);
  cluster->run(100ms);
  expect_each_once(*cluster, 20);
}

TEST_P(Split, ChildrenThatDoNotEndAreKilledWhenTheBoundIsOver) {
  auto cluster = make(5, GetParam());
  cluster->form();
  cluster->start(0, many(20));
  cluster->run(100ms);
  for (int i = 0; i < 20; ++i) cluster->hold_stops.insert(id_of("c" + std::to_string(i)));
  std::size_t killed = 0;
  cluster->watch = [&](std::size_t, const Effects& effects) {
    for (const Stop& stop : effects.stops) killed += stop.shutdown.patience == 0ms ? 1 : 0;
  };
  const std::size_t there = running(*cluster, {3, 4});
  cluster->split({{0, 1, 2}, {3, 4}});
  cluster->run(4900ms);
  EXPECT_EQ(killed, 0U);
  cluster->run(200ms);
  EXPECT_EQ(killed, there);
}

TEST_P(Split, ANodeThatCrashesInTheMinorityStartsNothingWhenItIsBack) {
  auto cluster = make(5, GetParam());
  cluster->form();
  cluster->start(0, many(20));
  cluster->run(100ms);
  cluster->split({{0, 1, 2}, {3, 4}});
  cluster->run(20s);
  cluster->kill(4);
  cluster->run(100ms);
  cluster->boot(4);
  cluster->run(20s);
  EXPECT_EQ(running(*cluster, {3, 4}), 0U);
  EXPECT_TRUE(cluster->nodes[4].core->partition().partitioned);
}

TEST_P(Split, GracefulLeavesLeaveTheRestFree) {
  auto cluster = make(5, GetParam());
  cluster->form();
  cluster->start(0, many(20));
  cluster->run(100ms);
  for (const std::size_t i : {4U, 3U}) {
    cluster->give(i, ClientDrain{{900 + i}});
    cluster->run(1s);
    EXPECT_TRUE(cluster->nodes[i].left);
    cluster->kill(i);
    cluster->run(100ms);
  }
  expect_each_once(*cluster, 20);
}

INSTANTIATE_TEST_SUITE_P(
    Strategies, Split, ::testing::Values(of_static(3), of_majority(5), of_majority(5, false), of_dynamic(60)),
    [](const auto& instance) {
      return std::string(std::array{"static", "majority", "fixed_majority", "dynamic"}[instance.index]);
    });

TEST_F(Split, AMinorityThatLosesTheOthersOneByOneStartsNoneOfTheirChildren) {
  auto cluster = make(5, of_majority(5));
  cluster->form();
  cluster->start(0, many(40));
  cluster->run(100ms);
  std::size_t starts = 0;
  cluster->watch = [&](std::size_t i, const Effects& effects) {
    starts += i >= 3 ? effects.starts.size() : 0;
  };
  cluster->split({{0, 1, 2}, {3, 4}});
  cluster->run(30s);
  EXPECT_EQ(starts, 0U);
}

TEST_F(Split, ANodeThatBootsAloneUnderAStaticQuorumStartsNothing) {
  auto cluster = make(3, of_static(2));
  cluster->boot(0);
  const auto put = cluster->start(0, {spec_of("s", "counter", Restart::permanent, true)}, StartMode::ensure);
  cluster->run(20s);
  EXPECT_EQ(cluster->alive("s"), 0U);
  EXPECT_TRUE(cluster->nodes[0].core->partition().partitioned);
  cluster->boot(1);
  cluster->run(5s);
  EXPECT_EQ(cluster->alive("s"), 1U);
  EXPECT_EQ(cluster->result(put), "ok");
}

TEST_F(Split, WithoutStartupConfirmOneThatBootsAloneDoes) {
  auto cluster = make(3, of_static(2, false));
  cluster->boot(0);
  cluster->start(0, {spec_of("x")});
  cluster->run(5s);
  EXPECT_EQ(cluster->alive("x"), 1U);
}

TEST_F(Split, TwoThatLeaveOneAfterTheOtherLeaveOneThatGoesOn) {
  auto cluster = make(3, of_majority(3));
  cluster->form();
  cluster->start(0, many(9));
  cluster->run(100ms);
  for (const std::size_t i : {2U, 1U}) {
    cluster->give(i, ClientDrain{{900 + i}});
    cluster->run(1s);
    EXPECT_TRUE(cluster->nodes[i].left);
    cluster->kill(i);
    cluster->run(100ms);
  }
  expect_each_once(*cluster, 9);
  EXPECT_FALSE(cluster->nodes[0].core->partition().partitioned) << cluster->nodes[0].core->partition().why;
}

TEST_F(Split, AResetAskedOfOneNodeIsKnownToAllAndSurvivesARestart) {
  auto cluster = make(5, of_majority(5));
  cluster->form();
  cluster->start(0, many(10));
  cluster->run(100ms);
  cluster->split({{0, 1}, {2, 3, 4}});
  for (const std::size_t i : {2U, 3U, 4U}) cluster->kill(i);
  cluster->run(20s);
  EXPECT_TRUE(cluster->nodes[0].core->partition().partitioned);
  const auto reset = cluster->reset(0, 2);
  cluster->run(100ms);
  EXPECT_EQ(cluster->result(reset), "ok");
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_FALSE(cluster->nodes[i].core->partition().partitioned);
    EXPECT_EQ(cluster->nodes[i].core->partition().tally.size, 2U);
  }
  cluster->run(20s);
  expect_each_once(*cluster, 10);
  cluster->kill(0);
  cluster->run(100ms);
  EXPECT_TRUE(cluster->nodes[1].core->partition().partitioned);
  cluster->boot(0);
  cluster->run(5s);
  expect_each_once(*cluster, 10);
  EXPECT_EQ(cluster->nodes[0].core->partition().tally.size, 2U);
}

TEST_F(Split, ANodeIsRefusedWhoseTakeoverDelayDiffers) {
  auto cluster = make(2, of_majority(2));
  cluster->change = [](std::size_t i, Settings& settings) {
    MajorityQuorumSettings majority{2, true, {}};
    if (i == 1) majority.times.takeover_delay = 1s;
    settings.strategies.partition = std::make_shared<MajorityQuorum>(majority);
  };
  cluster->form();
  EXPECT_NE(cluster->nodes[1].refused.find("takeover"), std::string::npos);
}

TEST_F(Split, ABridgeBetweenTwoPartsDoesNotMakeTwoPlaces) {
  auto cluster = make(5, of_majority(5));
  cluster->form();
  cluster->start(0, many(40));
  cluster->run(100ms);
  // The third reaches both pairs, and they do not reach each other.
  cluster->split({{0, 1}, {3, 4}});
  for (int second = 0; second < 60; ++second) {
    cluster->run(1s);
    for (int i = 0; i < 40; ++i)
      ASSERT_LE(cluster->alive("c" + std::to_string(i)), 1U) << second << " s, c" << i;
  }
  cluster->heal();
  cluster->run(5s);
  expect_each_once(*cluster, 40);
}

// The other pair may act from one moment to the next, and lost the one that has to end its children long ago.
TEST_F(Split, WhereTheBridgeChangesSidesTheNewOneWaitsForWhatTheOtherRan) {
  auto cluster = make(5, of_majority(5));
  cluster->form();
  cluster->start(0, many(40));
  cluster->run(100ms);
  cluster->split({{0, 1}, {3, 4}});
  cluster->run(60s);
  const bool first = running(*cluster, {0, 1}) > 0;
  ASSERT_NE(first, running(*cluster, {3, 4}) > 0);
  const std::size_t dies = first ? 1 : 4;
  const std::size_t stays = first ? 0 : 3;
  ASSERT_GT(running(*cluster, {stays}), 0U);
  for (int i = 0; i < 40; ++i) cluster->hold_stops.insert(id_of("c" + std::to_string(i)));
  cluster->kill(dies);
  cluster->run(1s);
  EXPECT_GT(running(*cluster, {stays}), 0U) << "they do not end";
  for (int i = 0; i < 40; ++i) EXPECT_LE(cluster->alive("c" + std::to_string(i)), 1U) << "c" << i;
  cluster->hold_stops.clear();
  cluster->run(60s);
  EXPECT_EQ(running(*cluster, {stays}), 0U);
  std::size_t all = 0;
  for (int i = 0; i < 40; ++i) all += cluster->alive("c" + std::to_string(i));
  EXPECT_EQ(all, 40U);
}

// The ends of a broken link meet again. The one that stands aside hears first that it was lost, and goes on
// in a new session beside the node in the middle, which has it left out still.
TEST_F(Split, WhatANodeThatStandsAsideStillRunsIsKnownBeforeOthersActInItsNewSession) {
  auto cluster = make(3, of_majority(3));
  cluster->form();
  cluster->start(0, many(40));
  cluster->run(100ms);
  for (int i = 0; i < 40; ++i) cluster->hold_stops.insert(id_of("c" + std::to_string(i)));
  cluster->split({{0}, {2}});
  cluster->run(cut_after(cluster->nodes[0].core->settings()) + 1s);
  const auto locked = [&](std::size_t i) { return cluster->nodes[i].core->partitioned(); };
  ASSERT_NE(locked(0), locked(2));
  const std::size_t aside = locked(0) ? 0 : 2;
  const auto ending = cluster->nodes[aside].processes;
  ASSERT_GT(ending.size(), 4U);
  // Of the one that stands aside nothing comes for now but the first word to the node in the middle.
  auto& nodes = cluster->nodes;
  cluster->copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    const bool first = std::holds_alternative<Hello>(body) && to == nodes[1].name;
    return from != nodes[aside].name || first ? 1 : 0;
  };
  cluster->heal();
  for (const std::size_t i : {0U, 2U}) {
    nodes[i].channels.insert(nodes[2 - i].name);
    cluster->give(i, PeerUp{nodes[2 - i].name, nodes[2 - i].creation});
  }
  cluster->run();
  ASSERT_EQ(nodes[aside].core->self().session.session, 2U);
  cluster->run(1s);
  ASSERT_TRUE(locked(aside));
  for (const auto& [id, epoch] : ending) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  cluster->copies = {};
  cluster->hold_stops.clear();
  for (const auto& [id, epoch] : ending)
    if (nodes[aside].processes.contains(id)) cluster->exit_on(aside, id.text(), true, "shutdown");
  cluster->drop_channels(aside, false);
  cluster->run(60s);
  EXPECT_FALSE(locked(aside));
  expect_each_once(*cluster, 40);
}

}  // namespace partition_test
}  // namespace brood::core::testing
