// Rules 1 to 4 and 6, one by one.
#include <gtest/gtest.h>

#include "core/base/hlc.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace reconciler_test {

TEST(Reconcile, ChildrenOfALostNodeStartElsewhere) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, many(300));
  cluster.run(4s);
  cluster.kill(2);
  cluster.run(1s);
  expect_each_once(cluster, 300);
  EXPECT_TRUE(cluster.nodes[0].core->view_confirmed());
}

TEST(Reconcile, OnlyChildrenThatBelongToANewNodeMoveToItAndNeverRunTwice) {
  Cluster cluster(3);
  cluster.boot(0);
  cluster.run(4s);
  cluster.boot(1);
  cluster.run(1s);
  cluster.start(0, many(300));
  cluster.run(1s);
  std::map<ChildId, std::size_t> before;
  for (int i = 0; i < 300; ++i)
    before[id_of("c" + std::to_string(i))] = cluster.host("c" + std::to_string(i));
  cluster.watch = [&](std::size_t, const Effects&) {
    for (int i = 0; i < 300; ++i) ASSERT_LE(cluster.alive("c" + std::to_string(i)), 1U);
  };
  cluster.boot(2);
  cluster.run(1s);
  expect_each_once(cluster, 300);
  std::size_t moved = 0;
  for (const auto& [id, host] : before) {
    const std::size_t now = cluster.host(id.text());
    if (now == host) continue;
    EXPECT_EQ(now, 2U);
    ++moved;
  }
  EXPECT_GT(moved, 60U);
  EXPECT_LT(moved, 150U);
}

TEST(Reconcile, AtMostMovesInFlightChildrenStopAtOnce) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.moves_in_flight = 5; };
  cluster.boot(0);
  cluster.run(4s);
  cluster.start(0, many(100));
  cluster.run();
  std::size_t most = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i == 0) most = std::max(most, effects.stops.size());
  };
  cluster.boot(1);
  cluster.run(1s);
  EXPECT_LE(most, 5U);
  expect_each_once(cluster, 100);
}

TEST(Reconcile, NodesThatBootTogetherStartEachStaticChildOnceAndMoveNone) {
  Cluster cluster(3);
  const auto spec = spec_of("a", "counter", Restart::permanent, true);
  std::size_t starts = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) { starts += effects.starts.size(); };
  for (std::size_t i = 0; i < 3; ++i) {
    cluster.boot(i);
    cluster.start(i, {spec}, StartMode::ensure);
  }
  cluster.run(5s);
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_EQ(starts, 1U);
}

