// What is given to nodes by their loads, and what is moved by hand.
#include "core/balance/assignments.hpp"

#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace {

struct BalancedCluster : Cluster {
  explicit BalancedCluster(std::vector<std::uint32_t> weights, BalancingSettings balancing = {})
      : Cluster(weights.size()) {
    change = [weights = std::move(weights), balancing](std::size_t i, Settings& settings) {
      settings.weight = weights[i];
      settings.strategies.distribution = std::make_shared<LoadBalancer>(balancing);
    };
  }
  void measure(std::size_t i, std::uint32_t own_ppm) {
    Load load;
    load.own_ppm = own_ppm;
    give(i, LoadMeasured{load});
  }
};

std::uint64_t move(Cluster& cluster, std::size_t at, std::string_view id, std::string_view to,
                   MoveKind kind = MoveKind::to_node) {
  static std::uint64_t last = 1'000'000;
  cluster.give(at, ClientMove{ClientId{++last}, kind, id_of(id), NodeName(std::string(to))});
  return last;
}

std::vector<std::size_t> counts(const Cluster& cluster) {
  std::vector<std::size_t> all;
  for (const auto& node : cluster.nodes) all.push_back(node.processes.size());
  return all;
}

void expect_shares(const Cluster& cluster, std::size_t children, const std::vector<double>& capacity) {
  double all = 0;
  for (const double one : capacity) all += one;
  for (std::size_t i = 0; i < capacity.size(); ++i) {
    const double wanted = static_cast<double>(children) * capacity[i] / all;
    EXPECT_NEAR(static_cast<double>(cluster.nodes[i].processes.size()), wanted, wanted / 10) << i;
  }
}

