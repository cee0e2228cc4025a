#include "flow/pending_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

using namespace brood::flow;

namespace {

struct Question {
  std::unique_ptr<std::string> name;  ///< It can only be moved, as what waits for something mostly can.
  std::optional<int> node;
  [[nodiscard]] bool awaits(int lost) const { return node == lost; }
};
using Table = PendingTable<Question>;

Question question(std::string name, std::optional<int> node) {
  return {std::make_unique<std::string>(std::move(name)), node};
}

std::vector<std::string> names(const std::vector<Question>& all) {
  std::vector<std::string> found;
  found.reserve(all.size());
  for (const Question& one : all) found.push_back(*one.name);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST(PendingTable, OnlyWhoTakesAnEntryEndsIt) {
  Table table;
  table.add(7, question("rent", 1));
  ASSERT_NE(table.find(7), nullptr);
  const auto first = table.take(7);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(*first->name, "rent");
  EXPECT_EQ(table.find(7), nullptr);
  EXPECT_FALSE(table.take(7).has_value()) << "an answer and a time-out both ended it";
  EXPECT_TRUE(table.take_those_of(1).empty());
}

TEST(PendingTable, ALostConnectionEndsWhatWaitsForThatNodeAndNothingElse) {
  Table table;
  table.add(1, question("here", std::nullopt));
  table.add(2, question("of one", 1));
  table.add(3, question("of two", 2));
  table.add(4, question("of one too", 1));
  EXPECT_EQ(names(table.take_those_of(1)), (std::vector<std::string>{"of one", "of one too"}));
  EXPECT_EQ(names(table.take_all()), (std::vector<std::string>{"here", "of two"}));
  EXPECT_EQ(table.size(), 0U);
}

TEST(PendingTable, WhatWaitsForAnotherNodeFromNowOnEndsWithThatOne) {
  Table table;
  table.add(1, question("moves", std::nullopt));
  table.find(1)->node = 2;  // the child that is asked has been handed over
  EXPECT_TRUE(table.take_those_of(1).empty());
  EXPECT_EQ(names(table.take_those_of(2)), std::vector<std::string>{"moves"});
}