TEST(Crash, APermanentChildComesBackAtOnceThenWithGrowingPauses) {
  Cluster cluster(1);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  cluster.exit("a", false);
  cluster.run();
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_EQ(cluster.nodes[0].core->instances(id_of("a")).front().instance.restarts, 1U);
  cluster.exit("a", false, "again");
  cluster.run();
  EXPECT_EQ(cluster.alive("a"), 0U);
  const auto instances = cluster.nodes[0].core->instances(id_of("a"));
  EXPECT_EQ(instances.front().instance.phase, Phase::restarting);
  EXPECT_EQ(*instances.front().instance.reason, "again");
  cluster.run(20ms);
  EXPECT_EQ(cluster.alive("a"), 1U);
  cluster.exit("a", false);
  cluster.run(20ms);
  EXPECT_EQ(cluster.alive("a"), 0U);
  cluster.run(20ms);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

NamedSpec paced(std::string_view id, Pace pace, Restart restart = Restart::permanent) {
  auto spec = opened(spec_of(id, "counter", restart));
  spec->extras.change().pace = pace;
  return spec;
}

TEST(Crash, OneThatEndsBeforeItsStartPeriodHasNotStartedAndWaitsBeforeTheNextTry) {
  Cluster cluster(1);
  cluster.form();
  const Pace pace{.start_period = 2s, .backoff_first = 300ms};
  cluster.start(
      0, {paced("a", pace), paced("job", pace, Restart::transient), paced("once", pace, Restart::temporary)});
  cluster.run(1900ms);
  cluster.exit("a", false);
  cluster.exit("job", true);
  cluster.exit("once", true);
  cluster.run();
  for (const auto* id : {"a", "job"}) {
    EXPECT_EQ(cluster.alive(id), 0U) << "the first failure waits too";
    const auto found = cluster.nodes[0].core->instances(id_of(id));
    ASSERT_EQ(found.size(), 1U) << id << " has not ended: it never started";
    EXPECT_EQ(found.front().instance.phase, Phase::restarting);
    EXPECT_EQ(found.front().instance.why, Why::start_failed);
  }
  EXPECT_TRUE(cluster.nodes[0].core->instances(id_of("once")).empty())
      << "a temporary child ends when it ends";
  cluster.run(300ms);
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_EQ(cluster.alive("job"), 1U);
  cluster.run(2s);
  cluster.exit("a", false);
  cluster.exit("job", true);
  cluster.run(350ms);
  EXPECT_EQ(cluster.alive("job"), 0U) << "it ran long enough to have done its work";
  EXPECT_TRUE(cluster.nodes[0].core->instances(id_of("job")).empty());
}

TEST(Crash, RunningForItsStartPeriodAloneEndsARowOfFailures) {
  Cluster cluster(1);
  cluster.form();
  const Duration period = 30s;
  cluster.start(0, {paced("a", {.start_period = 30s, .backoff_first = 1s, .backoff_max = 8s})});
  cluster.run();
  for (const Duration pause : {1s, 2s, 4s, 8s}) {
    cluster.run(period / 2);  // longer than stable_after, which would end the row
    cluster.exit("a", false);
    cluster.run(pause - 1ms);
    EXPECT_EQ(cluster.alive("a"), 0U);
    cluster.run(1ms);
    EXPECT_EQ(cluster.alive("a"), 1U);
  }
  cluster.run(period);
  cluster.exit("a", false);
  cluster.run();
  EXPECT_EQ(cluster.alive("a"), 1U) << "the first crash of one that ran well is made good at once";
}

TEST(Crash, EveryStartHasAGreaterEpoch) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  Epoch last = cluster.nodes[0].core->instances(id_of("a")).front().instance.epoch;
  for (int i = 0; i < 5; ++i) {
    cluster.exit("a", false);
    cluster.run(1s);
    const Epoch next = cluster.nodes[1].core->instances(id_of("a")).front().instance.epoch;
    EXPECT_GT(next, last);
    last = next;
  }
}

TEST(Crash, TransientAndTemporaryChildrenEndAsTheirPolicySays) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("transient", "counter", Restart::transient),
                    spec_of("temporary", "counter", Restart::temporary)});
  cluster.run();
  cluster.exit("transient", false);
  cluster.run();
  EXPECT_EQ(cluster.alive("transient"), 1U);
  cluster.exit("transient", true);
  cluster.exit("temporary", false);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("transient"), 0U);
  EXPECT_EQ(cluster.alive("temporary"), 0U);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->size(), 0U);
}

TEST(Crash, MoreThanMaxRestartsWithinMaxSecondsMoveIt) {
  EXPECT_EQ(Settings().max_restarts, 100U);
  EXPECT_EQ(Settings().max_seconds, 1s);
  for (const Duration between : {500ms, 3000ms}) {
    Cluster cluster(2);
    cluster.change = [](std::size_t, Settings& settings) {
      settings.max_restarts = 2;
      settings.max_seconds = 2s;
    };
    cluster.form();
    cluster.start(0, {spec_of("a")});
    cluster.run();
    const std::size_t at_first = cluster.host("a");
    for (int crash = 0; crash < 3; ++crash) {
      EXPECT_EQ(cluster.host("a"), at_first);
      cluster.exit("a", false);
      cluster.run(between);
      ASSERT_EQ(cluster.alive("a"), 1U);
    }
    EXPECT_EQ(cluster.host("a") == at_first, between == 3s) << "three in two seconds are too many";
  }
}