TEST(Balance, TenThousandChildrenAreSharedByWeightOnThreeNodes) {
  BalancedCluster cluster({100, 250, 50});
  cluster.form();
  cluster.start(1, many(10'000));
  cluster.run(20s);
  expect_shares(cluster, 10'000, {100, 250, 50});
  for (const auto& node : cluster.nodes) {
    const auto lines = node.core->scoreboard();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[1].given, 6250U) << "every node counts the same";
    EXPECT_NEAR(lines[1].share, 0.625, 0.001);
  }
}

TEST(Balance, WhoeverGivesAChildUpSaysWhoHasItNextAndNobodyWritesItBesides) {
  BalancedCluster cluster({100, 100, 100});
  cluster.change = [before = cluster.change](std::size_t i, Settings& settings) {
    before(i, settings);
    settings.attempts_max = 1;
  };
  cluster.form();
  cluster.start(0, many(3));
  cluster.run(1s);
  const NodeName leader = *cluster.nodes[0].core->leader();
  const std::string id = cluster.nodes[cluster.host("c0")].name == leader ? "c1" : "c0";
  const NodeName former = cluster.nodes[cluster.host(id)].name;
  ASSERT_NE(former, leader);
  cluster.exit(id, false);
  cluster.run();
  ASSERT_EQ(cluster.alive(id), 1U);
  for (const auto& node : cluster.nodes) {
    const SpecRow& row = *node.core->spec(id_of(id));
    EXPECT_EQ(row.trouble->avoid, std::vector{former});
    EXPECT_EQ(row.assigned->node, cluster.nodes[cluster.host(id)].name);
    EXPECT_EQ(row.dot.node, former);
  }
}

TEST(Balance, TenThousandChildrenAreSharedByWeightOnTenNodes) {
  const std::vector<std::uint32_t> weights{100, 200, 50, 75, 300, 100, 10, 125, 400, 90};
  BalancedCluster cluster(weights);
  cluster.form();
  cluster.start(3, many(10'000));
  cluster.run(20s);
  expect_shares(cluster, 10'000, {weights.begin(), weights.end()});
}

TEST(Balance, ANodeGetsInProportionToWhatItHasToSpare) {
  BalancedCluster cluster({100, 100, 100});
  cluster.form();
  cluster.measure(0, 0);
  cluster.measure(1, 500'000);
  cluster.measure(2, 990'000);
  cluster.run(1s);
  cluster.start(2, many(1600));
  cluster.run(10s);
  expect_shares(cluster, 1600, {1.0, 0.5, 0.1});
}

TEST(Balance, TheHistoryOfEachNodeIsItsOwnAndOldScoresCountLess) {
  BalancedCluster cluster({100, 100});
  cluster.form();
  for (int i = 0; i < 5; ++i) {
    cluster.measure(1, 1'000'000);
    cluster.measure(0, 0);
  }
  cluster.measure(1, 0);
  cluster.run(1s);
  const auto leader = *cluster.nodes[0].core->leader();
  const auto lines = cluster.nodes[cluster.index(leader)].core->scoreboard();
  EXPECT_EQ(lines[0].score_ppm, 0U);
  EXPECT_GT(lines[1].score_ppm, 700'000U);
  EXPECT_LT(lines[1].score_ppm, 900'000U);
}

TEST(Balance, WhatANodeToldBeforeItBeganAnewIsForgotten) {
  BalancedCluster cluster({100, 100});
  for (const std::size_t i : {0U, 1U}) {
    cluster.boot(i);
    cluster.run(4s);
  }
  ASSERT_EQ(cluster.nodes[0].core->leader(), cluster.nodes[0].name);
  cluster.measure(0, 200'000);
  cluster.measure(1, 900'000);
  cluster.run(1s);
  ASSERT_EQ(cluster.nodes[0].core->scoreboard()[1].score_ppm, 900'000U);
  cluster.kill(1);
  cluster.run(1s);
  cluster.boot(1);
  cluster.run(4s);
  const auto lines = cluster.nodes[0].core->scoreboard();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1].score_ppm, 200'000U) << "the mean of the others, until it tells something";
}

TEST(Balance, NothingMovesWhenANodeJoinsAndNewChildrenGoToTheEmptyNode) {
  BalancedCluster cluster({100, 100, 100});
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(100));
  cluster.run(2s);
  const auto before = counts(cluster);
  cluster.boot(2);
  cluster.run(5s);
  EXPECT_EQ(counts(cluster), before);
  cluster.start(0, {spec_of("x"), spec_of("y")});
  cluster.run(2s);
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{50, 50, 2}));
}

TEST(Balance, RebalancingMovesAsFewAsItTakesAndNoneThatWasMovedByHand) {
  BalancedCluster cluster({100, 100, 200});
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(400));
  cluster.run(2s);
  const std::string id = "c7";
  const std::string stays = cluster.nodes[cluster.host(id)].name.text();
  move(cluster, 1, id, stays);
  cluster.boot(2);
  cluster.run(5s);
  ASSERT_TRUE(cluster.nodes[2].processes.empty());
  std::size_t twice = 0;
  cluster.watch = [&](std::size_t, const Effects&) {
    for (int i = 0; i < 400; i += 13) twice += cluster.alive("c" + std::to_string(i)) > 1 ? 1 : 0;
  };
  const auto client = move(cluster, 2, "any", "", MoveKind::rebalance);
  cluster.run(10s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{100, 100, 200}));
  EXPECT_EQ(cluster.nodes[cluster.host(id)].name.text(), stays);
  EXPECT_EQ(twice, 0U);
  expect_each_once(cluster, 400);
}

TEST(Balance, RebalancingEndsHoweverSmallAStepIs) {
  BalancedCluster cluster({100, 100});
  cluster.change = [before = cluster.change](std::size_t i, Settings& settings) {
    before(i, settings);
    settings.step_budget = 1;
  };
  cluster.boot(0);
  cluster.run(4s);
  cluster.start(0, many(20));
  cluster.run(2s);
  cluster.boot(1);
  cluster.run(5s);
  const auto client = move(cluster, 0, "any", "", MoveKind::rebalance);
  cluster.run(10s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{10, 10}));
  EXPECT_FALSE(cluster.nodes[0].core->rebalancing());
}

TEST(Balance, RebalancingGoesOnInPortions) {
  BalancedCluster cluster({100, 100});
  cluster.change = [before = cluster.change](std::size_t i, Settings& settings) {
    before(i, settings);
    settings.step_budget = 4;
  };
  cluster.boot(0);
  cluster.run(4s);
  cluster.start(0, many(100));
  cluster.run(2s);
  cluster.boot(1);
  cluster.run(5s);
  ASSERT_TRUE(cluster.nodes[1].processes.empty());
  std::size_t most = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Send& send : effects.sends)
      if (const auto* delta = std::get_if<Delta>(&send.body); delta && i == 0)
        most = std::max(most, delta->specs.size());
  };
  const auto client = move(cluster, 0, "any", "", MoveKind::rebalance);
  cluster.run(10s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{50, 50}));
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, 4U);
}

TEST(Balance, WithNodeupRedistributionANodeThatJoinsGetsItsShare) {
  BalancingSettings balancing;
  balancing.redistributes = true;
  BalancedCluster cluster({100, 100, 100}, balancing);
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(90));
  cluster.run(2s);
  cluster.boot(2);
  cluster.run(10s);
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{30, 30, 30}));
}

