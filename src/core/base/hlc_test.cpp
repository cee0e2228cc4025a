#include "core/base/hlc.hpp"

#include <gtest/gtest.h>

namespace brood::core {
namespace hlc_test {

using namespace std::chrono_literals;

TEST(Hlc, RisesEvenWhenTheWallClockStandsOrGoesBack) {
  Clock clock;
  const Hlc first = clock.next(100s);
  const Hlc second = clock.next(100s);
  const Hlc third = clock.next(50s);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(wall_of(first), 100s);
}

TEST(Hlc, FollowsAPeersClockWithinTheSkewOnly) {
  Clock clock;
  EXPECT_TRUE(clock.witness(hlc_at(109s), 100s, 10s));
  EXPECT_GT(clock.next(100s), hlc_at(109s));
  EXPECT_FALSE(clock.witness(hlc_at(120s), 100s, 10s));
  EXPECT_LT(clock.next(100s), hlc_at(120s));
}

TEST(Hlc, TheGreatestValueDoesNotWrap) {
  EXPECT_EQ(after(Hlc{~std::uint64_t{0}}), Hlc{~std::uint64_t{0}});
}

}  // namespace hlc_test
}  // namespace brood::core
