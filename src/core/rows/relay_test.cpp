// How changes reach all members where these pass them on, and what becomes of those that are lost on the way.
#include <gtest/gtest.h>

#include <random>

#include "core/rows/child_table.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace relay_test {

void use(Cluster& cluster, const char* name, std::int64_t sync_interval_ms = 2000) {
  cluster.change = [name, sync_interval_ms](std::size_t, Settings& settings) {
    settings.strategies =
        make_strategies({.synchronisation = StrategyChoice{name, {{"sync_interval_ms", sync_interval_ms}}}})
            .value();
  };
}

/// All nodes have the same rows and know of the same instances.
void expect_equal_tables(const Cluster& cluster) {
  const Core* first = nullptr;
  for (const auto& node : cluster.nodes) {
    if (!node.core) continue;
    if (!first) first = node.core.get();
    EXPECT_EQ(node.core->ids(), first->ids()) << node.name.text();
    for (const ChildId& id : first->ids()) {
      ASSERT_NE(node.core->spec(id), nullptr) << node.name.text() << " " << id.text();
      EXPECT_EQ(node.core->spec(id)->dot, first->spec(id)->dot) << node.name.text() << " " << id.text();
      const auto mine = node.core->instances(id);
      const auto theirs = first->instances(id);
      ASSERT_EQ(mine.size(), theirs.size()) << node.name.text() << " " << id.text();
      for (std::size_t i = 0; i < mine.size(); ++i)
        EXPECT_EQ(mine[i].instance.epoch, theirs[i].instance.epoch) << node.name.text() << " " << id.text();
    }
  }
}

TEST(Relay, ANodeSendsAChangeToAFewHoweverManyMembersThereAre) {
  Cluster cluster(20);
  use(cluster, "gossip");
  cluster.form();
  std::map<std::tuple<NodeName, std::uint64_t, NodeName>, std::size_t> sends;  // origin, number, sender
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Send& send : effects.sends)
      if (const auto* delta = std::get_if<Delta>(&send.body))
        sends[{delta->sender.node, delta->number, cluster.nodes[i].name}] += send.to.size();
  };
  cluster.start(4, many(30));
  cluster.run(200ms);
  expect_each_once(cluster, 30);
  expect_equal_tables(cluster);
  EXPECT_FALSE(sends.empty());
  for (const auto& [which, count] : sends)
    EXPECT_LE(count, 3U + 1U) << std::get<2>(which).text() << " sends a batch of "
                              << std::get<0>(which).text();
}

// Whose word is waited for is sent what it is about besides, and need not find out by comparison.
TEST(Relay, NoRequestWaitsForAComparison) {
  for (const std::int64_t factor : {1, 2}) {
    Cluster cluster(5);
    cluster.change = [factor](std::size_t, Settings& settings) {
      settings.strategies =
          make_strategies(
              {.redundancy = StrategyChoice{"replication", {{"factor", factor}, {"mode", "active_passive"}}},
               .synchronisation = StrategyChoice{"gossip", {{"recipients", std::int64_t{2}}}}})
              .value();
    };
    cluster.form();
    for (int number = 0; number < 10; ++number) {
      const std::string id = "k" + std::to_string(number);
      const auto ask = [&](std::uint64_t client, const char* what) {
        cluster.run(50ms);
        EXPECT_EQ(cluster.result(client), "ok") << what << " " << id << " factor " << factor;
        cluster.run(10s);
      };
      ask(cluster.start(0, {spec_of(id)}), "start");
      ask(cluster.start(1, {spec_of(id)}, StartMode::restart), "restart");
      const auto elsewhere = opened(spec_of(id, "echo"));
      elsewhere->extras.change().nodes = {cluster.nodes[2].name, cluster.nodes[3].name};
      ask(cluster.start(2, {elsewhere}, StartMode::apply), "apply");
      ask(cluster.stop(3, id), "stop");
    }
  }
}

TEST(Relay, AStartIsAcknowledgedOnceAnotherMemberHoldsIt) {
  Cluster cluster(8);
  use(cluster, "gossip");
  cluster.form();
  const auto client = cluster.start(0, {spec_of("x")});
  cluster.run();
  EXPECT_EQ(cluster.result(client), "ok");
  const auto gone = cluster.stop(3, "x");
  cluster.run(1s);
  EXPECT_EQ(cluster.result(gone), "ok");
  EXPECT_EQ(cluster.alive("x"), 0U);
}