TEST(Balance, ChildrenOfALostNodeAreSharedAndNoOthersMove) {
  BalancedCluster cluster({100, 100, 300});
  cluster.form();
  cluster.start(0, many(500));
  cluster.run(5s);
  std::map<ChildId, Epoch> before = cluster.nodes[0].processes;
  cluster.kill(2);
  cluster.run(10s);
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{250, 250, 0}));
  for (const auto& [id, epoch] : before) EXPECT_EQ(cluster.nodes[0].processes.at(id), epoch);
  expect_each_once(cluster, 500);
}

TEST(Balance, WhenTheLeaderIsLostTheNextOneCountsTheSame) {
  BalancedCluster cluster({100, 200, 300});
  for (std::size_t i = 0; i < 3; ++i) {
    cluster.boot(i);
    cluster.run(4s);
  }
  EXPECT_EQ(cluster.nodes[2].core->leader(), cluster.nodes[0].name) << "up for longest";
  for (std::size_t i = 0; i < 3; ++i) cluster.measure(i, 0);
  cluster.start(2, many(300));
  cluster.run(5s);
  cluster.kill(0);
  cluster.run(10s);
  EXPECT_EQ(cluster.nodes[2].core->leader(), cluster.nodes[1].name);
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{0, 120, 180}));
  for (const auto& line : cluster.nodes[1].core->scoreboard()) EXPECT_GT(line.told, 0U) << line.node.text();
  cluster.boot(0);
  cluster.run(5s);
  EXPECT_EQ(cluster.nodes[0].core->leader(), cluster.nodes[1].name) << "one that is back is young";
  std::vector<NamedSpec> more;
  for (int i = 0; i < 60; ++i) more.push_back(spec_of("d" + std::to_string(i)));
  cluster.start(0, more);
  cluster.run(5s);
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{60, 120, 180}));
}

TEST(Balance, ALeaderThatDrainsHandsAllAway) {
  BalancedCluster cluster({100, 100, 100});
  cluster.form();
  cluster.start(0, many(90));
  cluster.run(3s);
  const std::size_t leader = cluster.index(*cluster.nodes[0].core->leader());
  cluster.give(leader, ClientDrain{ClientId{77}});
  cluster.run(10s);
  EXPECT_TRUE(cluster.nodes[leader].left);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(cluster.nodes[i].processes.size(), i == leader ? 0U : 45U) << i;
}

TEST(Balance, AChildThatANodeGivesUpIsCountedWhereItRunsThen) {
  BalancedCluster cluster({100, 100});
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run(2s);
  const std::size_t first = cluster.host("a");
  for (int i = 0; i < 12 && cluster.host("a") == first; ++i) {
    cluster.exit("a", false);
    cluster.run(6s);
  }
  const std::size_t second = cluster.host("a");
  ASSERT_EQ(second, 1 - first);
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of("a"))->assigned->node, cluster.nodes[second].name);
  EXPECT_EQ(cluster.nodes[0].core->scoreboard()[second].given, 1U);
}

TEST(Balance, WhereOnlySomeNodesMayRunAChildOneOfThemGetsIt) {
  BalancedCluster cluster({100, 100, 100});
  cluster.form();
  for (int i = 0; i < 6; ++i) {
    auto spec = opened(spec_of("r" + std::to_string(i)));
    spec->extras.change().nodes = {NodeName("n2@test"), NodeName("n3@test")};
    cluster.start(0, {spec});
  }
  const auto nowhere = cluster.start(0, {spec_of("z", "unheard")});
  const auto on = cluster.start(0, {spec_of("on")}, StartMode::start, NodeName("n3@test"));
  cluster.run(2s);
  EXPECT_EQ(cluster.result(nowhere), "no_such_worker");
  EXPECT_EQ(cluster.result(on), "ok");
  EXPECT_EQ(cluster.host("on"), 2U);
  EXPECT_EQ(counts(cluster), (std::vector<std::size_t>{0, 3, 4}));
}

TEST(Balance, OtherDistributionsSayThatThereIsNothingToRebalance) {
  Cluster cluster(2);
  cluster.form();
  const auto client = move(cluster, 0, "any", "", MoveKind::rebalance);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "invalid_argument");
  EXPECT_FALSE(cluster.nodes[0].core->leader());
  EXPECT_TRUE(cluster.nodes[0].core->scoreboard().empty());
}

// ---- by hand -----------------------------------------------------------------------------------------