TEST(Crash, PastItsIntensityAChildTriesEveryNodeAndRestsForAWhileThatGrows) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.attempts_max = 2; };
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run(1s);
  cluster.fail_starts.insert(id_of("a"));
  cluster.exit("a", false, "no way");
  cluster.run(4s);
  const SpecRow* row = cluster.nodes[0].core->spec(id_of("a"));
  EXPECT_EQ(row->trouble->rounds, 1U);
  EXPECT_FALSE(row->trouble->failed);
  EXPECT_NE(row->trouble->failure.find("cannot"), std::string::npos);
  EXPECT_GT(wall_of(row->trouble->not_before), cluster.now.wall) << "it says when it is tried again";
  cluster.run(60s);
  const std::uint32_t rounds = cluster.nodes[0].core->spec(id_of("a"))->trouble->rounds;
  EXPECT_GE(rounds, 4U);
  EXPECT_LE(rounds, 6U) << "5, 10, 20, 40 seconds";
  cluster.fail_starts.clear();
  cluster.run(60s);
  EXPECT_EQ(cluster.alive("a"), 1U);
  cluster.run(11s);
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of("a"))->trouble->rounds, 0U) << "it runs well";
}

TEST(Crash, AFailedChildIsTriedOnANodeThatHasComeSince) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.attempts_max = 1;
    settings.rounds_max = 1;
  };
  cluster.boot(0);
  cluster.run(4s);
  cluster.start(0, {spec_of("a")});
  cluster.run(1s);
  cluster.fail_starts.insert(id_of("a"));
  cluster.exit("a", false);
  cluster.run(4s);
  ASSERT_TRUE(cluster.nodes[0].core->spec(id_of("a"))->trouble->failed);
  cluster.fail_starts.clear();
  cluster.boot(1);
  cluster.run(4s);
  EXPECT_EQ(cluster.host("a"), 1U);
}

TEST(Crash, AnUpdateThatConcernsNoProcessLeavesItRunning) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run(1s);
  const Epoch before = cluster.nodes[cluster.host("a")].processes.at(id_of("a"));
  auto changed = opened(spec_of("a"));
  changed->extras.change().tag = "blue";
  changed->restart = Restart::transient;
  const auto client = cluster.start(1, {changed}, StartMode::apply);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.nodes[cluster.host("a")].processes.at(id_of("a")), before);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->spec(id_of("a"))->spec->extras->tag, "blue");
  cluster.exit("a", true);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("a"), 0U) << "the new restart rule counts";
}

TEST(Crash, PastItsIntensityAChildTriesEveryNodeAndIsThenFailedUntilRetry) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.rounds_max = 1; };
  cluster.form();
  const auto client = cluster.start(0, {spec_of("a")});
  cluster.run();
  EXPECT_EQ(cluster.result(client), "ok");
  std::set<std::size_t> hosts{cluster.host("a")};
  for (int i = 0; i < 100 && !cluster.nodes[0].core->spec(id_of("a"))->trouble->failed; ++i) {
    if (cluster.alive("a") == 1) {
      hosts.insert(cluster.host("a"));
      cluster.exit("a", false, "no way");
    }
    cluster.run(5s);
  }
  EXPECT_EQ(hosts.size(), 2U);
  for (const auto& node : cluster.nodes) {
    EXPECT_TRUE(node.core->spec(id_of("a"))->trouble->failed);
    EXPECT_NE(node.core->spec(id_of("a"))->trouble->failure.find("no way"), std::string::npos);
  }
  EXPECT_EQ(cluster.alive("a"), 0U);
  const auto retry = cluster.ask<ClientRetry>(0, "a");
  cluster.run(1s);
  EXPECT_EQ(cluster.result(retry), "ok");
  EXPECT_EQ(cluster.alive("a"), 1U);
}

/// Has "a" crash until it waits to be started again; its host.
std::size_t wait_after_crashes(Cluster& cluster) {
  const auto spec = opened(spec_of("a"));
  spec->extras.change().pace.backoff_first = spec->extras.change().pace.backoff_max = 1h;
  cluster.start(0, {spec});
  cluster.run();
  const std::size_t host = cluster.host("a");
  cluster.exit("a", false);
  cluster.run();
  cluster.exit("a", false);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("a"), 0U) << "it waits for an hour";
  return host;
}

TEST(Crash, ARetryEndsTheWaitForTheNextStart) {
  for (const std::size_t asks : {0U, 1U}) {
    Cluster cluster(2);
    cluster.form();
    const std::size_t host = wait_after_crashes(cluster);
    const auto retry = cluster.ask<ClientRetry>(asks, "a");
    cluster.run(1s);
    EXPECT_EQ(cluster.result(retry), "ok");
    EXPECT_EQ(cluster.alive("a"), 1U);
    EXPECT_EQ(cluster.host("a"), host);
    cluster.exit("a", false);
    cluster.run();
    EXPECT_EQ(cluster.alive("a"), 1U) << "what was before is forgotten: the first crash is made good at once";
    cluster.exit("a", false);
    cluster.run(1min);
    EXPECT_EQ(cluster.alive("a"), 0U) << "and it waits again";
  }
}

