#include "core/members/links.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace links_test {

struct Fixture : ::testing::Test {
  World world;
  PeerTable peers{world.settings.self};
  Links links{peers};
};
using LinksPart = Fixture;

TEST_F(LinksPart, DialsWhenTheTimeHasComeAndOnlyWhoHasNoChannel) {
  const PeerIndex a = peers.obtain(NodeName("a@test"));
  const PeerIndex b = peers.obtain(NodeName("b@test"));
  links.dial_at(a, world.now.monotonic + 1s);
  links.dial_at(b, world.now.monotonic + 1s);
  EXPECT_EQ(links.deadline(), world.now.monotonic + 1s);
  links.came_up(b, 7);
  world.pass(1s);
  Step s = world.step();
  links.on_time(s);
  ASSERT_EQ(s.effects.connects.size(), 1U);
  EXPECT_EQ(s.effects.connects[0].node, NodeName("a@test"));
  EXPECT_EQ(links.deadline(), Duration::max());
  EXPECT_TRUE(links[a].connecting);
}

TEST_F(LinksPart, WhatIsSaidInOneStepLeavesByRankAndInOrderWithinIt) {
  const PeerIndex a = peers.obtain(NodeName("a@test"));
  links.came_up(a, 1);
  links.send(a, Answer{});
  links.send(a, View{1}, Rank::view);
  links.send(a, DeltaAck{1}, Rank::acks);
  links.send(a, Delta{}, Rank::rows);
  links.send(a, Hello{}, Rank::hello);
  links.send(a, Goodbye{});
  Step s = world.step();
  links.flush(s);
  std::vector<std::size_t> kinds;
  for (const Send& send : s.effects.sends) kinds.push_back(send.body.index());
  const std::vector<std::size_t> wanted = {MessageBody(Hello{}).index(),    MessageBody(Delta{}).index(),
                                           MessageBody(DeltaAck{}).index(), MessageBody(View{}).index(),
                                           MessageBody(Answer{}).index(),   MessageBody(Goodbye{}).index()};
  EXPECT_EQ(kinds, wanted);
}

TEST_F(LinksPart, WhatIsForAChannelThatIsGoneIsDropped) {
  const PeerIndex a = peers.obtain(NodeName("a@test"));
  links.came_up(a, 1);
  links.send(a, Goodbye{});
  links.went_down(a);
  Step s = world.step();
  links.flush(s);
  EXPECT_TRUE(s.effects.sends.empty());
  EXPECT_TRUE(links[a].idle());
}

}  // namespace links_test
}  // namespace brood::core::testing
