// Joining, views, sessions.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace members_test {

TEST(Members, ANodeWithoutSeedsIsUpAtOnce) {
  Cluster cluster(1);
  cluster.boot(0);
  EXPECT_EQ(cluster.nodes[0].core->self().state, MemberState::up);
  EXPECT_TRUE(cluster.nodes[0].core->view_confirmed());
}

TEST(Members, ANodeWhoseSeedsDoNotAnswerFormsAfterFormWait) {
  Cluster cluster(2);
  cluster.boot(0);
  cluster.run(2900ms);
  EXPECT_EQ(cluster.nodes[0].core->self().state, MemberState::joining);
  cluster.run(200ms);
  EXPECT_EQ(cluster.nodes[0].core->self().state, MemberState::up);
}

TEST(Members, WithExpectTheyFormAsSoonAsAllAreThere) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.expect = 3; };
  for (std::size_t i = 0; i < 3; ++i) cluster.boot(i);
  cluster.run(1100ms);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->up_nodes().size(), 3U);
}

TEST(Members, NoChildIsStartedBeforeMinNodesAreUpAndTheLogSaysSo) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.min_nodes = 2; };
  std::vector<std::string> log;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i != 0) return;
    for (const LogLine& line : effects.log) log.push_back(line.text);
  };
  const auto count = [&](std::string_view text) { return std::count(log.begin(), log.end(), text); };
  cluster.boot(0);
  cluster.run(10s);
  const auto client = cluster.start(0, many(1));
  cluster.run(5s);
  EXPECT_EQ(cluster.alive("c0"), 0U);
  EXPECT_EQ(cluster.nodes[0].core->partition().why, "1 node is up, and min_nodes is 2");
  EXPECT_EQ(count("no child is started: 1 node is up, and min_nodes is 2"), 1);
  cluster.boot(1);
  cluster.run(5s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive("c0"), 1U);
  EXPECT_EQ(count("2 nodes are up, as min_nodes asks for"), 1);
  // What was lost is not started either before enough are there again.
  cluster.kill(cluster.host("c0"));
  cluster.run(10s);
  EXPECT_EQ(cluster.alive("c0"), 0U);
}

TEST(Members, AllHaveTheSameConfirmedView) {
  Cluster cluster(5);
  cluster.form();
  for (const auto& node : cluster.nodes) {
    EXPECT_TRUE(node.core->view_confirmed());
    EXPECT_EQ(node.core->view_hash(), cluster.nodes[0].core->view_hash());
    EXPECT_EQ(node.core->up_nodes().size(), 5U);
  }
}

TEST(Members, KnowingOneMemberIsEnoughToKnowAll) {
  Cluster cluster(4);
  cluster.change = [](std::size_t i, Settings& settings) {
    settings.join.clear();
    if (i > 0) settings.join.push_back(NodeName("n1@test"));
  };
  for (std::size_t i = 0; i < 4; ++i) {
    cluster.boot(i);
    cluster.run(100ms);
  }
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->up_nodes().size(), 4U);
}

TEST(Members, ANodeWithAnotherFingerprintIsRefusedInWordsAndRunsNothing) {
  Cluster cluster(2);
  cluster.change = [](std::size_t i, Settings& settings) { settings.supervisor = i == 0 ? "a" : "b"; };
  cluster.boot(0);
  cluster.run(4s);
  cluster.boot(1);
  cluster.run(10s);
  EXPECT_EQ(cluster.nodes[1].core->self().state, MemberState::joining);
  EXPECT_NE(cluster.nodes[1].refused.find("supervisor"), std::string::npos);
  EXPECT_EQ(cluster.nodes[0].refused, "") << "it goes on";
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 1U);
}

TEST(Members, ANodeThatStaysOutSaysSoToItsClients) {
  Cluster cluster(2);
  cluster.change = [](std::size_t i, Settings& settings) { settings.supervisor = i == 0 ? "a" : "b"; };
  cluster.boot(0);
  cluster.run(4s);
  cluster.boot(1);
  const std::uint64_t before = cluster.start(1, {spec_of("x")});
  cluster.run(100ms);
  const std::uint64_t after = cluster.start(1, {spec_of("y")});
  cluster.run(100ms);
  EXPECT_EQ(cluster.result(before), "refused");
  EXPECT_EQ(cluster.result(after), "refused");
}

