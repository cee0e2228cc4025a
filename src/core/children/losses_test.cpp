// What the loss of a node means for the children it ran, and which of them it is blamed on.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace losses_test {

TEST(Loss, ATemporaryChildOfALostNodeIsNotStartedAgain) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a", "counter", Restart::temporary)}, StartMode::start, cluster.nodes[2].name);
  cluster.run(4s);
  EXPECT_EQ(cluster.host("a"), 2U);
  cluster.kill(2);
  cluster.run(2s);
  EXPECT_EQ(cluster.alive("a"), 0U);
  EXPECT_EQ(cluster.nodes[0].core->size(), 0U);
  EXPECT_EQ(cluster.nodes[1].core->size(), 0U);
}

// The coordinator may remove the row only when the node is back that had the child, and that still starts it.
TEST(Loss, ATemporaryChildThatIsPutAnewWaitsForWhoMayStartTheOldOne) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies =
        *make_strategies({.partition = StrategyChoice{"static_quorum", {{"quorum_size", std::int64_t{2}}}}});
  };
  cluster.form();
  const std::string id = cluster.id_at(1);
  const NamedSpec spec = spec_of(id, "counter", Restart::temporary, true);
  cluster.start(1, {spec}, StartMode::start, cluster.nodes[0].name);
  cluster.run(1s);
  ASSERT_EQ(cluster.host(id), 0U);
  cluster.kill(0);
  cluster.run(1s);
  ASSERT_TRUE(cluster.nodes[1].core->partition().partitioned);
  cluster.record = true;
  const auto put = cluster.start(1, {spec}, StartMode::ensure);  // it waits for the quorum
  cluster.boot(0);
  cluster.run(10s);
  EXPECT_EQ(cluster.result(put), "ok");
  EXPECT_EQ(cluster.alive(id), 1U);
  // The old row goes in one Delta, and the new one comes in another, when the other node has heard of that.
  std::vector<std::string> said;
  for (const auto& [from, body] : cluster.sent) {
    if (const auto* delta = std::get_if<Delta>(&body); delta && from == cluster.nodes[1].name) {
      for (const SpecChange& change : delta->specs) said.emplace_back(change.row ? "put" : "removed");
    } else if (std::holds_alternative<DeltaAck>(body) && !said.empty() && said.back() == "removed") {
      said.emplace_back("heard");
    }
  }
  EXPECT_EQ(said, (std::vector<std::string>{"removed", "heard", "put"}));
}

// One node has seen it end with its node; its coordinator has seen it gone before, and wants it still.
TEST(Loss, ATemporaryChildThatItsCoordinatorWantsIsNotHeldBackForEver) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(1);
  const auto spec = opened(spec_of(id, "counter", Restart::temporary));
  spec->extras.change().nodes = {cluster.nodes[0].name, cluster.nodes[2].name};
  cluster.record = true;
  cluster.start(0, {spec}, StartMode::start, cluster.nodes[2].name);
  cluster.run(4s);
  ASSERT_EQ(cluster.host(id), 2U);
  std::optional<Delta> last;
  for (const auto& [from, body] : cluster.sent)
    if (const auto* delta = std::get_if<Delta>(&body); delta && from == cluster.nodes[2].name) last = *delta;
  ASSERT_TRUE(last);
  ++last->number;
  last->specs.clear();
  last->instances = {{id_of(id), std::nullopt, {}}};
  cluster.give(1, PeerMessage{cluster.nodes[2].name, cluster.nodes[2].creation, *last});
  cluster.run();
  cluster.kill(2);
  cluster.run(20s);
  EXPECT_EQ(cluster.alive(id), 0U) << "its coordinator may be about to remove it";
  cluster.run(20s);
  EXPECT_EQ(cluster.host(id), 0U);
}

