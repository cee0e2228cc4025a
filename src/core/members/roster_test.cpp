#include "core/members/roster.hpp"

#include "core/testing.hpp"

namespace brood::core::testing {
namespace roster_test {

NodeName name_of(std::size_t i) {
  return NodeName("n" + std::to_string(i + 1) + "@test");
}

struct RosterCluster : Cluster {
  RosterCluster(std::size_t count, std::vector<NodeName> listed, bool fixed) : Cluster(count) {
    change = [listed = std::move(listed), fixed](std::size_t, Settings& settings) {
      settings.ring_nodes = listed;
      settings.fixed_ring = fixed;
    };
  }
  /// The answer to a change asked of that node: "ok" or the error's code.
  std::string change_at(std::size_t i, std::vector<NodeName> add, std::vector<NodeName> remove) {
    const std::uint64_t client = 1000 + ++asked_;
    give(i, ClientRoster{{client}, std::move(add), std::move(remove)});
    run(3s);
    if (!last.contains(client)) return "no answer";
    return replies[client].empty() ? "ok" : std::string(to_string(replies[client].front().error->code));
  }
  std::size_t hosted_by(std::size_t i) const { return nodes[i].processes.size(); }

 private:
  std::uint64_t asked_ = 0;
};

// ---- nodes: [...]

TEST(Roster, OnlyListedNodesGetChildrenAndOthersMayStartThem) {
  RosterCluster cluster(3, {name_of(0), name_of(1)}, false);
  cluster.form();
  cluster.start(2, many(40));
  cluster.run(3s);
  expect_each_once(cluster, 40);
  EXPECT_EQ(cluster.hosted_by(2), 0U);
  EXPECT_GT(cluster.hosted_by(0), 0U);
  EXPECT_EQ(cluster.nodes[2].core->ring_nodes(), (std::vector<NodeName>{name_of(0), name_of(1)}));
  EXPECT_EQ(cluster.nodes[2].core->up_nodes().size(), 3U);
}

TEST(Roster, AListedNodeThatComesLaterGetsChildrenThen) {
  RosterCluster cluster(3, {name_of(0), name_of(2)}, false);
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(5s);
  cluster.start(1, many(40));
  cluster.run(3s);
  EXPECT_EQ(cluster.hosted_by(0), 40U);
  cluster.boot(2);
  cluster.run(10s);
  expect_each_once(cluster, 40);
  EXPECT_GT(cluster.hosted_by(2), 5U);
}

TEST(Roster, WithoutAListThereIsNothingToChange) {
  RosterCluster cluster(2, {}, false);
  cluster.form();
  EXPECT_EQ(cluster.change_at(0, {name_of(1)}, {}), "invalid_argument");
}

TEST(Roster, NodesWithOtherListsAreNoMembersOfEachOther) {
  Cluster cluster(2);
  cluster.change = [](std::size_t i, Settings& settings) { settings.ring_nodes = {name_of(i)}; };
  cluster.form();
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->members().size(), 1U) << "itself";
  EXPECT_NE((cluster.nodes[0].refused + cluster.nodes[1].refused).find("setting `nodes`"), std::string::npos);
}

// ---- add_nodes, remove_nodes

TEST(Roster, ChildrenLeaveANodeThatIsRemovedAndComeToOneThatIsAdded) {
  RosterCluster cluster(3, {name_of(0), name_of(1)}, false);
  cluster.form();
  cluster.start(0, many(40));
  cluster.run(3s);
  EXPECT_EQ(cluster.change_at(2, {name_of(2)}, {}), "ok");
  cluster.run(5s);
  expect_each_once(cluster, 40);
  EXPECT_GT(cluster.hosted_by(2), 5U);
  EXPECT_EQ(cluster.change_at(1, {}, {name_of(0)}), "ok");
  cluster.run(5s);
  expect_each_once(cluster, 40);
  EXPECT_EQ(cluster.hosted_by(0), 0U);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 3U) << "it stays a member";
}

TEST(Roster, TheLastNodeCannotBeRemoved) {
  RosterCluster cluster(2, {name_of(0)}, false);
  cluster.form();
  EXPECT_EQ(cluster.change_at(1, {}, {name_of(0)}), "invalid_argument");
  EXPECT_EQ(cluster.nodes[1].core->ring_nodes(), (std::vector<NodeName>{name_of(0)}));
}