TEST(Members, OfALongSettingOnlyWhatDiffersIsSaid) {
  Cluster cluster(2);
  cluster.change = [](std::size_t i, Settings& settings) {
    settings.supervisor = i == 0 ? "replication/1 factor=2 mode=x" : "replication/1 factor=3 mode=x";
  };
  cluster.boot(0);
  cluster.run(4s);
  cluster.boot(1);
  cluster.run(100ms);
  EXPECT_EQ(
      cluster.nodes[1].refused,
      "setting `supervisor` is replication/1 factor=3 at n2@test and replication/1 factor=2 at n1@test");
}

TEST(Members, ABrokenChannelIsNoLoss) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[1].name);
  cluster.run();
  const Epoch epoch = cluster.nodes[1].processes.at(id_of("a"));
  cluster.drop_channels(1, false);
  cluster.run(1s);
  EXPECT_EQ(cluster.nodes[1].processes.at(id_of("a")), epoch);
  for (const auto& node : cluster.nodes) {
    EXPECT_TRUE(node.core->view_confirmed());
    EXPECT_EQ(node.core->up_nodes().size(), 3U);
    EXPECT_EQ(node.core->instances(id_of("a")).size(), 1U);
  }
}

TEST(Members, ARestartedNodeIsANewSessionWithoutItsOldChildren) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[1].name);
  cluster.run(5s);
  cluster.kill(1);
  cluster.boot(1);
  cluster.run(2s);
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_EQ(cluster.nodes[0].core->member(cluster.nodes[1].name)->session.creation, 2U);
}

TEST(Members, OfANodeThatIsGoneNothingIsKeptOnceItsChildrenRunElsewhere) {
  Cluster cluster(3);
  cluster.change = [](std::size_t i, Settings& settings) {
    settings.join.clear();
    if (i > 0) settings.join.push_back(NodeName("n1@test"));
  };
  cluster.form();
  cluster.start(0, many(30));
  cluster.run(1s);
  ASSERT_EQ(cluster.nodes[0].core->peers(), 3U);
  cluster.kill(2);
  cluster.run(5s);
  expect_each_once(cluster, 30);
  EXPECT_EQ(cluster.nodes[0].core->peers(), 2U);
}

TEST(Members, AHelloOfAMemberBringsWhatItSaysOfItselfByNow) {
  Cluster cluster(2);
  cluster.form();
  const auto& [name, creation] = std::pair(cluster.nodes[1].name, cluster.nodes[1].creation);
  Hello hello;
  hello.sender = cluster.nodes[1].core->self();
  hello.receiver = cluster.nodes[0].core->self().session;
  ++hello.sender.version;
  hello.sender.weight = 250;
  cluster.give(0, PeerMessage{name, creation, hello});
  cluster.run();
  EXPECT_EQ(cluster.nodes[0].core->member(name)->weight, 250U);
  --hello.sender.version;  // one that has been on its way for longer
  hello.sender.weight = 100;
  cluster.give(0, PeerMessage{name, creation, hello});
  cluster.run();
  EXPECT_EQ(cluster.nodes[0].core->member(name)->weight, 250U);
}

TEST(Members, AnUnreachableNodeIsDownAfterTheTickTimeoutOnly) {
  Cluster cluster(3);
  cluster.form();
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[2].name},
                         {cluster.nodes[1].name, cluster.nodes[2].name}};
  cluster.drop_channels(2, false);
  cluster.run(7s);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 3U);
  cluster.run(2s);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 2U);
}

TEST(Members, BothSidesOfAHealedSplitMeetAgainAndKeepOneOfEachChild) {
  Cluster cluster(4);
  cluster.form();
  std::vector<NamedSpec> specs;
  for (int i = 0; i < 40; ++i) specs.push_back(spec_of("c" + std::to_string(i)));
  cluster.start(0, specs);
  cluster.run(5s);
  for (std::size_t a : {0, 1})
    for (std::size_t b : {2, 3}) cluster.unreachable.insert({cluster.nodes[a].name, cluster.nodes[b].name});
  cluster.drop_channels(2, false);
  cluster.drop_channels(3, false);
  cluster.run(12s);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 2U);
  EXPECT_EQ(cluster.nodes[3].core->up_nodes().size(), 2U);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 2U) << "each side keeps one";
  const auto stopped = cluster.stop(0, "c7");
  cluster.run();
  EXPECT_EQ(cluster.result(stopped), "ok");
  cluster.unreachable.clear();
  cluster.run(40s);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->up_nodes().size(), 4U);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), i == 7 ? 0U : 1U) << i;
}