TEST(Loss, AChildThatTakesTwoNodesDownIsFailed) {
  Cluster cluster(4);
  cluster.form();
  cluster.start(0, {spec_of("a"), spec_of("b")}, StartMode::start, cluster.nodes[3].name);
  cluster.run(5s);
  for (int round = 0; round < 2; ++round) {
    const std::size_t victim = cluster.host("a");
    const Epoch epoch = cluster.nodes[victim].processes.at(id_of("a"));
    cluster.give(victim, Crashing{id_of("a"), epoch});
    cluster.run();
    cluster.kill(victim);
    cluster.run(100ms);
    EXPECT_EQ(cluster.alive("a"), 0U) << "it starts later than the others";
    EXPECT_EQ(cluster.alive("b"), 1U);
    cluster.run(5s);
  }
  EXPECT_EQ(cluster.alive("a"), 0U);
  EXPECT_EQ(cluster.alive("b"), 1U);
  for (const auto& node : cluster.nodes) {
    if (node.core) {
      EXPECT_TRUE(node.core->spec(id_of("a"))->trouble->failed);
    }
  }
}

TEST(Loss, ChildrenOfASilentNodeStartAfterTheTickTimeout) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, many(30));
  cluster.run(5s);
  cluster.pause(2);
  cluster.nodes[2].processes.clear();
  cluster.drop_channels(2, true);
  cluster.run(1s);
  expect_each_once(cluster, 0);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U);
}

/// Loses the node on which the child runs, twice, each time `after` it started there.
void lose_its_node_twice(Cluster& cluster, std::string_view id, Duration after) {
  for (int round = 0; round < 2; ++round) {
    for (int waited = 0; cluster.alive(id) == 0 && waited < 1000; ++waited) cluster.run(10ms);
    ASSERT_EQ(cluster.alive(id), 1U) << "round " << round;
    cluster.run(after);
    cluster.kill(cluster.host(id));
  }
  cluster.run(2s);
}

TEST(Loss, WhatHadJustStartedIsSuspectAndWaitsLongerEachTimeButIsNeverFailed) {
  Cluster cluster(4);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[3].name);
  cluster.run();
  for (int round = 0; round < 3; ++round) {
    const std::size_t victim = cluster.host("a");
    ASSERT_LT(victim, 4U) << "round " << round;
    cluster.kill(victim);
    const Duration pause = 500ms * (1 << round);
    cluster.run(pause - 50ms);
    EXPECT_EQ(cluster.alive("a"), 0U) << "round " << round;
    cluster.boot(victim);
    cluster.run(150ms);
    EXPECT_EQ(cluster.alive("a"), 1U) << "round " << round;
    const SpecRow* row = cluster.nodes[cluster.host("a")].core->spec(id_of("a"));
    EXPECT_EQ(row->trouble->blame.suspected, static_cast<std::uint32_t>(round + 1));
    EXPECT_NE(row->trouble->failure, "") << "it says why it waited";
  }
}

TEST(Loss, NodesThatNameAChildLongApartDoNotMakeItFailed) {
  Cluster cluster(4);
  cluster.change = [](std::size_t, Settings& settings) { settings.poison_window = 30s; };
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[3].name);
  cluster.run(5s);
  for (int round = 0; round < 2; ++round) {
    const std::size_t victim = cluster.host("a");
    cluster.give(victim, Crashing{id_of("a"), cluster.nodes[victim].processes.at(id_of("a"))});
    cluster.run();
    cluster.kill(victim);
    cluster.run(40s);
    EXPECT_EQ(cluster.alive("a"), 1U) << "round " << round;
  }
}

// Its coordinator knows of it by the obituary alone.
TEST(Loss, AChildThatTakesItsNodeDownBeforeItsStartIsKnownIsToBlame) {
  Cluster cluster(4);
  cluster.form();
  const std::string id = cluster.id_at(1);
  cluster.start(1, {spec_of(id)}, StartMode::start, cluster.nodes[3].name);
  cluster.run(5s);
  ASSERT_EQ(cluster.host(id), 3U);
  cluster.hold_starts.insert(id_of(id));
  cluster.exit(id, false);
  cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody& body) {
    return from == cluster.nodes[3].name && std::holds_alternative<Delta>(body) ? 0 : 1;
  };
  cluster.hold_starts.clear();
  cluster.run(5s);
  ASSERT_EQ(cluster.host(id), 3U) << "it has begun anew there, and nobody has heard of it";
  cluster.give(3, Crashing{id_of(id), cluster.nodes[3].processes.at(id_of(id))});
  cluster.run();
  cluster.kill(3);
  cluster.run(100ms);
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of(id))->trouble->blame.proven, 1U);
}

