#include "core/placement/load_balancer.hpp"

#include <gtest/gtest.h>

#include "core/placement/choice.hpp"

namespace brood::core {
namespace {

// May never change: nodes of two releases make the same scores of the same loads.
TEST(LoadBalancer, GoldenVectors) {
  const BalancingSettings settings;
  const auto score = [&](std::uint32_t scheduler, std::uint32_t queue, std::uint32_t processes,
                         std::uint64_t memory) {
    return score_of({scheduler, queue, processes, memory, {}}, settings);
  };
  EXPECT_EQ(score(0, 0, 0, 0), 0U);
  EXPECT_EQ(score(1'000'000, 100, 10'000, 1ULL << 30), 1'000'000U);
  EXPECT_EQ(score(4'000'000, 5000, 2'000'000, 1ULL << 40), 1'000'000U) << "each counts once at most";
  EXPECT_EQ(score(500'000, 0, 0, 0), 200'000U);
  EXPECT_EQ(score(0, 50, 0, 0), 150'000U);
  EXPECT_EQ(score(0, 0, 2500, 0), 50'000U);
  EXPECT_EQ(score(0, 0, 0, 1ULL << 28), 25'000U);
  EXPECT_EQ(score_of({1'000'000, 100, 10'000, 1ULL << 30, 123}, settings), 123U) << "a measure of one's own";
  EXPECT_EQ(mean_of({}, settings), 0U);
  EXPECT_EQ(mean_of({700'000}, settings), 700'000U);
  EXPECT_EQ(mean_of({1'000'000, 0}, settings), 526'315U);
  EXPECT_EQ(mean_of({0, 1'000'000}, settings), 473'684U);
  EXPECT_EQ(mean_of({300'000, 200'000, 100'000}, settings), 207'011U);
  EXPECT_EQ(capacity_of(0), 1'000'000U);
  EXPECT_EQ(capacity_of(250'000), 750'000U);
  EXPECT_EQ(capacity_of(950'000), 100'000U);
  EXPECT_EQ(capacity_of(2'000'000), 100'000U);
}

TEST(LoadBalancer, WithoutAnyWeightAllNodesAreIdle) {
  BalancingSettings settings;
  settings.scheduler_weight = settings.run_queue_weight = settings.process_weight = settings.memory_weight =
      0;
  EXPECT_EQ(score_of({1'000'000, 100, 10'000, 1ULL << 30, {}}, settings), 0U);
}

TEST(LoadBalancer, ItsSettingsAreInItsNameButHowOftenANodeMeasures) {
  const auto made = [](StrategySettings settings) {
    const auto all = make_strategies({.distribution = StrategyChoice{"load_balancer", std::move(settings)}});
    return all ? all->distribution->name() : all.error().message;
  };
  EXPECT_EQ(made({}), made({{"push_interval_ms", std::int64_t{500}}}));
  EXPECT_NE(made({}), made({{"weight_decay_factor", 0.5}}));
  EXPECT_NE(made({}), made({{"memory_weight", std::int64_t{50}}}));
  EXPECT_NE(made({}), made({{"nodeup_redistribution", true}}));
  EXPECT_NE(made({{"max_history_size", std::int64_t{0}}}).find("must be"), std::string::npos);
}

}  // namespace
}  // namespace brood::core