// It may run what nobody has heard of before its own table has come.
TEST(Members, TheWordOfOneThatJoinsIsWaitedForFromTheLastPortionOfItsTableOn) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.table_portion = 5; };
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(60));
  cluster.run(2s);
  const NodeName joiner = cluster.nodes[2].name;
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    if (from == joiner && std::holds_alternative<View>(body)) return 0;
    // So it goes on to join.
    return from == cluster.nodes[1].name && to == joiner && std::holds_alternative<Sync>(body) ? 0 : 1;
  };
  bool whole = false;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Send& send : effects.sends) {
      const auto* portion = std::get_if<Sync>(&send.body);
      whole = whole || (i == 0 && portion && portion->last);
    }
  };
  cluster.boot(2);
  ASSERT_TRUE(whole);
  ASSERT_EQ(cluster.nodes[2].core->self().state, MemberState::joining);
  EXPECT_FALSE(cluster.nodes[0].core->view_confirmed());
  cluster.copies = {};
  cluster.drop_channels(2, false);
  cluster.run(5s);
  EXPECT_TRUE(cluster.nodes[0].core->view_confirmed());
  expect_each_once(cluster, 60);
}

TEST(Rows, WhatOnlyOneSurvivorHoldsOfALostNodeIsPassedOnBeforeTheViewIsConfirmed) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(2);
  // The Delta of n3 reaches n1, and n3 dies before it reaches n2.
  const auto now = cluster.now;
  (void)cluster.nodes[2].core->step(ClientStart{{77}, StartMode::start, {}, {spec_of(id)}}, now);
  auto later = now;
  for (Duration* time : {&later.monotonic, &later.boot, &later.wall}) *time += 1ms;
  const Effects effects = cluster.nodes[2].core->step(Tick{}, later);
  for (const Send& send : effects.sends)
    if (std::holds_alternative<Delta>(send.body))
      cluster.give(0, PeerMessage{cluster.nodes[2].name, cluster.nodes[2].creation, send.body});
  cluster.run();
  EXPECT_EQ(cluster.nodes[1].core->spec(id_of(id)), nullptr);
  cluster.kill(2);
  cluster.run();
  EXPECT_NE(cluster.nodes[1].core->spec(id_of(id)), nullptr);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive(id), 1U);
}

TEST(Members, TwoThatJoinThroughOneAtTheSameTimeMeet) {
  Cluster cluster(3);
  cluster.change = [](std::size_t i, Settings& settings) {
    settings.join =
        i == 1 ? std::vector{NodeName("n1@test"), NodeName("n3@test")} : std::vector{NodeName("n2@test")};
  };
  cluster.boot(0);
  cluster.boot(2);
  cluster.batched = {2};  // n3 has the first Hello of n2 before it says its own
  cluster.boot(1);        // meets both in one moment
  cluster.run(1s);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->members().size(), 3U);
}

/// How often each node says a message of that kind to each other, in the mean, when so many boot together.
template <typename Message>
double said_at_boot(std::size_t nodes) {
  Cluster cluster(nodes);
  cluster.change = [&](std::size_t i, Settings& settings) {
    settings.expect = static_cast<std::uint32_t>(nodes);
    settings.join = {NodeName(i == 0 ? "n2@test" : "n1@test")};
  };
  std::size_t count = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const Send& send : effects.sends)
      if (std::holds_alternative<Message>(send.body)) count += send.to.size();
  };
  for (std::size_t i = 0; i < nodes; ++i) cluster.boot(i);
  cluster.run(5s);
  for (const auto& node : cluster.nodes) {
    EXPECT_EQ(node.core->up_nodes().size(), nodes);
    EXPECT_TRUE(node.core->view_confirmed());
    EXPECT_EQ(node.core->view_hash(), cluster.nodes.front().core->view_hash());
  }
  return static_cast<double>(count) / static_cast<double>(nodes * (nodes - 1));
}

TEST(Members, OfManyThatBootTogetherEachSaysHelloToEachOtherTwice) {
  EXPECT_LE(said_at_boot<Hello>(10), 2.5);
  EXPECT_LE(said_at_boot<Hello>(40), 2.5);
}

