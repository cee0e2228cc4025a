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

TEST_F(LinksPart, AChannelInThePlaceOfAnOpenOneIsNotOpen) {
  const PeerIndex a = peers.obtain(NodeName("a@test"));
  links.came_up(a, 7);
  links.opened(a);
  ASSERT_TRUE(links[a].open);
  links.came_up(a, 7);
  EXPECT_TRUE(links[a].channel);
  EXPECT_FALSE(links[a].open);
  EXPECT_EQ(links.with_channel(), std::vector{a}) << "once";
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

HandoverWord commit_of(std::uint64_t attempt) {
  return Commit{ChildId::binary("a").value(), {}, attempt};
}
HandoverWord offer_of(std::size_t bytes) {
  Offer offer;
  offer.parcel = Bytes(bytes, 'x');
  return offer;
}

/// What was sent: of lists their words (a commit's attempt), of all else its kind.
std::vector<std::string> said(const Effects& effects) {
  std::vector<std::string> all;
  for (const Send& send : effects.sends) {
    std::string line = send.to.front().text().substr(0, 1);
    if (const auto* handovers = std::get_if<Handovers>(&send.body))
      for (const HandoverWord& word : handovers->words)
        line += fmt::format(" {}", std::get<Commit>(word).attempt);
    else
      line += fmt::format(" kind {}", send.body.index());
    all.push_back(std::move(line));
  }
  return all;
}

TEST_F(LinksPart, WordsOnHandoversToOnePeerAreOneMessageAndNothingOvertakesThem) {
  const PeerIndex a = peers.obtain(NodeName("a@test"));
  const PeerIndex b = peers.obtain(NodeName("b@test"));
  links.came_up(a, 1);
  links.came_up(b, 1);
  links.say(a, commit_of(1));
  links.say(b, commit_of(2));
  links.say(a, commit_of(3));
  links.send(a, DeltaAck{1}, Rank::acks);  // leaves before all of them as it is
  links.say(a, commit_of(4));
  links.send({a, b}, Goodbye{});
  links.say(a, commit_of(5));
  links.say(a, commit_of(6));
  Step s = world.step();
  links.flush(s);
  const std::string ack = fmt::format("a kind {}", MessageBody(DeltaAck{}).index());
  const std::string bye = fmt::format("a kind {}", MessageBody(Goodbye{}).index());
  EXPECT_EQ(said(s.effects), (std::vector<std::string>{ack, "a 1 3 4", "b 2", bye, "a 5 6"}));

  links.say(a, commit_of(7));
  Step next = world.step();
  links.flush(next);
  EXPECT_EQ(said(next.effects), std::vector<std::string>{"a 7"}) << "a list is of one step";
}

TEST_F(LinksPart, AListOfWordsIsBoundedByTheirNumberAndTheirParcels) {
  const PeerIndex a = peers.obtain(NodeName("a@test"));
  links.came_up(a, 1);
  const auto sizes = [&] {
    std::vector<std::size_t> all;
    Step s = world.step();
    links.flush(s);
    for (const Send& send : s.effects.sends) all.push_back(std::get<Handovers>(send.body).words.size());
    return all;
  };
  for (std::size_t i = 0; i < 2 * Handovers::words_max + 1; ++i) links.say(a, commit_of(i));
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{Handovers::words_max, Handovers::words_max, 1}));

  for (const std::size_t bytes : {std::size_t{1}, Handovers::parcels_full, std::size_t{2}, std::size_t{3}})
    links.say(a, offer_of(bytes));
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{2, 2}));
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
