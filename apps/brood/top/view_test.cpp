#include "apps/brood/top/view.hpp"

#include <gtest/gtest.h>

#include "apps/brood/cli/display.hpp"

namespace brood::app::live {
namespace view_test {

ChildRow child(const std::string& id, const std::string& node, std::int64_t restarts = 0,
               std::int64_t up_ms = 1000) {
  ChildRow row;
  row.id = id;
  row.worker = "counter";
  if (node.empty()) return row;
  InstanceRow instance;
  instance.node = node;
  instance.pid = "<1>";
  instance.phase = "running";
  instance.restarts = restarts;
  instance.uptime_ms = up_ms;
  row.instances.push_back(std::move(instance));
  return row;
}

NodeRow node(const std::string& name, bool up = true) {
  NodeRow row;
  row.name = name;
  row.up = up;
  return row;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == '\n') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

std::vector<std::string> ids(const View& view, Size size = {24, 80}) {
  std::vector<std::string> out;
  bool below = false;
  for (const auto& line : lines(view.frame(size, false))) {
    if (below && !line.empty() && line.find("q quit") == std::string::npos)
      out.push_back(line.substr(0, line.find(' ')));
    below = below || line.rfind("ID ", 0) == 0;
  }
  return out;
}

View::Time at(int seconds) {
  return View::Time(std::chrono::seconds(1000 + seconds));
}

TEST(Top, FillsTheScreenExactlyAtAnyWidth) {
  View view;
  std::vector<ChildRow> many;
  for (int i = 0; i < 100; ++i)
    many.push_back(child("child-" + std::to_string(i), "node-with-a-long-name@host.example"));
  view.take({node("n1@h"), node("n2@h", false)}, many, false, at(0));
  for (const Size size : {Size{24, 80}, Size{50, 140}, Size{10, 40}, Size{3, 20}}) {
    const auto frame = lines(view.frame(size, false));
    EXPECT_EQ(frame.size(), size.lines);
    for (const auto& line : frame) EXPECT_LE(display_width(line), size.columns) << line;
  }
}

TEST(Top, SortsByKeysAndScrolls) {
  View view;
  view.take({node("n1@h")}, {child("b", "n2", 5, 10), child("a", "n3", 1, 30), child("c", "n1", 0, 20)},
            false, at(0));
  EXPECT_EQ(ids(view), (std::vector<std::string>{"a", "b", "c"}));
  const auto pressed = [&](char letter) {
    EXPECT_TRUE(view.press({Key::letter, letter}, {24, 80}));
    return ids(view);
  };
  EXPECT_EQ(pressed('n'), (std::vector<std::string>{"c", "b", "a"}));
  EXPECT_EQ(pressed('r'), (std::vector<std::string>{"b", "a", "c"}));
  EXPECT_EQ(pressed('u'), (std::vector<std::string>{"b", "c", "a"}));
  EXPECT_EQ(pressed('R'), (std::vector<std::string>{"a", "c", "b"}));
  const Size small{9, 80};  // room for two
  EXPECT_EQ(ids(view, small), (std::vector<std::string>{"a", "c"}));
  (void)view.press({Key::down}, small);
  EXPECT_EQ(ids(view, small), (std::vector<std::string>{"c", "b"}));
  (void)view.press({Key::page_down}, small);
  EXPECT_EQ(ids(view, small), (std::vector<std::string>{"c", "b"})) << "there is no more";
  (void)view.press({Key::home}, small);
  EXPECT_EQ(ids(view, small).front(), "a");
  EXPECT_FALSE(view.press({Key::letter, 'q'}, small));
}

TEST(Top, TellsWhatHappenedSinceTheLastLook) {
  View view;
  view.take({}, {child("a", "n1"), child("b", "n1"), child("gone", "n1")}, false, at(0));
  EXPECT_NE(view.frame({24, 80}, false).find("0.0 started, 0.0 ended, 0.0 moved, 0.0 restarted"),
            std::string::npos);
  view.take({}, {child("a", "n2"), child("b", "n1", 4), child("new", "n1")}, false, at(2));
  EXPECT_NE(view.frame({24, 80}, false).find("0.5 started, 0.5 ended, 0.5 moved, 2.0 restarted"),
            std::string::npos)
      << view.frame({24, 80}, false);
  view.take({}, {child("a", ""), child("b", "n1", 4), child("new", "n1")}, false, at(3));
  view.take({}, {child("a", "n1"), child("b", "n1", 4), child("new", "n1")}, false, at(4));
  EXPECT_NE(view.frame({24, 80}, false).find("1.0 moved"), std::string::npos)
      << "also when it was nowhere between";
}

TEST(Top, WhatWasSeenLastStaysWhenNobodyCanBeAsked) {
  View view;
  const View::Time begin{std::chrono::seconds(1)};
  view.take({node("n1@h")}, {child("a", "n1@h")}, false, begin);
  view.lost("cannot reach n1@h");
  const auto away = lines(view.frame({12, 80}, false));
  ASSERT_EQ(away.size(), 12U);
  EXPECT_EQ(away[0], "as it was; trying again: cannot reach n1@h");
  EXPECT_NE(view.frame({12, 80}, false).find("counter"), std::string::npos);
  view.take({node("n1@h")}, {child("a", "n1@h")}, false, begin + std::chrono::seconds(1));
  EXPECT_EQ(view.frame({12, 80}, false).find("trying again"), std::string::npos);
}

}  // namespace view_test
}  // namespace brood::app::live
