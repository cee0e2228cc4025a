#include "core/placement/placement.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "core/placement/rendezvous.hpp"

namespace brood::core {
namespace placement_test {

Placement::Node node(PeerIndex peer, std::uint32_t weight = 100, std::set<std::string> offered = {"w"}) {
  return {peer, NodeName("n" + std::to_string(peer) + "@host"), weight, std::move(offered)};
}

Placement ring(std::vector<Placement::Node> nodes) {
  Placement placement(std::make_shared<WeightedRendezvous>());
  placement.set(std::move(nodes));
  return placement;
}

const ChildId x = ChildId::binary("x").value();

SpecRow row_of_worker() {
  auto spec = std::make_shared<Spec>();
  spec->needs = spec->worker = "w";
  SpecRow row;
  row.spec = std::move(spec);
  return row;
}

ChildId key_of(int i) {
  return ChildId::binary("child/" + std::to_string(i)).value();
}

// The owner of a key is the same on every compiler, machine and release. These may never change.
TEST(Placement, GoldenVectors) {
  const auto equal = ring({node(1), node(2), node(3), node(4), node(5)});
  const auto weighted = ring({node(1, 50), node(2, 100), node(3, 200), node(4, 1), node(5, 100000)});
  std::string owners, weighted_owners;
  for (int i = 0; i < 40; ++i) {
    owners += std::to_string(equal.coordinator(key_of(i)));
    weighted_owners +=
        std::to_string(ring({node(1, 50), node(2, 100), node(3, 200), node(4, 150)}).coordinator(key_of(i)));
  }
  EXPECT_EQ(owners, "2223115415534242353234323353244112142432");
  EXPECT_EQ(weighted_owners, "3223113433334242313234323323444113142333");
  EXPECT_EQ(weighted.coordinator(key_of(1)), 5);
  EXPECT_EQ(node_hash(NodeName("n1@host")), 741038330477999456ULL);
}

TEST(Placement, NegativeLog2IsExactAtPowersOfTwoAndNeverRises) {
  for (unsigned shift = 0; shift < 64; ++shift)
    EXPECT_EQ(negative_log2(std::uint64_t{1} << shift), (std::uint64_t{64} - shift) << 32);
  EXPECT_EQ(negative_log2(~std::uint64_t{0}), 1U);
  std::uint64_t hash = 1;
  std::uint64_t last = negative_log2(hash);
  while (hash < (std::uint64_t{1} << 63)) {
    hash += hash / 1000 + 1;
    const std::uint64_t log = negative_log2(hash);
    ASSERT_LE(log, last);
    last = log;
  }
}

TEST(Placement, ChildrenAreSharedEvenlyAndByWeight) {
  const auto equal = ring({node(1), node(2), node(3)});
  const auto weighted = ring({node(1, 100), node(2, 300)});
  std::map<PeerIndex, int> share, weighted_share;
  for (int i = 0; i < 30'000; ++i) {
    ++share[equal.coordinator(key_of(i))];
    ++weighted_share[weighted.coordinator(key_of(i))];
  }
  for (const auto& [peer, count] : share) EXPECT_NEAR(count, 10'000, 400) << peer;
  EXPECT_NEAR(weighted_share[1], 7'500, 400);
}

TEST(Placement, OwnerStaysWhenAnUnrelatedNodeLeaves) {
  for (const std::uint32_t weight : {100U, 250U}) {
    const auto all = ring({node(1), node(2), node(3, weight), node(4)});
    const auto fewer = ring({node(1), node(2), node(4)});
    for (int i = 0; i < 5'000; ++i) {
      const PeerIndex owner = all.coordinator(key_of(i));
      if (owner != 3) {
        ASSERT_EQ(fewer.coordinator(key_of(i)), owner);
      }
    }
  }
}

TEST(Placement, AGreaterWeightOnlyMovesKeysToThatNode) {
  const auto before = ring({node(1), node(2), node(3)});
  const auto after = ring({node(1), node(2), node(3, 150)});
  for (int i = 0; i < 5'000; ++i) {
    const PeerIndex owner = after.coordinator(key_of(i));
    if (owner != 3) {
      ASSERT_EQ(before.coordinator(key_of(i)), owner);
    }
  }
}

TEST(Placement, TheFirstOfTheOrderIsTheFirst) {
  const auto equal = ring({node(1), node(2), node(3)});
  const auto weighted = ring({node(1, 10), node(2, 20), node(3, 30)});
  const SpecRow row = row_of_worker();
  for (int i = 0; i < 1'000; ++i) {
    const ChildId id = key_of(i);
    for (const Placement* placement : {&equal, &weighted}) {
      const auto order = placement->order(id, row);
      ASSERT_EQ(order.size(), 3U);
      ASSERT_EQ(placement->first(id, row), order.front());
    }
  }
}

TEST(Placement, SkipsNodesThatLackTheWorkerOrHaveNoWeightOrAreNotNamed) {
  const auto placement = ring({node(1, 100, {"other"}), node(2, 0), node(3), node(4)});
  SpecRow row = row_of_worker();
  auto order = placement.order(x, row);
  EXPECT_EQ(std::set<PeerIndex>(order.begin(), order.end()), (std::set<PeerIndex>{3, 4}));
  auto spec = std::make_shared<Spec>(*row.spec);
  spec->extras.change().nodes = {NodeName("n4@host")};
  row.spec = spec;
  EXPECT_EQ(placement.order(x, row), (std::vector<PeerIndex>{4}));
  spec = std::make_shared<Spec>(*row.spec);
  spec->needs = "unknown";
  row.spec = spec;
  EXPECT_EQ(placement.first(x, row), no_peer);
}

TEST(Placement, AvoidedNodesComeLastAndTheWishedNodeFirst) {
  const auto placement = ring({node(1), node(2), node(3)});
  SpecRow row = row_of_worker();
  const auto order = placement.order(x, row);
  row.trouble.change().avoid = {placement.nodes()[order[0] - 1U].name};
  EXPECT_EQ(placement.order(x, row), (std::vector<PeerIndex>{order[1], order[2], order[0]}));
  row.start_on = placement.nodes()[order[2] - 1U].name;
  EXPECT_EQ(placement.first(x, row), order[2]);
  row.start_on = NodeName("gone@host");
  EXPECT_EQ(placement.first(x, row), order[1]);
}

// Counts what it is asked to prepare, and puts every key on the last node.
class Counting final : public Distribution {
 public:
  [[nodiscard]] std::string name() const override { return "counting/1"; }
  [[nodiscard]] std::shared_ptr<const Ring> prepare(std::vector<RingNode> nodes) const override {
    prepared.push_back(nodes.size());
    class Last final : public Ring {
     public:
      explicit Last(std::size_t count) : count_(count) {}
      [[nodiscard]] std::size_t first(const RingKey&) const override { return count_ - 1; }
      [[nodiscard]] std::vector<std::size_t> order(const RingKey&) const override {
        return {count_ - 1, nowhere, count_ + 7};
      }

     private:
      std::size_t count_;
    };
    return std::make_shared<Last>(nodes.size());
  }
  mutable std::vector<std::size_t> prepared;
};

SpecRow row_that_needs(const std::string& needs) {
  SpecRow row = row_of_worker();
  auto spec = std::make_shared<Spec>(*row.spec);
  spec->needs = needs;
  row.spec = std::move(spec);
  return row;
}

TEST(Placement, ARingIsPreparedOnceInAViewForEachSetOfNodes) {
  const auto counting = std::make_shared<Counting>();
  Placement placement(counting);
  placement.set(
      {node(1, 100, {"w", "x", "exec:a"}), node(2, 100, {"w", "x"}), node(3, 100, {"w", "exec:*"})});
  EXPECT_TRUE(counting->prepared.empty()) << "nobody has asked";
  for (int i = 0; i < 10; ++i) (void)placement.coordinator(x);
  EXPECT_EQ(counting->prepared, (std::vector<std::size_t>{3})) << "that of the coordinators";
  for (int i = 0; i < 10; ++i)
    for (const char* needs : {"w", "x", "exec:a", "exec:b", "exec:c", "none"})
      (void)placement.first(x, row_that_needs(needs));
  EXPECT_EQ(counting->prepared, (std::vector<std::size_t>{3, 3, 2, 2, 1}));
  EXPECT_EQ(placement.first(x, row_that_needs("exec:a")), 3);
  EXPECT_EQ(placement.first(x, row_that_needs("none")), no_peer);
  placement.set({node(1), node(2)});
  EXPECT_EQ(placement.first(x, row_that_needs("w")), 2);
}

TEST(Placement, WhatARingSaysBeyondItsNodesIsNoNode) {
  Placement placement(std::make_shared<Counting>());
  placement.set({node(1), node(2)});
  EXPECT_EQ(placement.order(x, row_of_worker()), (std::vector<PeerIndex>{2}));
}

TEST(Placement, RingsThatAreKeptAreBounded) {
  Placement placement(std::make_shared<WeightedRendezvous>());
  std::vector<Placement::Node> nodes;
  for (PeerIndex i = 1; i <= 12; ++i) {
    std::set<std::string> offered{"w"};
    for (int command = 0; command < 4096; ++command)
      if ((command >> (i - 1) & 1) != 0) offered.insert("exec:" + std::to_string(command));
    nodes.push_back(node(i, 100, std::move(offered)));
  }
  placement.set(std::move(nodes));
  const PeerIndex before = placement.first(x, row_that_needs("w"));
  for (int command = 1; command < 4096; ++command)
    ASSERT_NE(placement.first(x, row_that_needs("exec:" + std::to_string(command))), no_peer);
  EXPECT_LE(placement.rings(), 256U);
  EXPECT_EQ(placement.first(x, row_that_needs("w")), before);
}

}  // namespace placement_test
}  // namespace brood::core
