#include "core/placement/guided.hpp"

#include <gtest/gtest.h>

#include "core/placement/placement.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace guided_test {

NamedSpec mapped(std::string_view id, std::vector<std::string> nodes) {
  auto spec = opened(spec_of(id));
  for (std::string& node : nodes) spec->extras.change().mapping.emplace_back(std::move(node));
  return spec;
}

/// A cluster whose distribution is guided.
struct GuidedCluster : Cluster {
  explicit GuidedCluster(std::size_t count) : Cluster(count) {
    change = [](std::size_t, Settings& settings) {
      settings.strategies.distribution = std::make_shared<Guided>();
    };
  }
};

/// Starts it, and waits for the answer.
Outcome start(Cluster& cluster, std::size_t at, NamedSpec spec, StartMode mode = StartMode::start) {
  const std::uint64_t client = cluster.start(at, {std::move(spec)}, mode);
  cluster.run(2s);
  const auto found = cluster.replies.find(client);
  if (found != cluster.replies.end() && !found->second.empty()) return found->second.front();
  Outcome none;
  none.error = Error{Errc::timeout, "no answer"};
  return none;
}

std::string word_of(const Error& error) {
  const auto term = decode_term(error.detail);
  return term && term->as_atom() ? term->as_atom()->name : "";
}

// May never change: where a mapping is, and where there is none.
TEST(Guided, GoldenVectors) {
  const auto ring =
      Guided().prepare({{NodeName("a@h"), 1, 100}, {NodeName("b@h"), 2, 100}, {NodeName("c@h"), 3, 100}});
  const auto order = [&](const NamedSpec& spec) { return ring->order(ring_key(spec.id, spec.spec.get())); };
  using Indices = std::vector<std::size_t>;
  EXPECT_EQ(order(mapped("x", {"c@h"})), (Indices{2}));
  EXPECT_EQ(order(mapped("x", {"c@h", "gone@h", "a@h"})), (Indices{2, 0}));
  EXPECT_EQ(order(mapped("x", {"gone@h"})), Indices{});
  const auto gone = mapped("x", {"gone@h"});
  EXPECT_EQ(ring->first(ring_key(gone.id, gone.spec.get())), Ring::nowhere);
  EXPECT_EQ(order(mapped("x", {})).size(), 3U);
}

TEST(Guided, AChildRunsOnTheNodeOfItsMapping) {
  GuidedCluster cluster(3);
  cluster.form();
  for (int i = 0; i < 9; ++i) {
    const std::string id = "c" + std::to_string(i), node = "n" + std::to_string(i % 3 + 1) + "@test";
    const auto outcome = start(cluster, static_cast<std::size_t>(i + 1) % 3, mapped(id, {node}));
    ASSERT_FALSE(outcome.error) << outcome.error->message;
    EXPECT_EQ(outcome.host->node.text(), node);
  }
}

TEST(Guided, WhatIsWrongWithAMappingIsSaidInTheWordsOfProcessHub) {
  GuidedCluster cluster(2);
  cluster.form();
  const auto missing = start(cluster, 0, spec_of("a"));
  ASSERT_TRUE(missing.error);
  EXPECT_EQ(missing.error->code, Errc::invalid_argument);
  EXPECT_EQ(word_of(*missing.error), "missing_child_mapping");
  const auto too_many = start(cluster, 0, mapped("b", {"n1@test", "n2@test"}));
  ASSERT_TRUE(too_many.error);
  EXPECT_EQ(word_of(*too_many.error), "child_replication_mismatch");
  const auto nobody = start(cluster, 0, mapped("c", {"n9@test"}));
  ASSERT_TRUE(nobody.error);
  EXPECT_EQ(nobody.error->code, Errc::no_target);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->size(), 0U);
}

TEST(Guided, AMappingIsRefusedByOtherDistributions) {
  Cluster cluster(2);
  cluster.form();
  const auto outcome = start(cluster, 0, mapped("a", {"n1@test"}));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, Errc::invalid_argument);
}

TEST(Guided, AChildOfALostNodeIsRememberedAndRunsAgainWhenItReturns) {
  GuidedCluster cluster(3);
  cluster.form();
  ASSERT_FALSE(start(cluster, 0, mapped("a", {"n3@test"})).error);
  cluster.kill(2);
  cluster.run(20s);
  EXPECT_TRUE(cluster.nodes[0].processes.empty() && cluster.nodes[1].processes.empty());
  ASSERT_NE(cluster.nodes[0].core->spec(id_of("a")), nullptr);
  cluster.boot(2);
  cluster.run(5s);
  EXPECT_TRUE(cluster.nodes[2].processes.contains(id_of("a")));
}

TEST(Guided, NothingMovesWhenANodeJoins) {
  GuidedCluster cluster(3);
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  ASSERT_FALSE(start(cluster, 0, mapped("a", {"n1@test"})).error);
  const Epoch before = cluster.nodes[0].processes.at(id_of("a"));
  cluster.boot(2);
  cluster.run(5s);
  EXPECT_EQ(cluster.nodes[0].processes.at(id_of("a")), before);
}

TEST(Guided, ADrainThatWouldEndABoundChildIsRefused) {
  GuidedCluster cluster(2);
  cluster.form();
  ASSERT_FALSE(start(cluster, 0, mapped("a", {"n1@test"})).error);
  cluster.give(0, ClientDrain{ClientId{999}});
  cluster.run(2s);
  EXPECT_FALSE(cluster.nodes[0].left);
  EXPECT_TRUE(cluster.nodes[0].processes.contains(id_of("a")));
}

TEST(Guided, AnotherMappingMovesIt) {
  GuidedCluster cluster(2);
  cluster.form();
  ASSERT_FALSE(start(cluster, 0, mapped("a", {"n1@test"})).error);
  const auto applied = start(cluster, 1, mapped("a", {"n2@test"}), StartMode::apply);
  ASSERT_FALSE(applied.error) << applied.error->message;
  cluster.run(2s);
  EXPECT_TRUE(cluster.nodes[0].processes.empty());
  EXPECT_TRUE(cluster.nodes[1].processes.contains(id_of("a")));
}

}  // namespace guided_test
}  // namespace brood::core::testing
