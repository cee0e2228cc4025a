// The settings of the partition strategies: what is read, what is refused, and that the name tells them
// apart.
#include <gtest/gtest.h>

#include "core/placement/choice.hpp"

namespace brood::core {
namespace quorum_settings_test {
using namespace std::chrono_literals;

std::shared_ptr<const PartitionTolerance> made(const std::string& name, StrategySettings settings) {
  auto strategies = make_strategies({.partition = StrategyChoice{name, std::move(settings)}});
  EXPECT_TRUE(strategies) << strategies.error().message;
  return strategies ? strategies->partition : nullptr;
}

std::string refused(const std::string& name, StrategySettings settings) {
  const auto fine = check_strategy("partition", {name, std::move(settings)});
  return fine ? "taken" : fine.error().message;
}

Tally tally(std::size_t members, std::size_t here, std::size_t size) {
  Tally counted;
  for (std::size_t i = 0; i < members; ++i) counted.members.emplace_back("n" + std::to_string(i));
  counted.here = here;
  counted.size = size;
  return counted;
}

TEST(QuorumSettings, AStaticQuorumNeedsItsSize) {
  const auto quorum = made("static_quorum", {{"quorum_size", std::int64_t{3}}});
  EXPECT_EQ(quorum->name(), "static_quorum/1 quorum_size=3 startup_confirm=true");
  EXPECT_FALSE(quorum->may_run(tally(2, 0, 0)));
  EXPECT_TRUE(quorum->may_run(tally(3, 0, 0)));
  EXPECT_FALSE(quorum->free_at_first());
  EXPECT_FALSE(quorum->census());
  EXPECT_NE(refused("static_quorum", {}).find("quorum_size"), std::string::npos);
  EXPECT_NE(refused("static_quorum", {{"quorum_size", std::int64_t{0}}}).find("from 1"), std::string::npos);
  EXPECT_EQ(refused("static_quorum", {{"quorum_size", std::int64_t{100'000}}}), "taken");
  EXPECT_NE(refused("static_quorum", {{"quorum_size", std::int64_t{100'001}}}), "taken");
  EXPECT_TRUE(
      made("static_quorum", {{"quorum_size", std::int64_t{3}}, {"startup_confirm", false}})->free_at_first());
}

TEST(QuorumSettings, ADynamicQuorumFailsStrictlyBelowItsPercentage) {
  const auto quorum = made("dynamic_quorum", {{"quorum_size", std::int64_t{60}}});
  EXPECT_EQ(quorum->name(), "dynamic_quorum/1 quorum_size=60 threshold_time=30");
  EXPECT_TRUE(quorum->may_run(tally(3, 3, 5)));
  EXPECT_FALSE(quorum->may_run(tally(2, 2, 5)));
  EXPECT_EQ(quorum->census()->keeps_lost, 30s);
  EXPECT_EQ(made("dynamic_quorum", {{"quorum_size", 50.5}, {"threshold_time", std::int64_t{5}}})
                ->census()
                ->keeps_lost,
            5s);
  EXPECT_NE(refused("dynamic_quorum", {}).find("percent"), std::string::npos);
  EXPECT_NE(refused("dynamic_quorum", {{"quorum_size", std::int64_t{101}}}).find("100"), std::string::npos);
}

TEST(QuorumSettings, AMajorityIsMoreThanHalf) {
  const auto quorum = made("majority_quorum", {});
  EXPECT_EQ(quorum->name(), "majority_quorum/1 initial_cluster_size=1 track_max_size=true");
  for (std::size_t size = 1; size < 20; ++size)
    for (std::size_t here = 0; here <= size; ++here)
      EXPECT_EQ(quorum->may_run(tally(here, here, size)), 2 * here > size) << here << " of " << size;
  EXPECT_TRUE(quorum->census()->grows);
  EXPECT_FALSE(made("majority_quorum", {{"track_max_size", false}})->census()->grows);
  EXPECT_EQ(made("majority_quorum", {{"initial_cluster_size", std::int64_t{5}}})->census()->first_size, 5U);
}

TEST(QuorumSettings, AllThatLockTakeTheTimesOfALock) {
  for (const char* name : {"static_quorum", "dynamic_quorum", "majority_quorum"}) {
    StrategySettings settings{{"takeover_delay_ms", std::int64_t{0}}, {"locked_stop_ms", std::int64_t{700}}};
    if (std::string_view(name) != "majority_quorum") settings["quorum_size"] = std::int64_t{2};
    const auto quorum = made(name, settings);
    ASSERT_TRUE(quorum);
    EXPECT_TRUE(quorum->locks());
    EXPECT_EQ(quorum->times().takeover_delay, std::optional<std::chrono::nanoseconds>(0ns));
    EXPECT_EQ(quorum->times().stop_max, 700ms);
  }
  EXPECT_FALSE(made("divergence", {})->locks());
  EXPECT_NE(refused("divergence", {{"takeover_delay_ms", std::int64_t{1}}}), "taken");
}

}  // namespace quorum_settings_test
}  // namespace brood::core
