#include "core/members/sessions.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace sessions_test {

struct Fixture : ::testing::Test {
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  PeerTable peers{world.settings.self};
  Sessions sessions{world.settings, peers, outbox, notes};
};
using SessionsPart = Fixture;

TEST_F(SessionsPart, ASessionThatIsOverStaysOverAndALaterOneIsNot) {
  const PeerIndex peer = peers.obtain(NodeName("b@test"));
  Step s = world.step();
  sessions.begin(s, peer, member_of("b@test"));
  EXPECT_EQ(sessions.others(), std::vector<PeerIndex>{peer});
  sessions.end(s, peer, Loss{{}, Ending::died, {}, {}, false, {}}, "test");
  EXPECT_EQ(sessions.member(peer), nullptr);
  EXPECT_TRUE(sessions.is_over(session_of("b@test")));
  EXPECT_FALSE(sessions.is_over(session_of("b@test", 2)));
  EXPECT_EQ(notes.count(fmt::format("ended {} 1", peer)), 1U);
}

TEST_F(SessionsPart, ANodeThatWasLostIsKnownUntilItIsForgottenAndOneThatLeftIsNot) {
  world.settings.forget_after = 1h;
  Step s = world.step();
  for (const auto& [name, how] :
       {std::pair("lost@test", Ending::silent), std::pair("left@test", Ending::left)}) {
    const PeerIndex peer = peers.obtain(NodeName(name));
    sessions.begin(s, peer, member_of(name));
    EXPECT_EQ(sessions.known(), how == Ending::silent ? 2U : 3U);
    sessions.end(s, peer, Loss{{}, how, {}, {}, false, {}}, "test");
  }
  EXPECT_EQ(sessions.known(), 2U) << "a quorum counts the lost one";
  world.pass(2h);
  Step later = world.step();
  sessions.on_time(later);
  EXPECT_EQ(sessions.known(), 1U);
  EXPECT_FALSE(sessions.is_over(session_of("lost@test")));
  EXPECT_EQ(sessions.deadline(), Duration::max());
}

// Who confirmed the view of before has not confirmed the one that is as it: it may have acted in between.
TEST_F(SessionsPart, WhatIsAgainAsItWasIsAnotherView) {
  Step s = world.step();
  std::set<std::uint64_t> seen;
  const auto is_new = [&] { return seen.insert(sessions.hash_of(self_index)).second; };
  sessions.set_state(s, MemberState::up, "");
  EXPECT_TRUE(is_new());
  for (int round = 0; round < 2; ++round) {
    sessions.set_state(s, MemberState::draining, "");
    EXPECT_TRUE(is_new());
    sessions.set_state(s, MemberState::up, "");
    EXPECT_TRUE(is_new());
    for (const std::uint32_t weight : {50U, 100U}) {
      sessions.set_offers(s, {"a"}, weight);
      EXPECT_TRUE(is_new());
    }
    sessions.set_offers(s, {"a"}, 100);
    EXPECT_FALSE(is_new()) << "nothing has changed";
  }
}

TEST_F(SessionsPart, AnOlderRowOfAMemberChangesNothing) {
  const PeerIndex peer = peers.obtain(NodeName("b@test"));
  Step s = world.step();
  Member row = member_of("b@test");
  row.version = 5;
  row.weight = 50;
  sessions.begin(s, peer, row);
  const std::uint64_t hash = sessions.hash_of(peer);
  row.version = 4;
  row.weight = 70;
  sessions.update(s, peer, row);
  EXPECT_EQ(sessions.hash_of(peer), hash);
  row.version = 6;
  sessions.update(s, peer, row);
  EXPECT_NE(sessions.hash_of(peer), hash) << "placement depends on the weight";
}

// Whoever shows the members, this node's own row among them, goes by what is told of them.
TEST_F(SessionsPart, ANewSessionInWhichThisNodeGoesOnIsToldAsSuch) {
  Step s = world.step();
  sessions.set_state(s, MemberState::up, "joined");
  sessions.end_own(s, true, "another had declared this node down");
  ASSERT_EQ(world.effects.members.size(), 3U);
  EXPECT_EQ(world.effects.members[1].state, MemberState::down);
  EXPECT_EQ(world.effects.members[2].state, MemberState::up);
  EXPECT_EQ(world.effects.members[2].session, sessions.self().session);
  sessions.end_own(s, false, "it slept");
  EXPECT_EQ(world.effects.members.back().state, MemberState::down) << "it has to join first";
}

TEST_F(SessionsPart, TheFingerprintNamesEveryStrategy) {
  for (const char* key :
       {"distribution", "redundancy", "migration", "synchronisation", "partition", "supervisor"})
    EXPECT_EQ(sessions.self().fingerprint.count(key), 1U) << key;
}

}  // namespace sessions_test
}  // namespace brood::core::testing
