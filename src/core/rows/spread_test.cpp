// The ways of batches, on members that are only rows.
#include "core/rows/spread.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace spread_test {

struct Fixture : ::testing::Test {
  Fixture() {
    world.settings.strategies = make_strategies({.synchronisation = "gossip"}).value();
    Step s = world.step();
    for (const char* name : {"a@test", "b@test", "x@test", "y@test", "z@test"}) {
      members.push_back(peers.obtain(NodeName(name)));
      links.came_up(members.back(), 1);
      links.opened(members.back());
      sessions.begin(s, members.back(), member_of(name));
    }
  }
  Spread::Batch batch(std::uint64_t number, std::size_t changes = 0) {
    Delta delta;
    delta.number = number;
    delta.instances.resize(changes);
    return std::make_shared<const Delta>(std::move(delta));
  }
  std::vector<std::uint64_t> numbers(PeerIndex origin, std::uint64_t from) {
    std::vector<std::uint64_t> all;
    for (const auto& one : spread.kept(origin, from)) all.push_back(one->number);
    return all;
  }
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  PeerTable peers{world.settings.self};
  Links links{peers};
  Sessions sessions{world.settings, peers, outbox, notes};
  std::vector<PeerIndex> members;
  Spread spread{world.settings, links, sessions};
};
using SpreadPart = Fixture;

TEST_F(SpreadPart, PlacesAreThoseOfTheNamesWithThisNodeAmongThem) {
  EXPECT_FALSE(spread.is_first()) << "a@test and b@test come before self@test";
  std::set<PeerIndex> all;
  for (std::uint64_t number = 1; number < 40; ++number)
    for (const PeerIndex peer :
         spread.recipients(self_index, number, [](PeerIndex) { return Spread::Way::open; })) {
      EXPECT_NE(peer, self_index);
      all.insert(peer);
    }
  EXPECT_EQ(all.size(), 5U);
}

TEST_F(SpreadPart, ThoseBehindAClosedWayAreSentToInItsPlace) {
  for (std::uint64_t number = 1; number < 20; ++number) {
    std::set<PeerIndex> reached;
    const auto to = spread.recipients(self_index, number, [&](PeerIndex peer) {
      return peer == members[2] ? Spread::Way::closed : Spread::Way::open;
    });
    reached.insert(to.begin(), to.end());
    EXPECT_FALSE(reached.contains(members[2]));
    // What the others pass on reaches the rest.
    for (const PeerIndex origin : members) EXPECT_NE(origin, no_peer);
    EXPECT_GE(to.size(), 2U);
  }
}

TEST_F(SpreadPart, WhoHasTheBatchIsSkippedAndNobodyStandsInForIt) {
  const auto to = spread.recipients(self_index, 7, [](PeerIndex) { return Spread::Way::skip; });
  EXPECT_TRUE(to.empty());
}

TEST_F(SpreadPart, KeepsBatchesInARowUntilTheyAreOldOrTooMany) {
  Step s = world.step();
  for (const std::uint64_t number : {1, 2, 3, 5}) spread.keep(s, members[0], batch(number));
  EXPECT_EQ(numbers(members[0], 2), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_TRUE(numbers(members[0], 4).empty());
  EXPECT_TRUE(numbers(members[1], 1).empty());
  world.pass(batches_kept_for + 1s);
  Step later = world.step();
  spread.keep(later, members[1], batch(1));
  EXPECT_TRUE(numbers(members[0], 2).empty());
  EXPECT_EQ(spread.kept_weight(), 1U);
  for (std::uint64_t number = 2; number <= 60; ++number) spread.keep(later, members[1], batch(number, 999));
  EXPECT_LE(spread.kept_weight(), batches_weight_max);
  EXPECT_EQ(numbers(members[1], 60).size(), 1U) << "the newest stay";
  spread.forget(members[1]);
  EXPECT_EQ(spread.kept_weight(), 0U);
}

TEST_F(SpreadPart, TellsOfAnOriginForThreeRoundsAndIsQuietThen) {
  Step s = world.step();
  EXPECT_EQ(spread.deadline(), Duration::max());
  spread.moved(s, members[1]);
  EXPECT_EQ(spread.deadline(), s.time() + world.settings.spread_round);
  EXPECT_TRUE(spread.take_round(s).empty()) << "not yet";
  for (int round = 0; round < 3; ++round) {
    world.pass(world.settings.spread_round);
    Step next = world.step();
    EXPECT_EQ(spread.take_round(next), std::vector<PeerIndex>{members[1]});
  }
  world.pass(10s);
  Step last = world.step();
  EXPECT_TRUE(spread.take_round(last).empty());
  EXPECT_EQ(spread.deadline(), Duration::max());
}

TEST_F(SpreadPart, ItsPartnersAreFewAndOthersFromRoundToRound) {
  std::set<PeerIndex> all;
  for (int round = 0; round < 20; ++round) {
    Step s = world.step();
    spread.moved(s, members[0]);
    const auto some = spread.partners();
    EXPECT_LE(some.size(), 3U);
    EXPECT_EQ(std::set<PeerIndex>(some.begin(), some.end()).size(), some.size());
    all.insert(some.begin(), some.end());
    world.pass(1s);
    Step next = world.step();
    (void)spread.take_round(next);
  }
  EXPECT_EQ(all.size(), 5U);
  links.closed(members[4]);
  for (const PeerIndex peer : spread.partners()) EXPECT_NE(peer, members[4]);
}

}  // namespace spread_test
}  // namespace brood::core::testing
