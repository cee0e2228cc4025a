#include "core/members/fence.hpp"

#include "core/parts_testing.hpp"
#include "core/testing.hpp"

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

// ---- in a cluster ----------------------------------------------------------------------------------------

TEST(Fence, ANodeThatSleptHoldsItsChildrenBackUntilTheOthersAnswered) {
  Cluster cluster(3);
  cluster.form();
  cluster.pause(1);
  cluster.set_time(cluster.now.monotonic + 5s);
  cluster.nodes[1].paused = false;
  cluster.nodes[1].slept = 5s;
  bool was_fenced = false;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i == 1 && effects.fence) was_fenced = was_fenced || *effects.fence;
  };
  cluster.give(1, Tick{});
  cluster.run();
  EXPECT_TRUE(was_fenced);
  EXPECT_FALSE(cluster.nodes[1].core->fenced());
}

TEST(Fence, OneThatBeginsAnewWhileANodeIsFencedIsWaitedForToo) {
  Cluster cluster(3);
  cluster.form();
  std::set<NodeName> silent{cluster.nodes[1].name, cluster.nodes[2].name};
  cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody& body) {
    return silent.contains(from) && std::holds_alternative<ProbeAck>(body) ? 0 : 1;
  };
  cluster.nodes[0].slept = 5s;
  cluster.give(0, Tick{});
  cluster.run();
  ASSERT_TRUE(cluster.nodes[0].core->fenced());
  cluster.kill(1);
  cluster.boot(1);
  cluster.run(1s);
  ASSERT_EQ(cluster.nodes[0].core->member(cluster.nodes[1].name)->session.creation, 2U);
  silent.erase(cluster.nodes[2].name);
  cluster.run(1s);
  EXPECT_TRUE(cluster.nodes[0].core->fenced()) << "the one that began anew has not answered";
  silent.clear();
  cluster.run(1s);
  EXPECT_FALSE(cluster.nodes[0].core->fenced());
}

TEST(Fence, ANodeWhoseStepTookLongHasNotSlept) {
  Cluster cluster(3);
  cluster.form();
  cluster.pause(1);
  cluster.set_time(cluster.now.monotonic + 20s);
  cluster.nodes[1].paused = false;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i == 1) {
      EXPECT_FALSE(effects.fence.has_value());
    }
  };
  cluster.give(1, Tick{});
  cluster.run();
}

TEST(Fence, AWokenNodeGivesUpWhatRunsElsewhereBeforeItGoesOn) {
  Cluster cluster(3);
  cluster.form();
  std::vector<NamedSpec> specs;
  for (int i = 0; i < 30; ++i) specs.push_back(spec_of("c" + std::to_string(i)));
  cluster.start(0, specs);
  cluster.run(5s);
  ASSERT_FALSE(cluster.nodes[2].processes.empty());
  cluster.pause(2);
  cluster.drop_channels(2, true);
  cluster.run(10s);
  for (const auto& [id, epoch] : cluster.nodes[2].processes)
    EXPECT_EQ(cluster.alive(id.text()), 2U) << "the sleeping one, and the one that replaces it";
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i != 2 || !effects.fence || *effects.fence) return;
    for (const auto& [id, epoch] : cluster.nodes[2].processes) EXPECT_EQ(cluster.alive(id.text()), 1U);
  };
  cluster.resume(2);
  cluster.run(5s);
  EXPECT_FALSE(cluster.nodes[2].fenced);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 3U);
}

TEST(Fence, AWokenNodeWaitsForTheNodesItKnewAndForNoClient) {
  Cluster cluster(3);
  cluster.form();
  cluster.pause(2);
  cluster.drop_channels(2, true);
  cluster.run(10s);
  cluster.unreachable.insert({cluster.nodes[2].name, cluster.nodes[1].name});
  cluster.resume(2);
  const NodeName client("brood-cli-1@here"), peer("erlang@here");
  cluster.unreachable.insert({cluster.nodes[2].name, client});
  cluster.give(2, PeerUp{client, 7});
  cluster.give(2, PeerUp{peer, 8});
  cluster.run(100ms);
  cluster.give(2, PeerDown{client, false, ""});
  cluster.run(1500ms);
  EXPECT_TRUE(cluster.nodes[2].fenced) << "one that it knew may run what it has run";
  cluster.unreachable.erase({cluster.nodes[2].name, cluster.nodes[1].name});
  cluster.run(1500ms);
  EXPECT_FALSE(cluster.nodes[2].fenced)
      << "a client that has gone, and a node of something else, say no Hello";
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 3U);
}

TEST(Fence, AWokenNodeWaitsForAHandlerThatReturnsLate) {
  Cluster cluster(3);
  cluster.form();
  const ChildId id = id_of("a");
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[2].name);
  cluster.run(5s);
  const Epoch epoch = cluster.nodes[2].processes.at(id);
  cluster.give(2, StuckChanged{id, epoch, true});
  cluster.pause(2);
  cluster.drop_channels(2, true);
  cluster.run(10s);
  ASSERT_EQ(cluster.alive("a"), 2U);
  cluster.hold_stops.insert(id);
  cluster.resume(2);
  cluster.run(15900ms);
  EXPECT_TRUE(cluster.nodes[2].fenced);
  cluster.give(2, StuckChanged{id, epoch, false});
  cluster.run(1s);
  EXPECT_TRUE(cluster.nodes[2].fenced);
  cluster.nodes[2].processes.erase(id);
  cluster.give(2, Exited{id, epoch, true, "shutdown"});
  cluster.run(1s);
  EXPECT_FALSE(cluster.nodes[2].fenced);
}

TEST(Fence, AWokenNodeWaitsForTheEndOfWhatHadBeenToldToEnd) {
  Cluster cluster(3);
  cluster.form();
  const ChildId id = id_of("a");
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[2].name);
  cluster.run(5s);
  const Epoch epoch = cluster.nodes[2].processes.at(id);
  cluster.pause(2);
  cluster.drop_channels(2, true);
  cluster.run(10s);
  cluster.stop(0, "a");
  cluster.run(5s);
  ASSERT_EQ(cluster.alive("a"), 1U) << "that of the sleeping node";
  cluster.hold_stops.insert(id);
  bool killed = false;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Stop& stop : effects.stops)
      killed = killed || (i == 2 && stop.id == id && stop.shutdown.patience == 0ms);
  };
  cluster.resume(2);
  cluster.run(5s);
  EXPECT_TRUE(killed) << "behind the fence it cannot end in good order";
  EXPECT_TRUE(cluster.nodes[2].fenced) << "the stop was answered: its handlers must not run again";
  cluster.nodes[2].processes.erase(id);
  cluster.give(2, Exited{id, epoch, false, "killed"});
  cluster.run(1s);
  EXPECT_FALSE(cluster.nodes[2].fenced);
  EXPECT_EQ(cluster.alive("a"), 0U);
}

TEST(Fence, ALoneNodeIsNeverFenced) {
  Cluster cluster(1);
  cluster.form();
  cluster.set_time(cluster.now.monotonic + 60s);
  cluster.give(0, Tick{});
  cluster.run();
  EXPECT_FALSE(cluster.nodes[0].core->fenced());
}

}  // namespace fence_test
}  // namespace brood::core::testing
