#include "core/children/crashes.hpp"

#include "core/children/losses.hpp"
#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace crashes_test {

TEST(RestartPause, TheFirstCrashIsMadeGoodAtOnceAndTheNextWaitTwiceAsLongEach) {
  const Settings settings;
  EXPECT_EQ(restart_pause(settings, {}, 1, true), Duration{});
  EXPECT_EQ(restart_pause(settings, {}, 2, true), settings.backoff_first);
  EXPECT_EQ(restart_pause(settings, {}, 3, true), 2 * settings.backoff_first);
  EXPECT_EQ(restart_pause(settings, {}, 1, false), settings.backoff_first)
      << "a start that failed would fail again";
  EXPECT_EQ(restart_pause(settings, {}, 1'000'000, true), settings.backoff_max);
}

TEST(RestartPause, AChildMayHavePausesOfItsOwn) {
  const Settings settings;
  const Pace pace{.backoff_first = 3s, .backoff_max = 7s};
  EXPECT_EQ(restart_pause(settings, pace, 1, true), Duration{});
  EXPECT_EQ(restart_pause(settings, pace, 2, true), 3s);
  EXPECT_EQ(restart_pause(settings, pace, 3, true), 6s);
  EXPECT_EQ(restart_pause(settings, pace, 4, true), 7s);
  EXPECT_EQ(longest_pause(settings, pace), 7s);
}

TEST(RestartPause, TheLongestIsNotBelowTheFirstThatIsGiven) {
  const Settings settings;
  EXPECT_EQ(restart_pause(settings, {.backoff_first = 60s}, 5, true), 60s);
  EXPECT_EQ(restart_pause(settings, {.backoff_max = 10ms}, 2, true), 10ms);
}

TEST(RestartPause, RoundsOfAllNodesWaitLongerAndAreCapped) {
  const Settings settings;
  EXPECT_EQ(round_pause(settings, 1), settings.round_pause);
  EXPECT_EQ(round_pause(settings, 2), 2 * settings.round_pause);
  EXPECT_EQ(round_pause(settings, 4'000'000'000U), settings.round_pause_max);
}

TEST(SuspectPause, DoublesWithEachSuspicionAndIsCapped) {
  const Settings settings;
  EXPECT_EQ(suspect_pause(settings, {}), settings.suspect_delay);
  EXPECT_EQ(suspect_pause(settings, {0, 1, {}}), 2 * settings.suspect_delay);
  EXPECT_EQ(suspect_pause(settings, {1, 4'000'000, {}}), settings.suspect_delay_max);
}

}  // namespace crashes_test
}  // namespace brood::core::testing
