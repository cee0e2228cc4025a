// The strategy `replication`: its settings, and on which nodes instances belong by it.
#include <gtest/gtest.h>

#include "core/placement/choice.hpp"
#include "core/placement/rendezvous.hpp"
#include "core/placement/replicas.hpp"

namespace brood::core {
namespace replication_test {

Result<std::shared_ptr<const Redundancy>> chosen(StrategySettings settings) {
  auto made = make_strategies({.redundancy = StrategyChoice{"replication", std::move(settings)}});
  if (!made) return tl::unexpected(made.error());
  return made->redundancy;
}

TEST(Replication, HasTheDefaultsThatItSays) {
  const auto redundancy = chosen({}).value();
  EXPECT_EQ(redundancy->name(), "replication/1 factor=2 mode=active_active signal=all");
  EXPECT_EQ(redundancy->instances(1), 1U);
  EXPECT_EQ(redundancy->instances(5), 2U);
  EXPECT_FALSE(redundancy->one_is_active());
  EXPECT_TRUE(redundancy->tells(true) && redundancy->tells(false));
}

TEST(Replication, TakesAFactorOrTheSizeOfTheCluster) {
  EXPECT_EQ(chosen({{"factor", std::int64_t{3}}}).value()->instances(7), 3U);
  const auto all = chosen({{"factor", std::string("cluster_size")}}).value();
  EXPECT_EQ(all->instances(7), 7U);
  EXPECT_EQ(all->name(), "replication/1 factor=cluster_size mode=active_active signal=all");
}

TEST(Replication, TellsTheRolesThatItIsToTell) {
  const auto redundancy =
      chosen({{"mode", std::string("active_passive")}, {"signal", std::string("active")}}).value();
  EXPECT_TRUE(redundancy->one_is_active());
  EXPECT_TRUE(redundancy->tells(true));
  EXPECT_FALSE(redundancy->tells(false));
}

TEST(Replication, RefusesWhatItDoesNotTake) {
  const auto words = [](StrategySettings settings) {
    const auto made = chosen(std::move(settings));
    return made ? std::string("taken") : made.error().message;
  };
  const std::string of = "redundancy strategy 'replication': setting ";
  EXPECT_EQ(words({{"factor", std::int64_t{0}}}), of + "'factor' must be 1 to 1000 or \"cluster_size\"");
  EXPECT_EQ(words({{"factor", std::string("all")}}), of + "'factor' must be 1 to 1000 or \"cluster_size\"");
  EXPECT_EQ(words({{"mode", std::string("both")}}),
            of + "'mode' must be one of \"active_active\", \"active_passive\"");
  EXPECT_EQ(words({{"copies", std::int64_t{2}}}),
            of + "'copies' is unknown; allowed are factor, mode, signal, follow, follow_every_ms, "
                 "follow_wait_ms, follow_strict");
}

/// Children with a tag have three instances, others one.
class ByTag final : public Redundancy {
 public:
  [[nodiscard]] std::string name() const override { return "by_tag/1"; }
  [[nodiscard]] std::size_t instances(std::size_t eligible) const override {
    return std::min<std::size_t>(eligible, 1);
  }
  [[nodiscard]] std::size_t instances_of(const RedundantChild& child, std::size_t eligible) const override {
    return child.tag == "precious" ? 3 : instances(eligible);
  }
};

const ChildId id = ChildId::binary("a").value();

SpecRow row_of(const std::string& tag) {
  auto spec = std::make_shared<Spec>();
  spec->needs = spec->worker = "w";
  spec->extras.change().tag = tag;
  SpecRow row;
  row.spec = std::move(spec);
  return row;
}

TEST(ReplicaNodes, AreTheFirstNodesOfTheOrder) {
  Placement placement(std::make_shared<WeightedRendezvous>());
  std::vector<Placement::Node> nodes;
  for (PeerIndex peer = 1; peer <= 5; ++peer)
    nodes.push_back({peer, NodeName("n" + std::to_string(peer) + "@host"), 100, {"w"}});
  placement.set(nodes);
  const Replicas replicas(placement, std::make_shared<ByTag>());
  const SpecRow precious = row_of("precious");
  auto order = placement.order(id, precious);
  order.resize(3);
  EXPECT_TRUE(replicas.several(precious));
  EXPECT_EQ(replicas.nodes(id, precious), order);
  EXPECT_TRUE(replicas.includes(id, precious, order[2]));
  const SpecRow plain = row_of("");
  EXPECT_FALSE(replicas.several(plain));
  EXPECT_EQ(replicas.nodes(id, plain), std::vector{order[0]});
  EXPECT_FALSE(replicas.includes(id, plain, order[1]));
  EXPECT_FALSE(replicas.has_roles(precious)) << "all are active";
}

TEST(ReplicaNodes, AreAsManyAsThereAreNodes) {
  Placement placement(std::make_shared<WeightedRendezvous>());
  placement.set({{1, NodeName("n1@host"), 100, {"w"}}, {2, NodeName("n2@host"), 100, {}}});
  const Replicas replicas(placement, std::make_shared<ByTag>());
  const SpecRow precious = row_of("precious");
  EXPECT_EQ(replicas.nodes(id, precious), std::vector<PeerIndex>{1});
  placement.set({});
  EXPECT_TRUE(replicas.nodes(id, precious).empty());
}

}  // namespace replication_test
}  // namespace brood::core
