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

// It has seen no loss, and what ran on the other side is not in the tables that it gets.
TEST_F(Split, ANodeThatJoinsAfterTheSplitWaitsAsTheOthersDo) {
  auto cluster = make(5, of_static(3));
  for (std::size_t i = 0; i < 4; ++i) cluster->boot(i);
  cluster->run(4s);
  cluster->start(0, many(40));
  cluster->run(1s);
  const auto beyond = cluster->nodes[3].processes;
  ASSERT_GT(beyond.size(), 4U);
  for (const auto& [id, epoch] : beyond) cluster->hold_stops.insert(id);  // they take their time
  cluster->split({{0, 1, 2, 4}, {3}});
  ASSERT_EQ(cluster->nodes[0].core->up_nodes().size(), 3U);
  cluster->boot(4);
  cluster->run(5s);
  EXPECT_FALSE(cluster->nodes[4].processes.empty()) << "it takes over what runs on its side";
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const auto& [id, epoch] : beyond) {
    cluster->nodes[3].processes.erase(id);
    cluster->give(3, Exited{id, epoch, true, "shutdown"});
  }
  cluster->run(60s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
}

// It has joined without having met one of the members, which the others lose before they see a cut in that.
TEST_F(Split, ANodeThatNeverMetTheLostOneWaitsForItToo) {
  auto cluster = make(4, of_static(2));
  for (std::size_t i = 0; i < 3; ++i) cluster->boot(i);
  cluster->run(4s);
  cluster->start(0, many(60));
  cluster->run(1s);
  const auto beyond = cluster->nodes[2].processes;
  for (const auto& [id, epoch] : beyond) cluster->hold_stops.insert(id);
  cluster->unreachable = {{cluster->nodes[2].name, cluster->nodes[3].name},
                          {cluster->nodes[3].name, cluster->nodes[2].name}};
  cluster->boot(3);
  for (int i = 0; i < 200 && cluster->nodes[3].core->self().state != MemberState::up; ++i)
    cluster->run(100ms);
  ASSERT_EQ(cluster->nodes[3].core->up_nodes().size(), 3U);
  cluster->split({{0, 1, 3}, {2}}, 200ms);
  cluster->run(1s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const auto& [id, epoch] : beyond) cluster->exit_on(2, id.text(), true, "shutdown");
  cluster->run(20s);
  EXPECT_EQ(running(*cluster, {0, 1, 3}), 60U);
}

// The leader of a distribution that balances gives children to any node, and cut off to itself.
TEST_F(Split, AChildThatIsNewWaitsWhereALostNodeThatCoordinatedItMayHaveStartedIt) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies.partition = of_static(2);
    settings.strategies.distribution = std::make_shared<LoadBalancer>(BalancingSettings{});
  };
  cluster.form();
  ASSERT_EQ(cluster.nodes[1].core->leader(), cluster.nodes[0].name);
  cluster.hold_stops.insert(id_of("x"));
  bool cut = true;
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody&) {
    return cut && (from == cluster.nodes[0].name || to == cluster.nodes[0].name) ? 0 : 1;
  };
  cluster.start(0, {spec_of("x")});
  cluster.run(100ms);
  ASSERT_EQ(cluster.host("x"), 0U);
  cluster.split({{0}, {1, 2}}, 3s);
  cut = false;
  const auto other = cluster.start(1, {spec_of("x")});
  cluster.run(10s);
  EXPECT_EQ(cluster.alive("x"), 1U) << "the other side has its time to end it";
  cluster.nodes[0].processes.erase(id_of("x"));
  cluster.run(10s);
  EXPECT_EQ(cluster.alive("x"), 1U);
  EXPECT_EQ(cluster.result(other), "ok");
}

// x runs on n3, of which no word comes any more; the others know of it by its row alone.
struct CutOffAsItStarts : Cluster {
  CutOffAsItStarts(std::shared_ptr<const Distribution> distribution, const SpecPtr& x) : Cluster(3) {
    change = [distribution = std::move(distribution)](std::size_t, Settings& settings) {
      settings.strategies.partition = of_static(2);
      if (distribution) settings.strategies.distribution = distribution;
    };
    form();
    hold_stops.insert(id_of("x"));
    copies = [this](const NodeName& from, const NodeName&, const MessageBody&) {
      return from == nodes[2].name ? 0 : 1;
    };
    start(0, {x}, StartMode::start, nodes[2].name);
    run(100ms);
    split({{0, 1}, {2}}, 3s);
    copies = {};
  }
  /// That of n3 has its time to end.
  void expect_it_is_waited_for() {
    ASSERT_EQ(host("x"), 2U);
    run(15s);
    EXPECT_EQ(alive("x"), 1U) << "it is started beside the one that n3 has begun";
    nodes[2].processes.erase(id_of("x"));
    run(5s);
    EXPECT_EQ(alive("x"), 1U);
  }
};

