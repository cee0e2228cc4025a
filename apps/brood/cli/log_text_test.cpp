#include "apps/brood/cli/log_text.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace brood::app {
namespace log_text_test {

constexpr std::int64_t now = 1'795'863'600'000;  // 2026-11-28 11:00:00 UTC

TEST(LogTime, IsASpanBeforeNowOrATime) {
  EXPECT_EQ(time_of("90s", now), now - 90'000);
  EXPECT_EQ(time_of("10m", now), now - 600'000);
  EXPECT_EQ(time_of("2h", now), now - 7'200'000);
  EXPECT_EQ(time_of("1d", now), now - 86'400'000);
  EXPECT_EQ(time_of("2026-11-28T10:59:58Z", now), now - 2000);
  EXPECT_EQ(time_of("2026-11-28 10:59Z", now), now - 60'000);
  EXPECT_EQ(time_of("2026-11-28Z", now), now - 11 * 3'600'000);
  EXPECT_EQ(time_of("10:30Z", now), now - 1'800'000);
  const auto local = time_of("2026-11-28 10:30", now);
  ASSERT_TRUE(local);
  const auto seconds = static_cast<std::time_t>(*local / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  EXPECT_EQ(parts.tm_hour, 10);
  EXPECT_EQ(parts.tm_min, 30);
}

TEST(LogTime, WhatIsNoneIsRefused) {
  for (const char* text : {"", "10", "m", "-5m", "10w", "yesterday", "2026-13-40", "10m5", "25:99"})
    EXPECT_FALSE(time_of(text, now)) << text;
}

TEST(PreviousRun, IsTheOneBeforeTheLastMark) {
  const std::string mark =
      "[brood: exited with code 1 at 2026-11-28 10:59:58 UTC; started at 2026-11-28 11:00:03 UTC]\n";
  EXPECT_FALSE(previous_run("only one\n"));
  EXPECT_EQ(previous_run("one\n" + mark + "two\n"), "one\n");
  EXPECT_EQ(previous_run("one\n" + mark + "two\nmore\n" + mark + "three"), "two\nmore\n");
  EXPECT_EQ(previous_run(mark + "two\n"), "");
  EXPECT_FALSE(previous_run("said [brood: x; started at y]\n")) << "a mark begins its line";
}

TEST(LastLines, AreWholeLines) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(last_lines("a\nb", 1), "b");
  EXPECT_EQ(last_lines("a\n", 9), "a\n");
  EXPECT_EQ(last_lines("a\n", 0), "");
}

TEST(LinePrefix, SaysWhoWroteEachLineHoweverItComes) {
  LinePrefix prefix("web | ");
  EXPECT_EQ(prefix.add("a\nb"), "web | a\n");
  EXPECT_EQ(prefix.add("c\n\n"), "web | bc\nweb | \n");
  EXPECT_EQ(prefix.add("end"), "");
  EXPECT_EQ(prefix.rest(), "web | end\n");
  EXPECT_EQ(prefix.rest(), "");
  EXPECT_EQ(LinePrefix("").add("a\nb"), "a\nb");
}

}  // namespace log_text_test
}  // namespace brood::app
