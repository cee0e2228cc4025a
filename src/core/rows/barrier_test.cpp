#include "core/rows/barrier.hpp"

#include <gtest/gtest.h>

namespace brood::core {
namespace barrier_test {

TEST(Barrier, WhatComesAfterThroughWaitsUntilThatIsHeld) {
  Barrier barrier;
  EXPECT_FALSE(barrier.holds(1));
  barrier.require(1, 5);
  EXPECT_TRUE(barrier.holds(1));
  barrier.keep(1, View{7});
  barrier.reached(1, 4);
  EXPECT_FALSE(barrier.has_ready());
  barrier.reached(1, 5);
  ASSERT_TRUE(barrier.has_ready());
  const auto taken = barrier.take();
  EXPECT_EQ(taken->first, 1U);
  EXPECT_EQ(std::get<View>(taken->second).hash, 7U);
  EXPECT_FALSE(barrier.holds(1));
}

TEST(Barrier, MessagesOfOnePeerKeepTheirOrderAndEachItsOwnNumber) {
  Barrier barrier;
  barrier.require(1, 2);
  barrier.keep(1, View{1});
  barrier.require(1, 4);
  barrier.keep(1, View{2});
  barrier.reached(1, 3);
  EXPECT_EQ(std::get<View>(barrier.take()->second).hash, 1U);
  EXPECT_FALSE(barrier.has_ready());
  EXPECT_TRUE(barrier.holds(1));
  barrier.reached(1, 4);
  EXPECT_TRUE(barrier.holds(1)) << "one that comes now goes behind the one that waits";
  EXPECT_EQ(std::get<View>(barrier.take()->second).hash, 2U);
  EXPECT_FALSE(barrier.take().has_value());
}

TEST(Barrier, OthersDoNotWait) {
  Barrier barrier;
  barrier.require(1, 5);
  barrier.keep(1, View{1});
  EXPECT_FALSE(barrier.holds(2));
  barrier.keep(2, View{2});
  EXPECT_EQ(barrier.take()->first, 2U);
}

TEST(Barrier, AnotherChannelBeginsAnew) {
  Barrier barrier;
  EXPECT_TRUE(barrier.must_say(1, 3));
  EXPECT_FALSE(barrier.must_say(1, 3));
  barrier.require(1, 5);
  barrier.keep(1, View{1});
  EXPECT_EQ(barrier.size(), 1U);
  barrier.reset(1);
  EXPECT_EQ(barrier.size(), 0U);
  EXPECT_FALSE(barrier.holds(1));
  EXPECT_TRUE(barrier.must_say(1, 3));
}

TEST(Barrier, WhatBringsChangesAndThoseByWhichMembersMeetNeverWait) {
  EXPECT_TRUE(Barrier::passes(Hello{}));
  EXPECT_TRUE(Barrier::passes(Delta{}));
  EXPECT_TRUE(Barrier::passes(Sync{}));
  EXPECT_TRUE(Barrier::passes(Want{}));
  EXPECT_TRUE(Barrier::passes(Goodbye{}));
  EXPECT_FALSE(Barrier::passes(View{}));
  EXPECT_FALSE(Barrier::passes(DeltaAck{}));
  EXPECT_FALSE(Barrier::passes(StartRequest{}));
  EXPECT_FALSE(Barrier::passes(Answer{}));
}

}  // namespace barrier_test
}  // namespace brood::core