TEST(Relay, AStartIsNotAcknowledgedWhileNobodyElseHoldsIt) {
  Cluster cluster(4);
  use(cluster, "gossip", 60'000);
  cluster.form();
  cluster.copies = [](const NodeName&, const NodeName&, const MessageBody& body) {
    return std::holds_alternative<Delta>(body) ? 0 : 1;
  };
  const auto client = cluster.start(0, many(8));
  cluster.run(100ms);
  EXPECT_EQ(cluster.replies.count(client), 0U);
  cluster.copies = {};
  cluster.run(5s);
  ASSERT_EQ(cluster.replies[client].size(), 8U);
  for (const Outcome& outcome : cluster.replies[client]) EXPECT_FALSE(outcome.error) << outcome.id.text();
  expect_each_once(cluster, 8);
  expect_equal_tables(cluster);
}

TEST(Relay, WhoeverIsLeftOutHearsOfItAndAsksForIt) {
  Cluster cluster(9);
  use(cluster, "gossip", 60'000);
  cluster.form();
  const NodeName deaf = cluster.nodes[5].name;
  bool lost = true;
  cluster.copies = [&](const NodeName&, const NodeName& to, const MessageBody& body) {
    return lost && to == deaf && std::holds_alternative<Delta>(body) ? 0 : 1;
  };
  cluster.start(0, many(40));
  cluster.run(100ms);
  lost = false;
  cluster.run(3s);
  expect_each_once(cluster, 40);
  expect_equal_tables(cluster);
  EXPECT_GT(cluster.nodes[5].core->stats().deltas_asked_for, 0U);
}

TEST(Relay, WhatWasAskedForInVainIsAskedForAgain) {
  Cluster cluster(5);
  use(cluster, "gossip", 60'000);
  cluster.form();
  cluster.run(10s);
  const NodeName deaf = cluster.nodes[4].name;
  Duration told_at{};
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    if (to == deaf && std::holds_alternative<Have>(body)) told_at = cluster.now.monotonic;
    const bool is_lost = (to == deaf && std::holds_alternative<Delta>(body)) ||
                         (from == deaf && std::holds_alternative<Want>(body));
    return is_lost ? 0 : 1;
  };
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run(1900ms);
  ASSERT_GT(told_at, Duration{});
  ASSERT_GT(cluster.now.monotonic, told_at + Settings().spread_patience) << "nobody speaks of it any more";
  ASSERT_EQ(cluster.nodes[4].core->spec(id_of(id)), nullptr);
  cluster.copies = {};
  cluster.run(500ms);
  EXPECT_NE(cluster.nodes[4].core->spec(id_of(id)), nullptr);
}

TEST(Relay, AMemberOfTheTreeThatHangsDelaysOnlyUntilOthersAreAsked) {
  Cluster cluster(9);
  use(cluster, "gossip", 60'000);
  cluster.form();
  cluster.pause(2);
  cluster.start(0, many(40));
  cluster.run(3s);
  for (std::size_t i = 0; i < cluster.nodes.size(); ++i) {
    if (i == 2) continue;
    EXPECT_EQ(cluster.nodes[i].core->size(), cluster.nodes[0].core->size()) << i;
  }
  EXPECT_GT(cluster.nodes[0].core->size(), 30U) << "all but those that the one that hangs decides about";
  cluster.resume(2);
  cluster.run(5s);
  expect_each_once(cluster, 40);
  expect_equal_tables(cluster);
}

TEST(Relay, AnAcknowledgementWaitsForWhatItsSenderChangedBefore) {
  Cluster cluster(6);
  use(cluster, "gossip", 60'000);
  cluster.form();
  cluster.start(0, many(60));
  cluster.run(1s);
  std::uint64_t kept = 0;
  for (const auto& node : cluster.nodes) kept += node.core->stats().kept_back;
  EXPECT_GT(kept, 0U) << "some word overtook the changes before it";
  for (const auto& node : cluster.nodes) {
    EXPECT_EQ(node.core->footprint().kept_back, 0U);
    EXPECT_EQ(node.core->footprint().waits, 0U);
  }
}

TEST(Relay, WhatOneThatIsLostHadSaidToAFewReachesAll) {
  Cluster cluster(7);
  use(cluster, "gossip", 60'000);
  cluster.form();
  // All that passes on its changes does not arrive: only those that it has told itself know.
  const NodeName lost = cluster.nodes[6].name;
  cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody& body) {
    const auto* delta = std::get_if<Delta>(&body);
    return delta && delta->sender.node == lost && from != lost ? 0 : 1;
  };
  cluster.start(6, many(50));
  cluster.run();
  cluster.kill(6);
  cluster.run(6s);
  expect_equal_tables(cluster);
}

// It came behind another change, of what the node ran, that nobody has.
TEST(Relay, ARowThatWaitedForAChangeOfANodeThatHasBegunAnewReachesAll) {
  Cluster cluster(4);
  use(cluster, "gossip", 60'000);
  cluster.form();
  const NodeName lost = cluster.nodes[3].name;
  const std::string first = cluster.id_at(3);
  std::string second = first;
  while (second == first || cluster.nodes[0].core->node_for(id_of(second)) != lost) second += "x";
  cluster.start(3, {spec_of(first)});
  cluster.run(2s);
  ASSERT_EQ(cluster.host(first), 3U);
  std::set<NodeName> reached;
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    const auto* delta = std::get_if<Delta>(&body);
    return !delta || delta->sender.node != lost || (from == lost && reached.contains(to)) ? 1 : 0;
  };
  cluster.give(3, StuckChanged{id_of(first), cluster.nodes[3].processes.at(id_of(first)), true});
  cluster.run();
  reached = {cluster.nodes[0].name};
  cluster.start(3, {spec_of(second)});
  cluster.run();
  ASSERT_NE(cluster.nodes[3].core->spec(id_of(second)), nullptr);
  for (std::size_t i = 0; i < 3; ++i) ASSERT_EQ(cluster.nodes[i].core->spec(id_of(second)), nullptr) << i;
  // Its channel to the one that has the row is another start's, and the others hear of that later.
  cluster.give(0, PeerUp{lost, 2});
  cluster.run();
  cluster.kill(3);
  cluster.run(6s);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NE(cluster.nodes[i].core->spec(id_of(second)), nullptr) << i;
  expect_equal_tables(cluster);
  EXPECT_EQ(cluster.alive(second), 1U);
}

class BothKinds : public ::testing::TestWithParam<const char*> {};

TEST_P(BothKinds, ConvergeAfterLossDuplicationAndChaosOfDeltas) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    Cluster cluster(6);
    use(cluster, GetParam(), 500);
    cluster.form();
    std::mt19937 random(seed);
    bool faults = true;
    cluster.copies = [&](const NodeName&, const NodeName&, const MessageBody& body) {
      const bool brings = std::holds_alternative<Delta>(body) || std::holds_alternative<Have>(body) ||
                          std::holds_alternative<Want>(body);
      return faults && brings ? static_cast<int>(random() % 3) : 1;
    };
    for (int i = 0; i < 30; ++i) {
      cluster.start(random() % 6, {spec_of("c" + std::to_string(i))});
      if (i % 3 == 2) cluster.stop(random() % 6, "c" + std::to_string(i - 1));
      cluster.run(100ms);
    }
    faults = false;
    cluster.run(12s);
    expect_equal_tables(cluster);
    for (const ChildId& id : cluster.nodes[0].core->ids()) {
      const bool wanted = cluster.nodes[0].core->spec(id)->wanted;
      EXPECT_EQ(cluster.alive(id.text()), wanted ? 1U : 0U) << id.text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Relay, BothKinds, ::testing::Values("pubsub", "gossip"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(Relay, APeerThatIsTooSlowGetsTheDifferenceWhenItHasCaughtUp) {
  Cluster cluster(4);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = make_strategies({.synchronisation = "gossip"}).value();
    settings.lag_max = 20;
    settings.table_portion = 30;
  };
  cluster.form();
  cluster.pause(1);
  for (int i = 0; i < 300; ++i)
    cluster.give(0, ClientStart{{10'000U + static_cast<std::uint64_t>(i)},
                                StartMode::ensure,
                                {},
                                {spec_of("c" + std::to_string(i), "counter", Restart::permanent, true)}});
  cluster.run();
  cluster.resume(1);
  cluster.run(20s);
  expect_each_once(cluster, 300);
  expect_equal_tables(cluster);
  std::uint64_t behind = 0;
  for (const auto& node : cluster.nodes) behind += node.core->stats().fell_behind;
  EXPECT_GT(behind, 0U);
}

TEST(Relay, NothingIsKeptForEver) {
  Cluster cluster(5);
  use(cluster, "gossip");
  cluster.form();
  cluster.start(0, many(200));
  cluster.run(70s);
  cluster.start(1, {spec_of("one more")});
  cluster.run(70s);
  for (const auto& node : cluster.nodes) EXPECT_LT(node.core->footprint().changes, 60U);
}

TEST(Relay, WithoutRestrictedInitEachComparesItselfWithOneOtherInEachInterval) {
  Cluster cluster(12);
  cluster.change = [](std::size_t, Settings& settings) {
    const StrategyChoice choice{"gossip",
                                {{"sync_interval_ms", std::int64_t{10'000}}, {"restricted_init", false}}};
    settings.strategies = make_strategies({.synchronisation = choice}).value();
  };
  cluster.form();
  cluster.run(30s);
  std::map<std::size_t, std::set<NodeName>> asked;
  std::size_t haves = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Send& send : effects.sends)
      if (std::holds_alternative<Have>(send.body)) {
        haves += send.to.size();
        asked[i].insert(send.to.begin(), send.to.end());
      }
  };
  cluster.run(30s);
  EXPECT_EQ(haves, 36U) << "each of 12 members, three times";
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(asked[i].size(), 3U) << "another one each time";
}

TEST(Relay, AQuietClusterSaysNothingButTheComparison) {
  Cluster cluster(12);
  use(cluster, "gossip", 10'000);
  cluster.form();
  cluster.start(0, many(20));
  cluster.run(30s);
  std::size_t haves = 0, others = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const Send& send : effects.sends) {
      const bool have = std::holds_alternative<Have>(send.body);
      const bool alive = std::holds_alternative<Probe>(send.body) ||
                         std::holds_alternative<ProbeAck>(send.body) ||
                         std::holds_alternative<Through>(send.body);  // before the first Probe to a member
      haves += have ? send.to.size() : 0;
      others += have || alive ? 0 : send.to.size();
    }
  };
  cluster.run(30s);
  EXPECT_EQ(others, 0U);
  EXPECT_EQ(haves, 33U) << "three rounds through 12 members: each but the first hears of each round once";
}

// Where members pass changes on, those that were made while the table was on its way may come behind it.
TEST(Relay, ANodeThatJoinsIsUpOnceItHoldsWhatWasChangedWhileTablesWereOnTheirWay) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = make_strategies({.synchronisation = "gossip"}).value();
    settings.table_portion = 5;
  };
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(60));
  cluster.run(2s);
  const NodeName joiner = cluster.nodes[2].name;
  cluster.copies = [&](const NodeName&, const NodeName& to, const MessageBody& body) {
    return to == joiner && std::holds_alternative<Delta>(body) ? 0 : 1;
  };
  bool once = false;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Send& send : effects.sends) {
      const auto* portion = std::get_if<Sync>(&send.body);
      if (i != 0 || !portion || portion->last || std::exchange(once, true)) continue;
      cluster.start(0, {spec_of("x1"), spec_of("x2"), spec_of("x3"), spec_of("x4")});
    }
  };
  cluster.boot(2);
  ASSERT_TRUE(once);
  cluster.run(1s);
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::joining);
  EXPECT_EQ(cluster.alive("x1"), 1U);
  cluster.copies = {};
  cluster.run(5s);
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::up);
  expect_each_once(cluster, 60);
  expect_equal_tables(cluster);
}