TEST(Loss, AnObituaryOfAnOlderInstanceBlamesNobody) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[2].name);
  cluster.run(5s);
  Epoch epoch = cluster.nodes[2].processes.at(id_of("a"));
  epoch.clock.value -= 1;
  cluster.give(2, Crashing{id_of("a"), epoch});
  cluster.run();
  cluster.kill(2);
  cluster.run(2s);
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of("a"))->trouble->blame, Blame{});
}

TEST(Loss, NodesThatAreKilledOneAfterTheOtherMakeNoSuspects) {
  Cluster cluster(4);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[3].name);
  cluster.run();
  lose_its_node_twice(cluster, "a", 600ms);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Loss, OfVeryManyThatHadJustStartedOnlySomeWait) {
  Cluster cluster(3);
  cluster.form();
  const auto most = static_cast<int>(cluster.nodes[0].core->settings().suspects_max);
  cluster.start(0, many(3 * most), StartMode::start, cluster.nodes[2].name);
  cluster.run(100ms);
  cluster.kill(2);
  cluster.run(100ms);
  std::size_t alive = 0;
  for (int i = 0; i < 3 * most; ++i) alive += cluster.alive("c" + std::to_string(i));
  EXPECT_GE(alive, static_cast<std::size_t>(most));
  cluster.run(2s);
  expect_each_once(cluster, 3 * most);
}

TEST(Loss, WhatRanWellAfterALossIsNotSuspectAnyMore) {
  Cluster cluster(4);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[3].name);
  cluster.run(100ms);
  cluster.kill(cluster.host("a"));
  cluster.run(2s);
  const Core& survivor = *cluster.nodes[0].core;
  EXPECT_EQ(survivor.spec(id_of("a"))->trouble->blame.suspected, 1U);
  cluster.run(survivor.settings().stable_after);
  EXPECT_EQ(survivor.spec(id_of("a"))->trouble->blame.suspected, 0U);
}

TEST(Loss, ADyingNodesWordIsNotForgotten) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[2].name);
  cluster.run(5s);
  cluster.give(2, Crashing{id_of("a"), cluster.nodes[2].processes.at(id_of("a"))});
  cluster.run();
  cluster.kill(2);
  cluster.run(60s);
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of("a"))->trouble->blame.proven, 1U);
}

TEST(Loss, AProgramIsNeverSuspect) {
  Cluster cluster(4);
  cluster.change = [](std::size_t, Settings& settings) { settings.offers = {"counter", "echo", "exec"}; };
  cluster.form();
  cluster.start(0, {spec_of("a", "exec")}, StartMode::start, cluster.nodes[3].name);
  cluster.run();
  lose_its_node_twice(cluster, "a", 100ms);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Loss, NobodyIsSuspectWhenANodeFallsSilent) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[2].name);
  cluster.run(100ms);
  cluster.pause(2);
  cluster.drop_channels(2, true);
  cluster.run(2s);
  EXPECT_EQ(cluster.alive("a"), 2U) << "the sleeping one, and the one that replaces it";
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of("a"))->trouble->blame, Blame{});
}

TEST(Loss, AChildThatWasPutOnANodeStaysThereWhenTheNodeIsBackBeforeTheOthersAgree) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.form_wait = 1s; };
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)}, StartMode::start, cluster.nodes[1].name);
  cluster.run(5s);
  cluster.pause(0);
  cluster.pause(2);
  cluster.kill(1);
  cluster.boot(1);
  cluster.run(2s);
  cluster.watch = [&](std::size_t, const Effects&) { EXPECT_LE(cluster.alive(id), 1U); };
  cluster.resume(0);
  cluster.resume(2);
  cluster.run(5s);
  EXPECT_EQ(cluster.alive(id), 1U);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 3U);
}

}  // namespace losses_test
}  // namespace brood::core::testing
