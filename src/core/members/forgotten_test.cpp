// What goes on without a node that was lost and will not come back.
#include "core/members/forgotten.hpp"

#include <gtest/gtest.h>

#include "core/placement/guided.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace forgotten_test {

TEST(Forget, AChildThatIsMappedToANodeThatWillNotComeBackRunsElsewhere) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies.distribution = std::make_shared<Guided>();
  };
  cluster.form();
  auto spec = opened(spec_of("a"));
  spec->extras.change().mapping = {NodeName("n3@test")};
  cluster.start(0, {spec});
  cluster.run(1s);
  ASSERT_EQ(cluster.host("a"), 2U);
  cluster.give(0, ClientForget{ClientId{50}, NodeName("n3@test")});
  cluster.run(1s);
  EXPECT_EQ(cluster.result(50), "invalid_argument") << "it is a member";
  cluster.kill(2);
  cluster.run(5s);
  ASSERT_EQ(cluster.alive("a"), 0U);
  cluster.give(1, ClientForget{ClientId{51}, NodeName("n3@test")});
  cluster.run(2s);
  EXPECT_TRUE(cluster.last.at(51));
  EXPECT_EQ(cluster.alive("a"), 1U);
  // It comes back after all, and is the one that the mapping names again.
  cluster.boot(2);
  cluster.run(5s);
  EXPECT_EQ(cluster.host("a"), 2U);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Forget, AQuorumCountsTheNodeNoMore) {
  Cluster cluster(5);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = *make_strategies(
        {.partition = StrategyChoice{"majority_quorum", {{"initial_cluster_size", std::int64_t{5}}}}});
  };
  cluster.form();
  cluster.start(0, many(10));
  cluster.run(2s);
  for (std::size_t i = 2; i < 5; ++i) cluster.kill(i);
  cluster.run(20s);
  ASSERT_TRUE(cluster.nodes[0].core->partitioned());
  ASSERT_EQ(cluster.nodes[0].processes.size() + cluster.nodes[1].processes.size(), 0U);
  for (std::size_t i = 2; i < 5; ++i) cluster.give(1, ClientForget{ClientId{60 + i}, cluster.nodes[i].name});
  cluster.run(5s);
  EXPECT_FALSE(cluster.nodes[0].core->partitioned());
  EXPECT_EQ(cluster.nodes[0].processes.size() + cluster.nodes[1].processes.size(), 10U);
}

TEST(Forget, ChildrenOfANodeThatMayRunBehindASplitAreTakenOverAtOnce) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = *make_strategies(
        {.partition = StrategyChoice{"majority_quorum", {{"initial_cluster_size", std::int64_t{3}}}}});
  };
  cluster.form();
  cluster.start(0, many(30));
  cluster.run(2s);
  cluster.split({{0, 1}, {2}});
  cluster.run(1s);
  const auto running = [&] { return cluster.nodes[0].processes.size() + cluster.nodes[1].processes.size(); };
  ASSERT_LT(running(), 30U) << "they wait";
  cluster.give(0, ClientForget{ClientId{50}, NodeName("n3@test")});
  cluster.run(1s);
  EXPECT_EQ(running(), 30U);
}

}  // namespace forgotten_test
}  // namespace brood::core::testing
