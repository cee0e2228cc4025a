#include "supervisor/node/gaps.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace gaps_test {

using namespace std::chrono_literals;

TEST(Gaps, BeatsAsUsualAreNoGapHoweverRarelySomebodyAsks) {
  Gaps gaps(500ms, 0ms);
  auto reader = gaps.cursor();
  for (auto now = 0ms; now < 60s; now += 250ms) gaps.beat(now);
  EXPECT_EQ(gaps.take_longest(reader, 60s), core::Duration(0));
}

TEST(Gaps, EveryReaderHearsOfTheLongestOnce) {
  Gaps gaps(500ms, 0ms);
  auto one = gaps.cursor(), other = gaps.cursor();
  gaps.beat(3s);
  gaps.beat(3250ms);
  gaps.beat(8250ms);
  gaps.beat(9250ms);
  EXPECT_EQ(gaps.take_longest(one, 9250ms), core::Duration(5s));
  EXPECT_EQ(gaps.take_longest(one, 9250ms), core::Duration(0));
  EXPECT_EQ(gaps.take_longest(other, 9250ms), core::Duration(5s));
}

TEST(Gaps, OneWhoComesLaterHearsOfNothingThatWas) {
  Gaps gaps(500ms, 0ms);
  gaps.beat(5s);
  auto reader = gaps.cursor();
  EXPECT_EQ(gaps.take_longest(reader, 5s), core::Duration(0));
}

// After a sleep the reader may be the first thread that runs again.
TEST(Gaps, OneThatIsStillOpenIsToldAndNotAgainWhenItEnds) {
  Gaps gaps(500ms, 0ms);
  auto reader = gaps.cursor();
  EXPECT_EQ(gaps.take_longest(reader, 6s), core::Duration(6s));
  EXPECT_EQ(gaps.take_longest(reader, 6010ms), core::Duration(0));
  gaps.beat(6020ms);
  EXPECT_EQ(gaps.take_longest(reader, 6020ms), core::Duration(0));
}

TEST(Gaps, ASecondSleepBeforeTheNextBeatIsHeardOfToo) {
  Gaps gaps(500ms, 0ms);
  auto reader = gaps.cursor();
  EXPECT_EQ(gaps.take_longest(reader, 2s), core::Duration(2s));
  gaps.beat(7s);
  EXPECT_EQ(gaps.take_longest(reader, 7s), core::Duration(5s));
}

TEST(Gaps, WhoAsksRarelyHearsOfTheLastOnes) {
  Gaps gaps(500ms, 0ms);
  auto reader = gaps.cursor();
  core::Duration now = 10s;
  gaps.beat(now);
  for (int i = 0; i < 40; ++i) gaps.beat(now += 1s);
  EXPECT_EQ(gaps.take_longest(reader, now), core::Duration(1s));
}

}  // namespace gaps_test
}  // namespace brood::supervisor
