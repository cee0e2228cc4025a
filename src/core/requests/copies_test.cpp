#include "core/requests/copies.hpp"

#include <gtest/gtest.h>

namespace brood::core {
namespace copies_test {

TEST(Copies, OneThatWasAskedOnceIsRefusedAtOnce) {
  Copies copies;
  copies.sent_in(1);
  EXPECT_TRUE(copies.refused_in(1));
}

TEST(Copies, ARefusalOfOneSaysNothingOfTheOther) {
  Copies copies;
  copies.sent_in(1);
  copies.sent_in(1);
  EXPECT_FALSE(copies.refused_in(1)) << "the other may wait where this one found no room";
  EXPECT_TRUE(copies.refused_in(1));
}

TEST(Copies, OneOfAFormerViewIsNotTakenForOneOfThis) {
  Copies copies;
  copies.sent_in(1);
  copies.sent_in(2);
  EXPECT_TRUE(copies.refused_in(2)) << "what was asked in the view before was dropped with it";
  EXPECT_FALSE(copies.all_refused()) << "or done";
  copies.sent_in(2);
  copies.sent_in(1);
  EXPECT_FALSE(copies.refused_in(1)) << "the view is back, and this is the answer to what was asked first";
  EXPECT_TRUE(copies.refused_in(1));
}

TEST(Copies, WhatWasNeverAskedIsNotRefused) {
  Copies copies;
  EXPECT_FALSE(copies.refused_in(1));
  copies.sent_in(1);
  EXPECT_TRUE(copies.refused_in(1));
  EXPECT_FALSE(copies.refused_in(1));
}

}  // namespace copies_test
}  // namespace brood::core