// However fast the others go on: what they change meanwhile is asked for behind the table.
TEST(Relay, ATableThatIsOnItsWayIsNotBrokenOff) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = make_strategies({.synchronisation = "gossip"}).value();
    settings.table_portion = 5;
    settings.lag_max = 10;
  };
  cluster.form();
  cluster.start(0, many(60));
  cluster.run(2s);
  cluster.drop_channels(1, false);
  std::size_t rounds = 0, tables = 0, changes = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Send& send : effects.sends) {
      const auto* portion = std::get_if<Sync>(&send.body);
      if (i != 0 || !portion || send.to.front() != cluster.nodes[1].name) continue;
      tables += portion->first == 0 ? 1 : 0;
      if (++rounds > 200 || portion->last) continue;
      for (int more = 0; more < 8; ++more)
        cluster.give(
            0, ClientStart{{20'000U + ++changes},
                           StartMode::ensure,
                           {},
                           {spec_of("x" + std::to_string(changes), "counter", Restart::permanent, true)}});
    }
  };
  cluster.run(10s);
  EXPECT_GT(changes, 50U);
  EXPECT_LT(tables, 20U) << "each exchange came to its end";
  cluster.run(20s);
  expect_each_once(cluster, 60);
  expect_equal_tables(cluster);
}

