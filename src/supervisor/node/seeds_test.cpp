#include "supervisor/node/seeds.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace seeds_test {

using namespace std::chrono_literals;

TEST(Seeds, AFoundNodeIsTriedAgainOnlyAfterAPause) {
  Seeds seeds;
  const Seeds::Time begin{};
  const NodeName node("a@h");
  EXPECT_TRUE(seeds.may_try(node, begin));
  EXPECT_FALSE(seeds.may_try(node, begin + 500ms));
  EXPECT_TRUE(seeds.may_try(NodeName("b@h"), begin + 500ms));
  EXPECT_TRUE(seeds.may_try(node, begin + 1000ms));
}

TEST(Seeds, PeopleHearOfASeedThatFailsOnceAMinuteForEachReason) {
  Seeds seeds;
  const Seeds::Time begin{};
  const NodeName seed("a@h");
  seeds.add(seed);
  EXPECT_TRUE(seeds.should_warn(seed, node::ConnectFailure::wrong_cookie, begin));
  EXPECT_FALSE(seeds.should_warn(seed, node::ConnectFailure::wrong_cookie, begin + 59s));
  EXPECT_TRUE(seeds.should_warn(seed, node::ConnectFailure::timeout, begin + 59s));
  EXPECT_TRUE(seeds.should_warn(seed, node::ConnectFailure::wrong_cookie, begin + 60s));
  EXPECT_FALSE(seeds.should_warn(NodeName("b@h"), node::ConnectFailure::wrong_cookie, begin)) << "no seed";
}

}  // namespace seeds_test
}  // namespace brood::supervisor