// Of nine children on three nodes c3 was moved from `home` to `other`.
struct MovedByHand : ::testing::Test {
  void SetUp() override {
    cluster.form();
    cluster.start(0, many(9));
    cluster.run(1s);
    home = cluster.host("c3");
    other = (home + 1) % 3;
    const auto moved = move(cluster, home, "c3", cluster.nodes[other].name.text());
    cluster.run(1s);
    ASSERT_EQ(cluster.result(moved), "ok");
    ASSERT_EQ(cluster.host("c3"), other);
    ASSERT_EQ(cluster.alive("c3"), 1U);
  }
  Cluster cluster{3};
  std::size_t home = 0, other = 0;
};

TEST_F(MovedByHand, AChildGoesThereAndStaysUntilItIsGivenBack) {
  // Neither a join nor the loss of another node moves it.
  const std::size_t third = 3 - home - other;
  cluster.kill(third);
  cluster.run(5s);
  cluster.boot(third);
  cluster.run(5s);
  EXPECT_EQ(cluster.host("c3"), other);
  const auto back = move(cluster, third, "c3", "", MoveKind::by_itself);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(back), "ok");
  EXPECT_EQ(cluster.host("c3"), home);
  expect_each_once(cluster, 9);
}

// The node that it is on its way to may have heard of its end before it hears that it goes to a third.
TEST_F(MovedByHand, OnItsWayItIsNotGivenToAThirdNode) {
  const std::size_t third = 3 - home - other;
  cluster.hold_stops.insert(id_of("c3"));
  move(cluster, home, "c3", cluster.nodes[home].name.text());
  cluster.run(1s);
  ASSERT_EQ(cluster.host("c3"), other) << "it takes its time to end";
  const auto again = move(cluster, home, "c3", cluster.nodes[third].name.text());
  cluster.run(1s);
  EXPECT_EQ(cluster.result(again), "busy");
  cluster.hold_stops.clear();
  cluster.exit_on(other, "c3", true, "shutdown");
  cluster.run(1s);
  EXPECT_EQ(cluster.host("c3"), home);
  EXPECT_EQ(cluster.alive("c3"), 1U);
}

TEST_F(MovedByHand, ItEndsWithTheNodeAndAReturnMovesNothing) {
  cluster.kill(other);
  cluster.run(5s);
  EXPECT_FALSE(cluster.nodes[home].core->spec(id_of("c3"))->assigned->counts());
  cluster.boot(other);
  cluster.run(5s);
  EXPECT_EQ(cluster.host("c3"), home);
}

TEST_F(MovedByHand, ItEndsWhenTheNodeDrains) {
  cluster.give(other, ClientDrain{ClientId{77}});
  cluster.run(5s);
  EXPECT_TRUE(cluster.nodes[other].left);
  EXPECT_EQ(cluster.host("c3"), home);
}

TEST_F(MovedByHand, AnotherSpecDoesNotMoveItBack) {
  cluster.start(0, {spec_of("c3", "echo")}, StartMode::apply);
  cluster.run(2s);
  EXPECT_EQ(cluster.nodes[home].core->spec(id_of("c3"))->spec->worker, "echo");
  EXPECT_EQ(cluster.host("c3"), other);
}

TEST(MoveByHand, WhatCannotBeIsSaid) {
  Cluster cluster(3);
  cluster.change = [](std::size_t i, Settings& settings) {
    if (i == 2) settings.weight = 0;
  };
  cluster.form();
  cluster.start(0, many(1));
  cluster.run(1s);
  const auto unknown = move(cluster, 0, "x", "n1@test");
  const auto nobody = move(cluster, 0, "c0", "n9@test");
  const auto weightless = move(cluster, 0, "c0", "n3@test");
  cluster.run(1s);
  EXPECT_EQ(cluster.result(unknown), "no_such_child");
  EXPECT_EQ(cluster.result(nobody), "not_member");
  EXPECT_EQ(cluster.result(weightless), "no_target");
}

TEST(MoveByHand, WithHotSwapWhatAChildHoldsGoesAlong) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = *make_strategies({.migration = "hot_swap"});
  };
  cluster.form();
  cluster.start(0, many(1));
  cluster.run(1s);
  const std::size_t home = cluster.host("c0");
  cluster.nodes[home].state[id_of("c0")] = "held";
  move(cluster, home, "c0", cluster.nodes[1 - home].name.text());
  cluster.run(2s);
  EXPECT_EQ(cluster.nodes[1 - home].state[id_of("c0")], "held");
}

// ---- several drains ----------------------------------------------------------------------------------

