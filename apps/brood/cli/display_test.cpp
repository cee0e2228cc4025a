#include "apps/brood/cli/display.hpp"

#include <gtest/gtest.h>

namespace brood::app {
namespace display_test {

Table table() {
  Table out;
  out.columns = {{"ID"}, {"N", true}};
  out.rows = {{"short", "1"}, {"a much longer identifier", "12345"}};
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', from)) {
    lines.push_back(text.substr(from, at - from));
    from = at + 1;
  }
  return lines;
}

TEST(Display, ColumnsLineUp) {
  EXPECT_EQ(render(table(), std::nullopt, false),
            "ID                            N\n"
            "short                         1\n"
            "a much longer identifier  12345\n");
}

TEST(Display, ATableIsNeverWiderThanTheTerminal) {
  for (std::size_t width = 1; width < 40; ++width) {
    for (const auto& line : lines_of(render(table(), width, false)))
      EXPECT_LE(display_width(line), width) << line;
  }
}

TEST(Display, WhatIsCutSaysSo) {
  const auto text = render(table(), 20, false);
  EXPECT_NE(text.find("a much longe\xe2\x80\xa6  12345\n"), std::string::npos) << text;
}

TEST(Display, WhatGivesWayIsCutBeforeTheOthers) {
  Table table;
  table.columns = {{"ID", false, 12}, {"RUNS", false, 8}, {"PHASE"}};
  table.rows = {{"a-long-name-of-a-child", "a command with words", "running (unhealthy)"}};
  EXPECT_EQ(render(table, 53, false),
            "ID                      RUNS      PHASE\n"
            "a-long-name-of-a-child  a comma\xe2\x80\xa6  running (unhealthy)\n");
  EXPECT_EQ(render(table, 47, false),
            "ID                RUNS      PHASE\n"
            "a-long-name-of-\xe2\x80\xa6  a comma\xe2\x80\xa6  running (unhealthy)\n");
}

TEST(Display, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("\xc3\xa4\xc3\xb6"), 2u);
  EXPECT_EQ(display_width("\xe4\xb8\xad"), 2u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);
  EXPECT_EQ(cut_to("\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", 4), "\xe4\xb8\xad\xe2\x80\xa6");
  EXPECT_EQ(cut_to("abc", 3), "abc");
  EXPECT_EQ(cut_to("abcd", 3), "ab\xe2\x80\xa6");
  EXPECT_EQ(cut_to("abcd", 0), "");
}

TEST(Display, ANameCannotSteerTheTerminal) {
  EXPECT_EQ(harmless("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(harmless("\xff"), "\\xff");
  EXPECT_EQ(harmless("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(harmless("\xe2\x80\xae"), "\\xe2\\x80\\xae");
  EXPECT_EQ(harmless("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  Table evil;
  evil.columns = {{"ID"}};
  evil.rows = {{Cell("x\x1b]0;owned\x07")}};
  EXPECT_EQ(render(evil, std::nullopt, true).find('\x07'), std::string::npos);
}

TEST(Display, ColoursOnlyWhenAskedFor) {
  EXPECT_EQ(styled("x", Style::bad, false), "x");
  EXPECT_EQ(styled("x", Style::bad, true), "\x1b[31mx\x1b[0m");
}

TEST(Display, DurationsAreShort) {
  EXPECT_EQ(duration_text(0), "0s");
  EXPECT_EQ(duration_text(61), "1m 1s");
  EXPECT_EQ(duration_text(3600 * 2 + 300), "2h 5m");
  EXPECT_EQ(duration_text(86400 * 3 + 3600 * 4), "3d 4h");
}

TEST(Display, AnEmptyTableIsItsTitles) {
  Table empty;
  empty.columns = {{"ID"}, {"N", true}};
  EXPECT_EQ(render(empty, std::nullopt, false), "ID  N\n");
}

}  // namespace display_test
}  // namespace brood::app