TEST(Members, ManyThatBootTogetherDoNotSayAViewForEachOfThem) {
  EXPECT_LE(said_at_boot<View>(40), 10);
  EXPECT_LE(said_at_boot<View>(80), 10);
}

// Both nodes come up in one moment, the second a little before it would form by itself: that time passes
// while it holds the view of both back.
TEST(Members, TheTimeToFormMayPassWhileAViewIsHeldBack) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.expect = 9;
    settings.views_free = 0;
  };
  cluster.boot(0);
  cluster.run(100us);
  cluster.boot(1);
  cluster.run(5s);
  cluster.start(1, {spec_of("a")});
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Members, OneThatMeetsSomebodyNowAndThenWaitsForAll) {
  Cluster cluster(5);
  const auto name = [&](std::size_t i) { return cluster.nodes[i].name; };
  for (const std::size_t i : {1U, 2U, 3U}) cluster.unreachable.insert({name(i), name(4)});
  for (std::size_t i = 0; i < 4; ++i) cluster.boot(i);
  cluster.run(5s);
  cluster.boot(4);
  for (const std::size_t i : {1U, 2U, 3U}) {
    cluster.run(6s);
    EXPECT_EQ(cluster.nodes[4].core->self().state, MemberState::joining);
    EXPECT_TRUE(cluster.nodes[4].core->self().unreached.empty());
    cluster.unreachable.erase({name(i), name(4)});
  }
  cluster.run(2s);
  EXPECT_EQ(cluster.nodes[4].core->up_nodes().size(), 5U);
  EXPECT_EQ(cluster.nodes[4].core->self().state, MemberState::up);
}

TEST(Members, AMemberThatOthersKnowIsWaitedForThoughItsHelloIsLate) {
  Cluster cluster(3);
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[2].name}};
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(5s);
  cluster.boot(2);
  cluster.run(100ms);
  cluster.give(2, PeerUp{cluster.nodes[0].name, 1});  // and n1 is too busy to say anything
  cluster.run(4s);
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::joining);
  cluster.run(8s);
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::up);
}

TEST(Members, ASeedThatFailedOnceIsWaitedForOnceAChannelToItStands) {
  Cluster cluster(2);
  cluster.boot(0);
  cluster.run(2900ms);
  cluster.give(0, PeerUp{cluster.nodes[1].name, 1});  // and n2 is too busy to say anything
  cluster.run(500ms);
  EXPECT_EQ(cluster.nodes[0].core->self().state, MemberState::joining) << "form_wait is over";
  cluster.run(1s);
  EXPECT_EQ(cluster.nodes[0].core->self().state, MemberState::up);
}

// A node came and went, and the view is as it was before. What n2 said of it then is no word for now: n2 acts
// in the view with that node still.
TEST(Members, AnOldWordOnAViewThatIsBackDoesNotConfirmIt) {
  Cluster cluster(3);
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(5s);
  const std::uint64_t before = cluster.nodes[0].core->view_hash();
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    return from == cluster.nodes[1].name && to == cluster.nodes[0].name && std::holds_alternative<View>(body)
               ? 0
               : 1;
  };
  cluster.boot(2);
  cluster.run(1s);
  ASSERT_NE(cluster.nodes[0].core->view_hash(), before);
  cluster.copies = {};
  cluster.pause(1);
  cluster.kill(2);
  cluster.run(100ms);
  EXPECT_EQ(cluster.nodes[0].core->view_hash(), before);
  EXPECT_FALSE(cluster.nodes[0].core->view_confirmed());
  cluster.resume(1);
  cluster.run(100ms);
  for (const std::size_t i : {0U, 1U}) EXPECT_TRUE(cluster.nodes[i].core->view_confirmed()) << i;
}

