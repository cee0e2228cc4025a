#include "supervisor/driver/inbox.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace inbox_test {

core::Event gone(std::uint64_t number) {
  return core::ClientGone{core::ClientId{number}};
}

std::uint64_t number_of(const core::Event& event) {
  return std::get<core::ClientGone>(event).client.value;
}

struct World {
  int wakes = 0;
  Inbox inbox{4, [this] { ++wakes; }};
};

TEST(Inbox, WakesOnceForAllThatComesBeforeItIsLookedAt) {
  World world;
  for (std::uint64_t i = 0; i < 3; ++i) world.inbox.put(gone(i));
  EXPECT_EQ(world.wakes, 1);
  const auto batch = world.inbox.take();
  ASSERT_EQ(batch.events.size(), 3U);
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(number_of(batch.events[i]), i);
  EXPECT_EQ(world.wakes, 1);
  world.inbox.put(gone(9));
  EXPECT_EQ(world.wakes, 2);
}

TEST(Inbox, TakesInBoundedBatchesAndWakesForTheRest) {
  World world;
  std::vector<core::Event> many;
  for (std::uint64_t i = 0; i < 10; ++i) many.push_back(gone(i));
  world.inbox.put_all(std::move(many));
  std::vector<std::size_t> sizes;
  for (int looked = 0; looked < world.wakes; ++looked) sizes.push_back(world.inbox.take().events.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
}

TEST(Inbox, AMessageCountsByItsSizeAndAHeavyOneIsAStepByItself) {
  World world;
  world.inbox.put(gone(1));
  world.inbox.put(core::PeerMessage{NodeName("n2@test"), 1, core::Probe{}}, 2000);
  world.inbox.put(gone(2));
  world.inbox.put(core::ClientStop{core::ClientId{3}, std::vector<ChildId>(3)});
  EXPECT_EQ(world.inbox.take().events.size(), 1U);
  EXPECT_EQ(world.inbox.take().events.size(), 1U);
  EXPECT_EQ(world.inbox.take().events.size(), 2U);
}

TEST(Inbox, AListOfWordsOnHandoversCountsAsManyAsItHas) {
  World world;
  core::Handovers three{{core::Commit{}, core::Commit{}, core::Commit{}}};
  for (int i = 0; i < 2; ++i)
    world.inbox.put(core::PeerMessage{NodeName("n2@test"), 1, core::MessageBody(three)}, 100);
  world.inbox.put(gone(1));
  EXPECT_EQ(world.inbox.take().events.size(), 1U) << "the second would make it more than a step takes";
  EXPECT_EQ(world.inbox.take().events.size(), 2U);
}

TEST(Inbox, WhatComesFirstGoesBeforeAllThatWaits) {
  World world;
  for (std::uint64_t i = 0; i < 9; ++i) world.inbox.put(gone(i));
  world.inbox.put_first(core::Tick{});
  const auto batch = world.inbox.take();
  EXPECT_TRUE(std::holds_alternative<core::Tick>(batch.events.front()));
  EXPECT_EQ(batch.events.size(), 5U);
}

TEST(Inbox, AMarkComesWithTheBatchThatHoldsTheLastEventBeforeIt) {
  World world;
  int told = 0;
  for (std::uint64_t i = 0; i < 5; ++i) world.inbox.put(gone(i));
  world.inbox.when_taken([&] { ++told; });
  for (std::uint64_t i = 5; i < 12; ++i) world.inbox.put(gone(i));
  world.inbox.put_first(core::Tick{});
  EXPECT_TRUE(world.inbox.take().then.empty());
  for (auto& then : world.inbox.take().then) then();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(world.inbox.take().then.empty());
}

TEST(Inbox, AMarkOfAnEmptyInboxComesAtTheNextLook) {
  World world;
  world.inbox.when_taken([] {});
  EXPECT_EQ(world.wakes, 1);
  EXPECT_EQ(world.inbox.take().then.size(), 1U);
}

}  // namespace inbox_test
}  // namespace brood::supervisor
