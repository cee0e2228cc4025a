#include "core/members/fence.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace fence_test {

struct Fixture : ::testing::Test {
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  FakeSender sender;
  PeerTable peers{world.settings.self};
  Links links{peers};
  Sessions sessions{world.settings, peers, outbox, notes};
  Fence fence{links, sessions, sender, notes};

  PeerIndex join(const std::string& name) {
    const PeerIndex peer = peers.obtain(NodeName(name));
    Step s = world.step();
    links.came_up(peer, 1);
    links.opened(peer);
    sessions.begin(s, peer, member_of(name));
    fence.began(s, peer);
    return peer;
  }
  std::uint64_t asked() {
    for (auto at = sender.sent.rbegin(); at != sender.sent.rend(); ++at)
      if (const auto* probe = std::get_if<Probe>(&at->second)) return probe->nonce;
    return 0;
  }
};
using FencePart = Fixture;

TEST_F(FencePart, OpensOnlyWhenEveryMemberHasAnsweredTheNewestQuestion) {
  const PeerIndex a = join("a@test");
  const PeerIndex b = join("b@test");
  Step s = world.step();
  fence.boot(s);
  fence.close(s, "test");
  EXPECT_TRUE(fence.is_fenced());
  EXPECT_EQ(s.effects.fence, true);
  EXPECT_EQ(sender.count<Probe>(), 2U);
  const std::uint64_t nonce = asked();
  EXPECT_FALSE(fence.on_answer(a, ProbeAck{nonce - 1, false}));
  EXPECT_TRUE(fence.waits_for(a)) << "an answer to an older question says nothing";
  EXPECT_FALSE(fence.on_answer(a, ProbeAck{nonce, false}));
  EXPECT_FALSE(fence.may_open(false));
  EXPECT_FALSE(fence.on_answer(b, ProbeAck{nonce, false}));
  EXPECT_FALSE(fence.may_open(true)) << "it rejoins, and is held";
  EXPECT_TRUE(fence.may_open(false));
  fence.open(s);
  EXPECT_FALSE(fence.is_fenced());
  EXPECT_FALSE(fence.may_open(false));
  EXPECT_EQ(notes.count("unfenced"), 1U);
}

TEST_F(FencePart, SilenceOfAllClosesItAndBusinessOfItsOwnDoesNot) {
  join("a@test");
  Step s = world.step();
  fence.boot(s);
  world.pass(world.settings.tick_timeout * 3 / 4);
  Step busy = world.step();
  fence.was_busy(busy);
  fence.on_time(busy);
  EXPECT_FALSE(fence.is_fenced());
  world.pass(world.settings.tick_timeout * 3 / 4);
  Step silent = world.step();
  fence.on_time(silent);
  EXPECT_TRUE(fence.is_fenced());
}

TEST_F(FencePart, AMemberThatHadDeclaredThisNodeDownSaysSo) {
  const PeerIndex a = join("a@test");
  Step s = world.step();
  fence.close(s, "test");
  EXPECT_TRUE(fence.on_answer(a, ProbeAck{asked(), true}));
}

TEST_F(FencePart, AloneItDoesNotClose) {
  Step s = world.step();
  fence.boot(s);
  world.pass(1h);
  Step later = world.step();
  fence.on_time(later);
  EXPECT_FALSE(fence.is_fenced());
}

}  // namespace fence_test
}  // namespace brood::core::testing
