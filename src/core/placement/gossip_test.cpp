#include "core/placement/gossip.hpp"

#include <gtest/gtest.h>

#include "core/placement/choice.hpp"

namespace brood::core {
namespace gossip_test {

/// How often each member gets a batch when all pass it on; no member sends it to more than `most`.
std::vector<int> spread(const Synchronisation& strategy, std::size_t members, std::size_t origin,
                        std::uint64_t number, std::size_t most) {
  std::vector<int> got(members);
  std::vector<std::size_t> senders{origin};
  for (std::size_t at = 0; at < senders.size() && senders.size() <= members; ++at) {
    std::vector<std::size_t> to;
    strategy.recipients({members, senders[at], origin, number}, to);
    EXPECT_LE(to.size(), most);
    for (const std::size_t place : to) {
      EXPECT_LT(place, members);
      EXPECT_NE(place, origin);
      ++got[place];
      senders.push_back(place);
    }
  }
  return got;
}

TEST(Gossip, EachMemberGetsEachBatchOnceAndSendsItToAFew) {
  for (std::size_t recipients = 1; recipients <= 4; ++recipients) {
    const Gossip gossip({.recipients = recipients});
    for (std::size_t members = 1; members <= 40; ++members)
      for (std::uint64_t number = 1; number <= 5; ++number) {
        const std::size_t origin = (members * 7 + number) % members;
        auto got = spread(gossip, members, origin, number, recipients);
        EXPECT_EQ(got[origin], 0);
        got[origin] = 1;
        EXPECT_EQ(std::count(got.begin(), got.end(), 1), static_cast<std::ptrdiff_t>(members))
            << members << " members, origin " << origin << ", batch " << number;
      }
  }
}

TEST(Gossip, TheFirstRecipientsDifferFromBatchToBatch) {
  const Gossip gossip({.recipients = 2});
  std::set<std::size_t> first;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    std::vector<std::size_t> to;
    gossip.recipients({20, 3, 3, number}, to);
    first.insert(to.begin(), to.end());
  }
  EXPECT_EQ(first.size(), 19U);
}

TEST(Gossip, IsChosenByNameWithItsSettings) {
  const auto made =
      make_strategies({.synchronisation = StrategyChoice{"gossip",
                                                         {{"recipients", std::int64_t{5}},
                                                          {"sync_interval_ms", std::int64_t{2000}},
                                                          {"restricted_init", false}}}});
  ASSERT_TRUE(made) << made.error().message;
  const Synchronisation& gossip = *made->synchronisation;
  EXPECT_EQ(gossip.name(), "gossip/1 recipients=5 restricted_init=false");
  EXPECT_EQ(gossip.partners(), 5U);
  EXPECT_EQ(gossip.sync_interval(), std::chrono::seconds(2));
  EXPECT_FALSE(gossip.one_begins());
  EXPECT_TRUE(gossip.passes_on());
}

TEST(Gossip, HasTheDefaultsOfProcessHub) {
  const auto made = make_strategies({.synchronisation = "gossip"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->synchronisation->name(), "gossip/1 recipients=3 restricted_init=true");
  EXPECT_EQ(made->synchronisation->sync_interval(), std::chrono::seconds(15));
}

TEST(Gossip, ZeroRecipientsAreRefusedInWords) {
  const auto fine = check_strategy("synchronisation", {"gossip", {{"recipients", std::int64_t{0}}}});
  ASSERT_FALSE(fine);
  EXPECT_EQ(fine.error().message,
            "synchronisation strategy 'gossip': setting 'recipients' must be a whole number from 1 to 100");
}

TEST(PubSub, TakesItsInterval) {
  const auto made = make_strategies(
      {.synchronisation = StrategyChoice{"pubsub", {{"sync_interval_ms", std::int64_t{500}}}}});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->synchronisation->sync_interval(), std::chrono::milliseconds(500));
  EXPECT_EQ(made->synchronisation->name(), "pubsub/1");
}

}  // namespace gossip_test
}  // namespace brood::core