void drain_two_at_once(Cluster& cluster) {
  cluster.form();
  cluster.start(0, many(60));
  cluster.run(3s);
  const auto kept = cluster.nodes[0].processes;
  std::size_t starts_on_drained = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i != 1 && i != 2) return;
    starts_on_drained += effects.starts.size();
    for (const auto& step : effects.handovers)
      starts_on_drained += std::holds_alternative<Prepare>(step) ? 1 : 0;
  };
  cluster.give(1, ClientDrain{ClientId{71}});
  cluster.give(2, ClientDrain{ClientId{72}});
  cluster.run(10s);
  EXPECT_TRUE(cluster.nodes[1].left);
  EXPECT_TRUE(cluster.nodes[2].left);
  EXPECT_EQ(starts_on_drained, 0U) << "nothing goes to a node that drains too";
  EXPECT_EQ(cluster.nodes[0].processes.size() + cluster.nodes[3].processes.size(), 60U);
  for (const auto& [id, epoch] : kept) EXPECT_EQ(cluster.nodes[0].processes.at(id), epoch);
}

TEST(SeveralDrains, TwoNodesThatDrainAtOnceBothFinishAndGiveEachOtherNothing) {
  Cluster cluster(4);
  drain_two_at_once(cluster);
}

TEST(SeveralDrains, TheSameWithHotSwap) {
  Cluster cluster(4);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = *make_strategies({.migration = "hot_swap"});
  };
  drain_two_at_once(cluster);
}

TEST(SeveralDrains, TheSameWithALoadBalancer) {
  BalancedCluster cluster({100, 100, 100, 100});
  drain_two_at_once(cluster);
}

TEST(SeveralDrains, OfAllNodesOneIsRefused) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, many(20));
  cluster.run(3s);
  cluster.give(0, ClientDrain{ClientId{71}});
  cluster.give(1, ClientDrain{ClientId{72}});
  cluster.run(20s);
  EXPECT_EQ((cluster.result(71) == "no_target") + (cluster.result(72) == "no_target"),
            2 - cluster.nodes[0].left - cluster.nodes[1].left);
  EXPECT_FALSE(cluster.nodes[0].left && cluster.nodes[1].left);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U) << i;
}

// The others know of the move by the row alone, and nobody is left who could tell them more.
TEST(MoveByHand, WhatRanOnANodeThatHasBegunAnewSinceIsNotWaitedFor) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.write = [&](std::size_t from, const MessageBody& body) {
    MessageBody said = body;
    if (auto* delta = std::get_if<Delta>(&said); delta && from == 0) delta->instances.clear();
    return encode(said);
  };
  cluster.start(0, {spec_of(id)});
  cluster.run(1s);
  ASSERT_EQ(cluster.host(id), 0U);
  move(cluster, 0, id, "n2@test");
  cluster.run(1s);
  ASSERT_TRUE(cluster.nodes[1].core->spec(id_of(id))->assigned);
  EXPECT_EQ(cluster.alive(id), 0U) << "the former one may run still";
  cluster.write = {};
  cluster.kill(0);
  cluster.boot(0);  // before anybody has tried in vain to reach it
  cluster.run(4s);
  EXPECT_EQ(cluster.alive(id), 1U);
  EXPECT_EQ(cluster.host(id), 1U);
}

// Where the newest instance ran, its node knows best: in a former life it ran there, and does not any more.
TEST(MoveByHand, ANodeThatComesBackWithItsClockSetBackRunsItsInstance) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies.redundancy =
        make_strategies(
            {.redundancy = StrategyChoice{"replication", {{"factor", std::string("cluster_size")}}}})
            .value()
            .redundancy;
  };
  cluster.now.wall += 60s;
  cluster.form();
  cluster.start(0, {spec_of("x")});
  cluster.run(1s);
  ASSERT_EQ(cluster.alive("x"), 3U);
  const auto moved = move(cluster, 0, "x", cluster.nodes[0].name.text());
  cluster.run(1s);
  ASSERT_EQ(cluster.result(moved), "ok");
  const SpecRow* row = cluster.nodes[0].core->spec(id_of("x"));
  ASSERT_TRUE(row->assigned);
  const Epoch after = row->assigned->after;
  const std::size_t newest = cluster.index(after.node);
  ASSERT_LT(newest, 3U);
  cluster.kill(newest);
  cluster.run(1s);
  cluster.now.wall -= 60s;
  cluster.boot(newest);
  cluster.run(10s);
  EXPECT_EQ(cluster.alive("x"), 3U);
  ASSERT_EQ(cluster.nodes[newest].processes.count(id_of("x")), 1U);
  EXPECT_GT(cluster.nodes[newest].processes.at(id_of("x")), after) << "an epoch is never given twice";
}

}  // namespace
}  // namespace brood::core::testing