TEST_F(Split, AChildThatWasStoppedAndIsGivenToAnotherNodeWaitsForTheOneThatHadIt) {
  CutOffAsItStarts cluster(std::make_shared<LoadBalancer>(BalancingSettings{}), spec_of("x"));
  const auto stop = cluster.stop(0, "x");
  cluster.run(100ms);
  EXPECT_EQ(cluster.replies.count(stop), 0U) << "it may run still";
  const auto start = cluster.start(1, {spec_of("x")});
  cluster.expect_it_is_waited_for();
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.result(start), "ok");
}

TEST_F(Split, AChildThatMayRunElsewhereFromNowOnWaitsForTheNodeWhereItMayRunStill) {
  const auto only_on = [](const char* node) {
    auto spec = std::make_shared<Spec>(*spec_of("x"));
    spec->extras.change().nodes = {NodeName(node)};
    return spec;
  };
  CutOffAsItStarts cluster(nullptr, only_on("n3@test"));
  cluster.start(0, {only_on("n1@test")}, StartMode::apply);
  cluster.expect_it_is_waited_for();
}

TEST_F(Split, AStopWaitsForTheNodeThatWasCutOffAndForNoOther) {
  auto cluster = make(4, of_static(2));
  cluster->form();
  const std::string cut = cluster->id_at(3), other = cluster->id_at(1);
  cluster->start(0, {spec_of(cut), spec_of(other)});
  cluster->run(100ms);
  ASSERT_EQ(cluster->host(cut), 3U);
  cluster->hold_stops.insert(id_of(cut));
  cluster->split({{0, 1, 2}, {3}}, 3s);
  cluster->run(100ms);
  const auto one = cluster->stop(0, cut), another = cluster->stop(0, other);
  cluster->run(2s);
  EXPECT_EQ(cluster->result(another), "ok");
  EXPECT_EQ(cluster->replies.count(one), 0U);
  EXPECT_EQ(cluster->alive(cut), 1U);
  cluster->exit_on(3, cut, true, "shutdown");
  cluster->run(20s);
  EXPECT_EQ(cluster->result(one), "ok");
  EXPECT_EQ(cluster->alive(cut), 0U);
}

// Nobody has heard of the instance that the second of its two nodes has started.
TEST_F(Split, AStopWaitsForAnInstanceThatOnlyTheLostNodeKnows) {
  Cluster cluster(4);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies =
        make_strategies({.redundancy = StrategyChoice{"replication", {{"factor", 2}}}}).value();
    settings.strategies.partition = of_static(3);
  };
  cluster.form();
  bool cut = true;
  cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody&) {
    return cut && from == cluster.nodes[3].name ? 0 : 1;
  };
  cluster.start(0, many(20));
  cluster.run(100ms);
  std::vector<std::string> there;
  for (int i = 0; i < 20; ++i)
    if (const auto id = "c" + std::to_string(i);
        cluster.nodes[3].processes.contains(id_of(id)) && cluster.nodes[0].core->spec(id_of(id)))
      there.push_back(id);
  ASSERT_GT(there.size(), 3U);
  for (const auto& id : there) cluster.hold_stops.insert(id_of(id));
  cluster.split({{0, 1, 2}, {3}}, 100ms);
  cut = false;
  cluster.run(1s);
  std::vector<std::uint64_t> stops;
  for (const auto& id : there) stops.push_back(cluster.stop(0, id));
  cluster.run(1s);
  for (const auto& id : there)
    for (std::size_t i = 0; i < 3; ++i)
      if (cluster.nodes[i].processes.contains(id_of(id))) cluster.exit_on(i, id, true, "shutdown");
  cluster.run(2s);
  for (std::size_t i = 0; i < there.size(); ++i)
    EXPECT_EQ(cluster.replies.count(stops[i]), 0U) << there[i] << " runs on " << cluster.alive(there[i]);
  for (const auto& id : there) cluster.exit_on(3, id, true, "shutdown");
  cluster.run(20s);
  for (const auto stop : stops) EXPECT_EQ(cluster.result(stop), "ok");
}