/// Two nodes with some children, which come to know a row of a node that is long gone, or that it is over.
struct OfAGhost {
  OfAGhost() {
    use(cluster, "gossip", 2000);
    cluster.form();
    cluster.start(0, many(10));
    cluster.run(1s);
    cluster.watch = [this](std::size_t, const Effects& effects) {
      for (const Send& send : effects.sends)
        if (const auto* have = std::get_if<Have>(&send.body))
          for (const auto& [session, number] : have->held) numbers[session.node] = number;
    };
    cluster.run(5s);
    cluster.watch = {};
  }
  /// With the table of the other, which covers that row, and has it or not.
  void tell(std::size_t to, bool is_there) {
    const Dot ghost{NodeName("ghost@test"), 1, 1};
    const Cluster::Node& from = cluster.nodes[1 - to];
    Sync table;
    table.sender = {from.name, from.creation, 1};
    table.end = buckets;
    table.last = true;
    table.next_delta = numbers.at(from.name) + 1;
    table.seen.add(ghost);
    for (const ChildId& id : from.core->ids()) {
      table.rows.emplace_back(id, *from.core->spec(id));
      for (const Located& located : from.core->instances(id))
        if (located.host.node == from.name) table.instances.push_back({id, located.instance, {}});
    }
    SpecRow row;
    row.spec = spec_of("gone", "no such worker").spec;
    row.dot = row.birth = ghost;
    if (is_there) table.rows.emplace_back(id_of("gone"), row);
    cluster.give(to, PeerMessage{from.name, from.creation, table});
  }
  [[nodiscard]] bool has_row(std::size_t i) const {
    return cluster.nodes[i].core->spec(id_of("gone")) != nullptr;
  }
  Cluster cluster{2};
  std::map<NodeName, std::uint64_t> numbers;
};

// Whatever brought it about: the comparison begins at one node and goes one way, the difference may be the
// other's.
TEST(Relay, ARowThatIsGoneElsewhereGoesWithTheComparison) {
  OfAGhost of;
  of.tell(0, false);
  of.tell(1, true);
  of.cluster.run(100ms);
  ASSERT_FALSE(of.has_row(0));
  ASSERT_TRUE(of.has_row(1));
  of.cluster.run(10s);
  expect_equal_tables(of.cluster);
  expect_each_once(of.cluster, 10);
}

TEST(Relay, ARowOfANodeThatIsGoneComesWithTheComparisonWhoeverHasIt) {
  for (const std::size_t first : {0U, 1U}) {
    OfAGhost of;
    of.tell(first, true);
    of.cluster.run(100ms);
    ASSERT_TRUE(of.has_row(first));
    ASSERT_FALSE(of.has_row(1 - first));
    of.cluster.run(10s);
    EXPECT_TRUE(of.has_row(1 - first)) << first;
    expect_equal_tables(of.cluster);
    expect_each_once(of.cluster, 10);
  }
}

}  // namespace relay_test
}  // namespace brood::core::testing
