#include "supervisor/driver/leaving.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace leaving_test {

using namespace std::chrono_literals;
using Stage = Leaving::Stage;

constexpr SteadyTime begin{};

TEST(Leaving, HandsOverThenEndsTheRestEachWithItsOwnPatience) {
  Leaving leaving;
  EXPECT_EQ(leaving.deadline(), std::nullopt);
  leaving.begin(begin, 10s);
  EXPECT_EQ(leaving.next(begin + 1s, {.running = 3}), std::nullopt);
  EXPECT_EQ(leaving.next(begin + 2s, {.handed_over = true, .running = 1}), Stage::ending);
  leaving.ends_by(begin + 62s);  // a patience of a minute is honoured
  EXPECT_EQ(leaving.deadline(), begin + 62s + kill_grace);
  EXPECT_EQ(leaving.next(begin + 61s, {.handed_over = true, .running = 1}), std::nullopt);
  EXPECT_EQ(leaving.next(begin + 61s, {.handed_over = true, .running = 0}), Stage::over);
  EXPECT_EQ(leaving.next(begin + 99s, {}), std::nullopt);
  EXPECT_EQ(leaving.deadline(), std::nullopt);
}

TEST(Leaving, OthersThatDoNotTakeTheChildrenAreNotWaitedForBeyondItsTime) {
  Leaving leaving;
  leaving.begin(begin, 10s);
  EXPECT_EQ(leaving.deadline(), begin + 10s);
  EXPECT_EQ(leaving.next(begin + 10s, {.running = 5}), Stage::ending);
}

TEST(Leaving, WhereNothingCanBeHandedOverItEndsAtOnce) {
  Leaving leaving;
  leaving.begin(begin, 0s);
  EXPECT_EQ(leaving.next(begin, {.running = 5}), Stage::ending);
  leaving.ends_by(begin + 5s);
  EXPECT_EQ(leaving.next(begin + 7s, {.running = 5}), Stage::over) << "what cannot be killed is left behind";
}

TEST(Leaving, AHandlerThatNeverReturnsIsNotWaitedForWhenItWasKilledLongAgo) {
  Leaving leaving;
  leaving.begin(begin, 30s);
  EXPECT_EQ(leaving.next(begin + 7s, {.running = 1, .only_unkillable = true}), Stage::ending);
  leaving.ends_by(begin + 5s);
  EXPECT_EQ(leaving.next(begin + 7s, {.running = 1, .only_unkillable = true}), Stage::over);
}

}  // namespace leaving_test
}  // namespace brood::supervisor