TEST(Crash, AChangeOfWhatWaitsToBeStartedAgainIsDoneAndTriedAtOnce) {
  Cluster cluster(2);
  cluster.form();
  (void)wait_after_crashes(cluster);
  const auto changed = opened(spec_of("a"));
  changed->extras.change().tag = "blue";
  const auto apply = cluster.start(1, {changed}, StartMode::apply);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(apply), "ok") << "that it failed before is no answer to the change";
  EXPECT_EQ(cluster.alive("a"), 1U);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->spec(id_of("a"))->spec->extras->tag, "blue");
}

TEST(Crash, AStaticChildWhoseStartFailsIsTriedAgain) {
  Cluster cluster(1);
  cluster.form();
  cluster.fail_starts.insert(id_of("a"));
  const auto client =
      cluster.start(0, {spec_of("a", "counter", Restart::permanent, true)}, StartMode::ensure);
  cluster.run(100ms);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive("a"), 0U);
  cluster.fail_starts.clear();
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Drain, ALeavingNodeHandsItsChildrenOverBeforeItGoes) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, many(60));
  cluster.run();
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i != 1 || effects.replies.empty()) return;
    for (int c = 0; c < 60; ++c)
      EXPECT_EQ(cluster.alive("c" + std::to_string(c)), 1U) << "when it is answered";
  };
  cluster.give(1, ClientDrain{{9999}});
  cluster.run(1s);
  EXPECT_TRUE(cluster.nodes[1].left);
  EXPECT_TRUE(cluster.nodes[1].processes.empty());
  EXPECT_TRUE(cluster.last[9999]);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 2U);
}

TEST(Drain, IsTakenBackWhileItLastsAndTheChildrenComeBack) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, many(40));
  cluster.run();
  const auto before = cluster.nodes[1].processes.size();
  cluster.start(0, {spec_of("slow")}, StartMode::start, cluster.nodes[1].name);
  cluster.run();
  cluster.hold_starts.insert(id_of("slow"));
  cluster.give(1, ClientDrain{{9998}});
  cluster.run(1s);
  ASSERT_FALSE(cluster.nodes[1].left) << "a start elsewhere holds it";
  cluster.give(1, ClientDrain{.client = {9999}, .take_back = true});
  cluster.run(1s);
  EXPECT_EQ(cluster.result(9998), "stopped");
  EXPECT_TRUE(cluster.last[9999]);
  EXPECT_EQ(cluster.nodes[1].core->self().state, MemberState::up);
  EXPECT_GE(cluster.nodes[1].processes.size(), before);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U);
  cluster.run(20s);
  EXPECT_FALSE(cluster.nodes[1].left);
  cluster.give(1, ClientDrain{.client = {10000}, .take_back = true});
  cluster.run();
  EXPECT_TRUE(cluster.last[10000]) << "nothing to do";
}

TEST(Drain, IsNotTakenBackWhereTheNodeEndsOrHasLeft) {
  Cluster cluster(2);
  cluster.form();
  cluster.hold_starts.insert(id_of("slow"));
  cluster.start(0, {spec_of("slow")}, StartMode::start, cluster.nodes[1].name);
  cluster.run();
  cluster.give(1, ClientDrain{{9997}, true});
  cluster.give(1, ClientDrain{.client = {9998}, .take_back = true});
  cluster.run();
  EXPECT_EQ(cluster.result(9998), "stopped");
  cluster.run(20s);
  ASSERT_TRUE(cluster.nodes[1].left);
  cluster.give(1, ClientDrain{.client = {9999}, .take_back = true});
  cluster.run();
  EXPECT_EQ(cluster.result(9999), "not_member");
}

TEST(Drain, ANodeThatHasLeftStaysAway) {
  Cluster cluster(2);
  cluster.form();
  cluster.give(1, ClientDrain{{9999}});
  cluster.run(1s);
  ASSERT_TRUE(cluster.nodes[1].left);
  // It has no timers any more: to its core the time until the next event is as long as a sleep.
  cluster.run(100s);
  cluster.give(1, SettingsChanged{{"counter"}, 1});
  cluster.run(10s);
  EXPECT_FALSE(cluster.nodes[1].fenced);
  EXPECT_EQ(cluster.nodes[1].core->self().state, MemberState::left);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 1U);
}