// The stop was asked for before the loss of the child's node was known, and its coordinator dies after that.
TEST_F(Split, AStopWaitsForTheNodeThatWasCutOffAtItsNextCoordinatorToo) {
  auto cluster = make(5, of_static(3));
  cluster->form();
  const std::string id = cluster->id_at(0);
  auto spec = std::make_shared<Spec>(*spec_of(id));
  spec->extras.change().nodes = {cluster->nodes[3].name};
  cluster->start(4, {spec});
  cluster->run(100ms);
  ASSERT_EQ(cluster->host(id), 3U);
  cluster->hold_stops.insert(id_of(id));
  cluster->copies = [cut = cluster->nodes[3].name](const NodeName& from, const NodeName& to,
                                                   const MessageBody&) {
    return from == cut || to == cut ? 0 : 1;
  };
  const auto stop = cluster->stop(4, id);
  cluster->run(100ms);
  cluster->split({{0, 1, 2, 4}, {3}}, 3s);
  cluster->run(100ms);
  cluster->kill(0);
  cluster->run(200ms);
  EXPECT_EQ(cluster->replies.count(stop), 0U);
  EXPECT_EQ(cluster->alive(id), 1U);
  cluster->exit_on(3, id, true, "shutdown");
  cluster->run(20s);
  EXPECT_EQ(cluster->result(stop), "ok");
}

// Of a loss that it was only told of it knows no placement, but to which node a child was given.
TEST_F(Split, ANodeThatJoinsAfterTheSplitWaitsForWhatWasMovedToTheLostNode) {
  auto cluster = make(4, of_static(2));
  for (std::size_t i = 0; i < 3; ++i) cluster->boot(i);
  cluster->run(4s);
  cluster->start(0, many(60));
  cluster->run(1s);
  const auto moved = cluster->nodes[0].processes;
  cluster->copies = [&](const NodeName& from, const NodeName&, const MessageBody&) {
    return from == cluster->nodes[2].name ? 0 : 1;
  };
  std::uint64_t client = 1000;
  for (const auto& [id, epoch] : moved)
    cluster->give(0, ClientMove{{++client}, MoveKind::to_node, id, cluster->nodes[2].name});
  cluster->run(100ms);
  std::vector<ChildId> beyond;
  for (const auto& [id, epoch] : moved)
    if (cluster->host(id.text()) == 2) beyond.push_back(id);
  ASSERT_GT(beyond.size(), 4U);
  for (const ChildId& id : beyond) cluster->hold_stops.insert(id);
  cluster->split({{0, 1, 3}, {2}}, 3s);
  cluster->copies = {};
  cluster->boot(3);
  cluster->run(5s);
  ASSERT_EQ(cluster->nodes[3].core->up_nodes().size(), 3U);
  for (const ChildId& id : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const ChildId& id : beyond) cluster->exit_on(2, id.text(), true, "shutdown");
  cluster->run(20s);
  for (const ChildId& id : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
}

// By the view that the lost node acted in, which had no such node, it was the place of what belongs to the
// new one now. Nothing passes between it and the others from that moment on.
TEST_F(Split, ANodeThatIsUpWaitsForWhatTheLostNodeRanBeforeItKnewOfThat) {
  auto cluster = make(4, of_static(2));
  for (std::size_t i = 0; i < 3; ++i) cluster->boot(i);
  cluster->run(4s);
  bool is_cut_off = false;
  cluster->copies = [&](const NodeName& from, const NodeName& to, const MessageBody&) {
    const NodeName& name = cluster->nodes[2].name;
    return is_cut_off && (from == name || to == name) ? 0 : 1;
  };
  cluster->watch = [&](std::size_t i, const Effects& effects) {
    for (const MemberEvent& one : effects.members) {
      if (i != 3 || is_cut_off || one.session.node != cluster->nodes[3].name || one.state != MemberState::up)
        continue;
      is_cut_off = true;
      cluster->start(2, many(60));
    }
  };
  cluster->boot(3);
  cluster->run(1s);
  ASSERT_TRUE(is_cut_off);
  const auto beyond = cluster->nodes[2].processes;
  ASSERT_GT(beyond.size(), 10U);
  for (const auto& [id, epoch] : beyond) cluster->hold_stops.insert(id);
  cluster->split({{0, 1, 3}, {2}}, 3s);
  ASSERT_EQ(cluster->nodes[3].core->up_nodes().size(), 3U);
  cluster->start(0, many(60));
  cluster->run(5s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const auto& [id, epoch] : beyond) cluster->exit_on(2, id.text(), true, "shutdown");
  cluster->run(60s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
}

TEST(TakeoverDelay, TheBoundIsWhatTheDelayDoesNotCover) {
  Settings settings;
  settings.tick_timeout = 8s;
  const auto with = [&](std::optional<Duration> delay) {
    settings.strategies.partition =
        std::make_shared<StaticQuorum>(StaticQuorumSettings{2, true, {delay, 5s}});
  };
  with({});
  EXPECT_EQ(takeover_delay(settings), 17s);
  EXPECT_EQ(overlap_bound(settings), 0s);
  with(4s);
  EXPECT_EQ(overlap_bound(settings), 13s);
  with(60s);
  EXPECT_EQ(overlap_bound(settings), 0s);
}

}  // namespace partition_test
}  // namespace brood::core::testing