// A View stands for all that its node did before it.
TEST(Members, AWordThatComesBehindAChangeThatIsMissingCountsOnceThatIsHere) {
  Cluster cluster(3);
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(5s);
  const auto mine = [&](int number) {
    for (;; ++number)
      if (cluster.nodes[0].core->node_for(id_of("k" + std::to_string(number))) == cluster.nodes[1].name)
        return number;
  };
  const int first = mine(0), second = mine(first + 1);
  bool is_lost = false;
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    if (from != cluster.nodes[1].name || to != cluster.nodes[0].name) return 1;
    if (std::holds_alternative<Sync>(body)) return 0;
    return std::holds_alternative<Delta>(body) && !std::exchange(is_lost, true) ? 0 : 1;
  };
  cluster.start(1, {spec_of("k" + std::to_string(first))});
  cluster.run();
  ASSERT_TRUE(is_lost);
  cluster.start(1, {spec_of("k" + std::to_string(second))});
  cluster.run();
  EXPECT_TRUE(cluster.nodes[0].core->view_confirmed()) << "by what was said before";
  cluster.boot(2);
  cluster.run(1s);
  EXPECT_TRUE(cluster.nodes[1].core->view_confirmed());
  EXPECT_FALSE(cluster.nodes[0].core->view_confirmed());
  cluster.copies = {};
  cluster.drop_channels(1, false);
  cluster.run(2s);
  EXPECT_TRUE(cluster.nodes[0].core->view_confirmed());
}

/// n3 joins and cannot reach n1, which then writes a row that n2 has. Returns its id.
std::string join_without_meeting(Cluster& cluster) {
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[2].name}};
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(5s);
  cluster.boot(2);
  cluster.run(1s);
  const Core& writer = *cluster.nodes[0].core;
  std::string id = "a";
  while (writer.node_for(id_of(id)) != cluster.nodes[0].name) id += "a";
  cluster.start(0, {spec_of(id)});
  cluster.run(6s);  // the view waits for n3
  EXPECT_NE(cluster.nodes[1].core->spec(id_of(id)), nullptr);
  EXPECT_EQ(cluster.nodes[2].core->spec(id_of(id)), nullptr);
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::joining);
  return id;
}

TEST(Members, OneThatGoesOnWithoutAMemberItNeverMetHasTheRowsOfThatMember) {
  Cluster cluster(3);
  const std::string id = join_without_meeting(cluster);
  cluster.run(3s);
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::up);
  EXPECT_NE(cluster.nodes[2].core->spec(id_of(id)), nullptr);
}

TEST(Members, OneThatJoinsWhenAMemberDiesThatItNeverMetHasTheRowsOfThatMember) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.suspect_window = 0s; };  // nobody is blamed
  const std::string id = join_without_meeting(cluster);
  cluster.watch = [&](std::size_t i, const Effects&) {
    const Core& core = *cluster.nodes[i].core;
    EXPECT_TRUE(core.self().state != MemberState::up || core.spec(id_of(id)));
  };
  cluster.exit(id, false);  // with what follows n1 says that all it knows hold the row
  cluster.run(100ms);
  cluster.kill(0);
  cluster.run(3s);
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::up);
}

TEST(Members, OneThatJoinsWhenAMemberDiesBeforeItsSyncCameHasTheRowsOfThatMember) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.suspect_window = 0s; };  // nobody is blamed
  const std::string id = join_without_meeting(cluster);
  const NodeName& lost = cluster.nodes[0].name;
  cluster.exit(id, false);  // with what follows n1 says that all it knows hold the row
  cluster.run(100ms);
  Hello hello;
  hello.sender = cluster.nodes[0].core->self();
  hello.receiver.node = cluster.nodes[2].name;
  hello.fresh = true;
  cluster.give(2, PeerUp{lost, 1});
  cluster.give(2, PeerMessage{lost, 1, hello});
  cluster.run();
  ASSERT_NE(cluster.nodes[2].core->member(lost), nullptr);
  cluster.watch = [&](std::size_t i, const Effects&) {
    const Core& core = *cluster.nodes[i].core;
    EXPECT_TRUE(core.self().state != MemberState::up || core.spec(id_of(id)));
  };
  cluster.nodes[0].core.reset();
  cluster.give(2, PeerDown{lost, false, "test"});
  cluster.run();
  EXPECT_EQ(cluster.nodes[2].core->self().state, MemberState::up);
}

TEST(Members, OneThatSleptWhileItJoinedDoesNotFormAlone) {
  Cluster cluster(2);
  cluster.boot(0);
  cluster.run(1s);
  cluster.pause(0);
  cluster.boot(1);
  cluster.run(5s);
  ASSERT_EQ(cluster.nodes[1].core->up_nodes().size(), 1U);
  cluster.watch = [&](std::size_t i, const Effects&) {
    EXPECT_NE(cluster.nodes[i].core->up_nodes(), std::vector{cluster.nodes[0].name});
  };
  cluster.resume(0);
  cluster.run(2s);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 2U);
}

}  // namespace members_test
}  // namespace brood::core::testing