TEST(Drain, ANodeThatHasLeftRefusesWhatItIsAsked) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  cluster.give(1, ClientDrain{{9998}});
  cluster.run(1s);
  ASSERT_TRUE(cluster.nodes[1].left);
  const auto start = cluster.start(1, many(3000));  // more than one portion
  const auto stop = cluster.stop(1, "a");
  const auto lookup = cluster.ask<ClientLookup>(1, "a");
  const auto retry = cluster.ask<ClientRetry>(1, "a");
  cluster.give(1, ClientDrain{{9999}});
  cluster.run();
  for (const auto client : {start, stop, lookup, retry}) EXPECT_EQ(cluster.result(client), "not_member");
  EXPECT_EQ(cluster.replies[start].size(), 3000U);
  EXPECT_TRUE(cluster.last[start] && cluster.last[9999]);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Drain, ALeavingNodeDoesNotWaitForEverForChildrenThatStartNowhere) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[1].name);
  cluster.run();
  cluster.hold_starts.insert(id_of("a"));
  cluster.give(1, ClientDrain{{9999}});
  cluster.run(4s);
  EXPECT_FALSE(cluster.nodes[1].left);
  cluster.run(2s);
  EXPECT_TRUE(cluster.nodes[1].left);
}

TEST(Drain, ALoneNodeWhoseChildrenHaveEndedLeaves) {
  Cluster cluster(1);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  cluster.stop(0, "a");
  cluster.run();
  cluster.give(0, ClientDrain{{99}});
  cluster.run();
  EXPECT_TRUE(cluster.nodes[0].left);
}

TEST(Drain, WithNoOtherMemberItIsRefusedAndTheChildrenStay) {
  Cluster cluster(1);
  cluster.form();
  cluster.start(0, many(3));
  cluster.run();
  cluster.give(0, ClientDrain{{9999}});
  cluster.run(1s);
  EXPECT_FALSE(cluster.nodes[0].left);
  EXPECT_EQ(cluster.result(9999), "no_target");
  EXPECT_EQ(cluster.nodes[0].processes.size(), 3U);
}

/// Two nodes that lose sight of each other and go on alone.
void split(Cluster& cluster) {
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[1].name}};
  cluster.drop_channels(0, false);
  cluster.run(12s);
  ASSERT_EQ(cluster.nodes[0].core->up_nodes().size(), 1U);
}

TEST(Crash, WhatOneSideOfASplitGaveUpIsNotFailedWhenItRunsOnTheOther) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.attempts_max = settings.rounds_max = 1; };
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[0].name);
  cluster.run(5s);
  cluster.fail_starts.insert(id_of("a"));
  split(cluster);
  ASSERT_TRUE(cluster.nodes[1].core->spec(id_of("a"))->trouble->failed);
  cluster.unreachable.clear();
  cluster.run(40s);
  EXPECT_EQ(cluster.alive("a"), 1U);
  for (const auto& node : cluster.nodes) EXPECT_FALSE(node.core->spec(id_of("a"))->trouble->failed);
}

TEST(Crash, WhatOneSideOfASplitGaveUpRunsWhereTheOtherCan) {
  Cluster cluster(2);
  cluster.change = [](std::size_t i, Settings& settings) {
    if (i == 0)
      settings.backoff_first = settings.backoff_max = 60s;
    else
      settings.attempts_max = settings.rounds_max = 1;
  };
  cluster.form();
  cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[0].name);
  cluster.run(1s);
  cluster.fail_starts.insert(id_of("a"));
  split(cluster);
  cluster.exit("a", false);
  cluster.run();
  ASSERT_EQ(cluster.nodes[0].core->instances(id_of("a")).front().instance.phase, Phase::restarting);
  cluster.unreachable.clear();
  cluster.fail_starts.clear();
  cluster.run(120s);
  EXPECT_EQ(cluster.alive("a"), 1U);
  for (const auto& node : cluster.nodes) EXPECT_FALSE(node.core->spec(id_of("a"))->trouble->failed);
}

}  // namespace reconciler_test
}  // namespace brood::core::testing
