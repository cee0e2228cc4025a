// Claims of the active role that meet, on a few cores. Who is active otherwise: replicas_test.cpp.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace roles_test {

/// What one node sends another, once it is held back.
struct HeldBack {
  NodeName from, to;
  bool now = false;
  std::vector<MessageBody> late{};
};

class Roles : public ::testing::Test {
 protected:
  Roles() {
    cluster.change = [](std::size_t, Settings& settings) {
      settings.strategies =
          make_strategies(
              {.redundancy =
                   StrategyChoice{"replication", {{"factor", "cluster_size"}, {"mode", "active_passive"}}}})
              .value();
    };
    cluster.form();
    for (const auto& node : cluster.nodes)
      if (cluster.nodes[0].core->node_for(id_of("a")) == node.name)
        order.insert(order.begin(), node.name);
      else
        order.push_back(node.name);
  }
  void hold_back(std::vector<HeldBack*> all) {
    cluster.copies = [all](const NodeName& from, const NodeName& to, const MessageBody& body) {
      for (HeldBack* one : all) {
        if (!one->now || one->from != from || one->to != to) continue;
        one->late.push_back(body);
        return 0;
      }
      return 1;
    };
  }
  void let_go(HeldBack& one) {
    one.now = false;
    for (MessageBody& body : one.late)
      cluster.give(cluster.index(one.to),
                   PeerMessage{one.from, cluster.nodes[cluster.index(one.from)].creation, std::move(body)});
    cluster.run();
  }
  [[nodiscard]] std::vector<NodeName> active() const {
    std::vector<NodeName> all;
    for (const auto& node : cluster.nodes)
      if (const auto role = node.roles.find(id_of("a"));
          role != node.roles.end() && role->second == Role::active)
        all.push_back(node.name);
    return all;
  }
  [[nodiscard]] NodeName first_by(const NodeName& node) const {
    return cluster.nodes[cluster.index(node)].core->placement(id_of("a")).front();
  }
  [[nodiscard]] std::optional<Role> role_of(const NodeName& node) const {
    for (const Located& one : cluster.nodes[cluster.index(node)].core->instances(id_of("a")))
      if (one.host.node == node) return one.instance.role;
    return std::nullopt;
  }

  Cluster cluster{4};
  std::vector<NodeName> order;  ///< The first is the child's coordinator.
};

// One claims the role, and a member has yet to hear of it. Meanwhile the child is given to another node,
// which hears of that before the first does: each takes itself for the first.
TEST_F(Roles, OfTwoThatClaimByDifferentRowsNoneIsActiveBeforeTheOtherHasWithdrawn) {
  const NodeName &decides = order[0], &former = order[1], &given = order[2];
  HeldBack acks{order[3], former}, row{decides, former};
  hold_back({&acks, &row});
  acks.now = true;
  cluster.start(cluster.index(decides), {spec_of("a")}, StartMode::start, former);
  cluster.run();
  ASSERT_EQ(role_of(former), Role::claiming);
  row.now = true;
  cluster.give(cluster.index(decides), ClientMove{{1001}, MoveKind::to_node, id_of("a"), given});
  cluster.run();
  let_go(acks);
  ASSERT_EQ(first_by(former), former);
  ASSERT_EQ(first_by(given), given);
  EXPECT_EQ(active(), std::vector<NodeName>{});
  let_go(row);
  EXPECT_EQ(active(), std::vector{given});
  cluster.run(2s);
  EXPECT_EQ(active(), std::vector{given});
}

// Others would wait for it.
TEST_F(Roles, AWorkerThatIsToldToEndClaimsNothing) {
  const NodeName& mine = order[0];
  // Its claim is not answered, so it starts without the role, and goes on claiming.
  cluster.lost.insert(MessageBody(DeltaAck{}).index());
  cluster.start(cluster.index(mine), {spec_of("a")}, StartMode::ensure);
  cluster.run(1s);
  ASSERT_EQ(role_of(mine), Role::claiming);
  cluster.hold_stops.insert(id_of("a"));
  cluster.stop(cluster.index(mine), "a");
  cluster.run(1s);
  EXPECT_EQ(role_of(mine), Role::passive);
}

}  // namespace roles_test
}  // namespace brood::core::testing