TEST(Roster, ANodeThatIsForgottenIsListedNoMoreUnlessItIsTheLast) {
  RosterCluster cluster(3, {name_of(1), name_of(2)}, false);
  cluster.form();
  for (const std::size_t i : {2U, 1U}) {
    cluster.kill(i);
    cluster.run(10s);
    cluster.give(0, ClientForget{ClientId{50 + i}, name_of(i)});
    cluster.run(3s);
    EXPECT_TRUE(cluster.last.at(50 + i));
  }
  // They are back after all.
  cluster.boot(1);
  cluster.boot(2);
  cluster.run(5s);
  for (const auto& node : cluster.nodes)
    EXPECT_EQ(node.core->ring_nodes(), std::vector{name_of(1)}) << node.name.text();
}

TEST(Roster, ChangesAtTwoNodesAtTheSameTimeBothCount) {
  RosterCluster cluster(4, {name_of(0)}, false);
  cluster.form();
  cluster.give(0, ClientRoster{{1}, {name_of(1)}, {}});
  cluster.give(3, ClientRoster{{2}, {name_of(2)}, {}});
  cluster.run(3s);
  for (const auto& node : cluster.nodes)
    EXPECT_EQ(node.core->ring_nodes(), (std::vector<NodeName>{name_of(0), name_of(1), name_of(2)}));
}

TEST(Roster, ANodeThatReturnsHearsWhatWasChangedMeanwhile) {
  RosterCluster cluster(3, {name_of(0), name_of(2)}, false);
  cluster.form();
  cluster.kill(2);
  cluster.run(10s);
  EXPECT_EQ(cluster.change_at(0, {name_of(1)}, {name_of(2)}), "ok");
  cluster.start(1, many(20));
  cluster.boot(2);
  cluster.run(10s);
  EXPECT_EQ(cluster.hosted_by(2), 0U);
  EXPECT_EQ(cluster.nodes[2].core->ring_nodes(), (std::vector<NodeName>{name_of(0), name_of(1)}));
  EXPECT_TRUE(cluster.nodes[2].core->view_confirmed());
}

// ---- monitor_nodes: false

TEST(Roster, AFixedRingIsThatOfTheNodesThatFormed) {
  RosterCluster cluster(3, {}, true);
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(5s);
  cluster.start(0, many(40));
  cluster.run(3s);
  cluster.boot(2);
  cluster.run(10s);
  expect_each_once(cluster, 40);
  EXPECT_EQ(cluster.hosted_by(2), 0U);
  EXPECT_EQ(cluster.change_at(1, {name_of(2)}, {}), "ok");
  cluster.run(5s);
  expect_each_once(cluster, 40);
  EXPECT_GT(cluster.hosted_by(2), 5U);
}

TEST(Roster, OnAFixedRingTheOwnersOfOthersAreTheSameWhenANodeIsLost) {
  RosterCluster cluster(3, {name_of(0), name_of(1), name_of(2)}, true);
  cluster.form();
  cluster.start(0, many(30));
  cluster.run(3s);
  std::set<ChildId> lost;
  for (const auto& [id, epoch] : cluster.nodes[2].processes) lost.insert(id);
  ASSERT_FALSE(lost.empty());
  cluster.kill(2);
  cluster.run(10s);
  expect_each_once(cluster, 30);
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    const auto client = cluster.start(0, {spec_of("new" + std::to_string(i))});
    cluster.run(1s);
    const std::string result = cluster.result(client);
    EXPECT_TRUE(result == "ok" || result == "no_target") << result;
    if (result == "no_target") ++refused;
  }
  EXPECT_GT(refused, 2);
  EXPECT_LT(refused, 25);
  cluster.boot(2);
  cluster.run(10s);
  expect_each_once(cluster, 30);
  for (const ChildId& id : lost) EXPECT_TRUE(cluster.nodes[2].processes.contains(id)) << id.text();
}

TEST(Roster, WhatBelongsOnALostNodeOfAFixedRingStartsOnceThatIsRemoved) {
  RosterCluster cluster(2, {name_of(0), name_of(1)}, true);
  cluster.form();
  cluster.kill(1);
  cluster.run(10s);
  EXPECT_EQ(cluster.change_at(0, {}, {name_of(1)}), "ok");
  cluster.start(0, many(20));
  cluster.run(3s);
  EXPECT_EQ(cluster.hosted_by(0), 20U);
}

}  // namespace roster_test
}  // namespace brood::core::testing
