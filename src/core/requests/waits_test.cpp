// How long requests wait at their coordinator, and for what.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace waits_test {

TEST(Waits, AStopOfAChildThatIsStoppingWaitsForItsEnd) {
  Cluster cluster(3);
  cluster.form();
  for (const bool is_static : {false, true}) {
    const std::string id = is_static ? "of a file" : "a";
    cluster.start(0, {spec_of(id, "counter", Restart::permanent, is_static)});
    cluster.run();
    cluster.hold_stops.insert(id_of(id));
    const auto first = cluster.stop(1, id);
    cluster.run(1s);
    const auto second = cluster.stop(2, id);
    cluster.run(1s);
    EXPECT_EQ(cluster.result(second), "no answer");
    cluster.exit(id, true);
    cluster.run();
    EXPECT_EQ(cluster.result(first), "ok");
    EXPECT_EQ(cluster.result(second), "ok");
    const auto late = cluster.stop(2, id);
    cluster.run();
    EXPECT_EQ(cluster.result(late), "no_such_child");
  }
}

// The coordinator keeps what it hears of for request_timeout (30 s) only, and what a request has done for 60
// s.
TEST(Waits, WhatTakesMinutesIsAnsweredAsLongAsItsClientWaits) {
  for (std::size_t from = 0; from < 3; ++from) {  // one of them is the coordinator itself
    Cluster cluster(3);
    cluster.form();
    cluster.hold_starts.insert(id_of("a"));
    std::size_t host = 3;
    Epoch epoch;
    cluster.watch = [&](std::size_t i, const Effects& effects) {
      for (const Start& start : effects.starts) host = i, epoch = start.epoch;
    };
    cluster.give(from, ClientStart{{1001}, StartMode::start, {}, {spec_of("a")}, 300s});
    cluster.run(150s);
    EXPECT_EQ(cluster.result(1001), "no answer");
    ASSERT_LT(host, 3U);
    cluster.nodes[host].processes[id_of("a")] = epoch;
    cluster.give(host, Started{id_of("a"), epoch, {77, 0}, 0});
    cluster.run(1s);
    EXPECT_EQ(cluster.result(1001), "ok") << from;
    cluster.hold_stops.insert(id_of("a"));
    cluster.give(from, ClientStop{{1002}, {id_of("a")}, 300s});
    cluster.run(150s);
    EXPECT_EQ(cluster.result(1002), "no answer") << from;
    cluster.exit("a", true);
    cluster.run(1s);
    EXPECT_EQ(cluster.result(1002), "ok") << from;
  }
}

TEST(Waits, WhatNobodyWaitsForAnyMoreIsForgotten) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  cluster.hold_stops.insert(id_of("a"));
  cluster.give(1, ClientStop{{1001}, {id_of("a")}, 5s});
  cluster.run(6s);
  EXPECT_EQ(cluster.result(1001), "timeout");
  cluster.run(60s);
  cluster.exit("a", true);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("a"), 0U);
  EXPECT_EQ(cluster.replies[1001].size(), 1U);
}

/// A child that crashed on every node that may run it, and is given up.
void start_and_fail(Cluster& cluster, const std::string& id) {
  cluster.start(0, {spec_of(id)});
  cluster.run();
  for (int i = 0; i < 100 && !cluster.nodes[0].core->spec(id_of(id))->trouble->failed; ++i) {
    if (cluster.alive(id) == 1) cluster.exit(id, false, "no way");
    cluster.run(5s);
  }
}

TEST(Waits, ARetryIsAnsweredWhenAnotherNodeKnows) {
  const auto give_up_soon = [](std::size_t, Settings& settings) { settings.rounds_max = 1; };
  Cluster cluster(2);
  cluster.change = give_up_soon;
  cluster.form();
  start_and_fail(cluster, "a");
  cluster.lost.insert(MessageBody(DeltaAck{}).index());
  const auto coordinator = cluster.index(*cluster.nodes[0].core->node_for(id_of("a")));
  const auto client = cluster.ask<ClientRetry>(coordinator, "a");
  cluster.run(3s);
  EXPECT_EQ(cluster.result(client), "no answer");
  cluster.lost.clear();
  cluster.start(coordinator, many(1));
  cluster.run(3s);
  EXPECT_EQ(cluster.result(client), "ok");
  // A node alone has nobody to wait for.
  Cluster lone(1);
  lone.change = give_up_soon;
  lone.form();
  start_and_fail(lone, "a");
  const auto alone = lone.ask<ClientRetry>(0, "a");
  lone.run();
  EXPECT_EQ(lone.result(alone), "ok");
}

// The coordinator has missed something of what the host says, and its table is on its way.
TEST(Waits, AStartThatMeetsAChildOfANodeWhoseTableIsOnItsWayWaitsForThat) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.table_portion = 1; };
  cluster.form();
  const std::size_t decides = cluster.index(*cluster.nodes[0].core->node_for(id_of("a")));
  const std::size_t hosts = (decides + 1) % 3, asks = (decides + 2) % 3;
  cluster.start(decides, {spec_of("a"), spec_of("b")}, StartMode::start, cluster.nodes[hosts].name);
  cluster.run();
  ASSERT_EQ(cluster.host("a"), hosts);
  const auto pid = [&](std::size_t at) {
    return cluster.nodes[at].core->instances(id_of("a")).at(0).instance.pid;
  };
  std::vector<MessageBody> late;
  bool is_lost = true;
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    if (from != cluster.nodes[hosts].name || to != cluster.nodes[decides].name) return 1;
    if (is_lost && std::holds_alternative<Delta>(body)) return 0;
    const auto* portion = std::get_if<Sync>(&body);
    if (!portion || portion->first == 0) return 1;
    late.push_back(body);
    return 0;
  };
  cluster.exit("a", false);
  cluster.run();
  is_lost = false;
  cluster.start(hosts, {spec_of("c")}, StartMode::ensure, cluster.nodes[hosts].name);
  cluster.run();
  ASSERT_FALSE(late.empty());
  const auto client = cluster.start(asks, {spec_of("a")});
  const auto lookup = cluster.ask<ClientLookup>(asks, "a");
  cluster.run();
  EXPECT_EQ(cluster.result(client), "no answer");
  EXPECT_EQ(cluster.result(lookup), "ok") << "that it exists is certain";
  EXPECT_FALSE(cluster.replies[lookup].at(0).host.has_value());
  // It begins and ends once more, which is kept until the table is whole.
  cluster.exit("a", false);
  cluster.run(30ms);
  ASSERT_EQ(cluster.host("a"), hosts);
  cluster.exit("a", false);
  cluster.run();
  EXPECT_EQ(cluster.result(client), "no answer");
  cluster.copies = {};
  for (const MessageBody& body : late)
    cluster.give(decides, PeerMessage{cluster.nodes[hosts].name, cluster.nodes[hosts].creation, body});
  cluster.run();
  EXPECT_EQ(cluster.result(client), "start_failed") << "it waits to be started again";
  cluster.run(100ms);
  const auto again = cluster.start(asks, {spec_of("a")});
  cluster.run();
  EXPECT_EQ(cluster.result(again), "already_started");
  EXPECT_EQ(cluster.replies[again].at(0).pid, pid(hosts));
}

// The node that ran it has slept. It comes back with it, and is asked to stop it; it is not up before the
// other one has ended too.
TEST(Waits, AStopThatWasAnsweredBeforeASleeperWokeIsNotDoneASecondTime) {
  Cluster cluster(3);
  cluster.form();
  const std::size_t decides = cluster.index(*cluster.nodes[0].core->node_for(id_of("a")));
  const std::size_t hosts = (decides + 1) % 3;
  cluster.start(decides, {spec_of("a"), spec_of("b")}, StartMode::start, cluster.nodes[hosts].name);
  cluster.run();
  ASSERT_EQ(cluster.host("a"), hosts);
  cluster.pause(hosts);
  cluster.drop_channels(hosts, true);
  cluster.run(20s);
  for (const char* id : {"a", "b"}) {
    const auto first = cluster.stop(decides, id);
    cluster.run(1s);
    ASSERT_EQ(cluster.result(first), "ok");
    cluster.hold_stops.insert(id_of(id));
  }
  cluster.resume(hosts);
  cluster.run(2s);
  ASSERT_EQ(cluster.nodes[decides].core->instances(id_of("a")).size(), 1U) << "it is told to end";
  const auto second = cluster.stop(decides, "a");
  const auto third = cluster.stop(decides, "a");
  cluster.run(1s);
  EXPECT_EQ(cluster.result(second), "no answer");
  cluster.exit("a", true);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(second), "no_such_child");
  EXPECT_EQ(cluster.result(third), "no_such_child") << "nor does one stop more of it than the other";
}

/// Three nodes: the coordinator of "a" is asked to start it, and a node is lost. What is asked anew in the
/// next view waits for the word of the other one, while the wait of the view before is kept.
struct AskedAnew {
  explicit AskedAnew(std::size_t step_budget) {
    cluster.change = [step_budget](std::size_t, Settings& settings) { settings.step_budget = step_budget; };
    cluster.form();
    decides = cluster.index(*cluster.nodes[0].core->node_for(id_of("a")));
    other = (decides + 1) % 3;
    cluster.watch = [this](std::size_t i, const Effects& effects) {
      if (i != decides) return;
      for (const Start& start : effects.starts) epochs[start.id] = start.epoch;
    };
  }
  void ask(const std::vector<NamedSpec>& specs) {
    for (const NamedSpec& spec : specs) {
      cluster.hold_starts.insert(spec.id);
      const auto one = cluster.start(decides, {spec}, StartMode::start, cluster.nodes[decides].name);
      if (spec.id == id_of("a")) client = one;
    }
    cluster.run(1900ms);
    cluster.copies = [this](const NodeName& from, const NodeName&, const MessageBody& body) {
      return from == cluster.nodes[other].name && std::holds_alternative<View>(body) ? 0 : 1;
    };
    cluster.kill((decides + 2) % 3);
    cluster.run(200ms);  // it is repeated
    EXPECT_FALSE(cluster.nodes[decides].core->view_confirmed());
  }
  void started(const std::string& id) {
    const Epoch epoch = epochs.at(id_of(id));
    cluster.nodes[decides].processes[id_of(id)] = epoch;
    cluster.give(decides, Started{id_of(id), epoch, {77, 0}, 0});
  }
  void confirm() {
    const auto& node = cluster.nodes[other];
    cluster.give(decides, PeerMessage{node.name, node.creation, View{node.core->view_hash()}});
  }
  void expect_that_it_is_still_there() {
    EXPECT_TRUE(cluster.nodes[decides].core->view_confirmed());
    EXPECT_EQ(cluster.result(client), "ok");
    for (const std::size_t i : {decides, other})
      EXPECT_NE(cluster.nodes[i].core->spec(id_of("a")), nullptr) << "it was answered ok, nobody stops it";
  }
  Cluster cluster{3};
  std::size_t decides = 0, other = 0;
  std::uint64_t client = 0;
  std::map<ChildId, Epoch> epochs;
};

TEST(Waits, AStartThatWasAnsweredIsNotDoneOnceMoreInTheNextView) {
  AskedAnew asked(Settings{}.step_budget);
  Cluster& cluster = asked.cluster;
  asked.ask({spec_of("a")});
  asked.started("a");
  cluster.run();
  ASSERT_EQ(cluster.result(asked.client), "ok");
  cluster.exit("a", false);
  cluster.run();
  cluster.give(asked.decides, StartFailed{id_of("a"), asked.epochs.at(id_of("a")), "no way", {}});
  cluster.run();
  ASSERT_EQ(cluster.nodes[asked.decides].core->instances(id_of("a")).at(0).instance.phase, Phase::restarting);
  asked.confirm();
  cluster.run();
  asked.expect_that_it_is_still_there();
}

// All comes in one step that has no room for more than the first of it.
TEST(Waits, AStartThatIsAnsweredInTheStepInWhichItsRepeatHasItsTurnIsNotDoneOnceMore) {
  AskedAnew asked(1);
  Cluster& cluster = asked.cluster;
  auto spec = opened(spec_of("a"));
  spec->extras.change().pace.start_period = 10s;  // an end within that is a start that failed
  asked.ask({spec, spec_of("x"), spec_of("y")});
  cluster.batched.insert(asked.decides);
  for (const char* id : {"x", "y", "a"}) asked.started(id);
  cluster.exit("a", false);
  asked.confirm();
  cluster.run();
  asked.expect_that_it_is_still_there();
}

// A member says another view for longer than it is known what was done, while a repeat of the request waits.
TEST(Waits, ARepeatOfAStartHasNoTurnWhenItsAnswerIsForgotten) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = *make_strategies(
        {.partition = StrategyChoice{"majority_quorum", {{"initial_cluster_size", std::int64_t{3}}}}});
  };
  cluster.form();
  const std::size_t decides = cluster.index(*cluster.nodes[0].core->node_for(id_of("a")));
  const NodeName third = cluster.nodes[(decides + 2) % 3].name;
  const std::uint64_t view = cluster.nodes[decides].core->view_hash();
  std::vector<Epoch> begun;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const Start& start : effects.starts) begun.push_back(start.epoch);
  };
  cluster.hold_starts.insert(id_of("a"));
  const auto client = cluster.start((decides + 1) % 3, {spec_of("a", "counter", Restart::temporary)},
                                    StartMode::start, cluster.nodes[decides].name);
  cluster.run();
  cluster.give(decides, PeerMessage{third, 1, View{1}});
  cluster.run(2500ms);  // it is repeated
  ASSERT_EQ(begun.size(), 1U);
  cluster.nodes[decides].processes[id_of("a")] = begun[0];
  cluster.give(decides, Started{id_of("a"), begun[0], {77, 0}, 0});
  cluster.run();
  ASSERT_EQ(cluster.result(client), "ok");
  cluster.exit("a", true);
  cluster.run(70s);
  cluster.give(decides, PeerMessage{third, 1, View{view}});
  cluster.run();
  ASSERT_TRUE(cluster.nodes[decides].core->view_confirmed());
  EXPECT_EQ(begun.size(), 1U) << "it was to run once, and has";
}

// The coordinator is lost, and nobody knows whether it has answered.
TEST(Waits, AStartThatTheNextCoordinatorTakesOverHasNotFailedOnceItsChildHasRun) {
  for (const bool has_run : {true, false}) {
    SCOPED_TRACE(has_run);
    Cluster cluster(3);
    cluster.form();
    const std::size_t decides = cluster.index(*cluster.nodes[0].core->node_for(id_of("a")));
    const std::size_t hosts = (decides + 1) % 3, asks = (decides + 2) % 3;
    Epoch epoch;
    cluster.watch = [&](std::size_t, const Effects& effects) {
      for (const Start& start : effects.starts) epoch = start.epoch;
    };
    cluster.hold_starts.insert(id_of("a"));
    const auto client = cluster.start(asks, {spec_of("a")}, StartMode::start, cluster.nodes[hosts].name);
    cluster.run();
    cluster.pause(decides);
    const auto started = [&] {
      cluster.nodes[hosts].processes[id_of("a")] = epoch;
      cluster.give(hosts, Started{id_of("a"), epoch, {77, 0}, 0});
      cluster.run();
    };
    if (has_run) {
      started();
      cluster.exit("a", false);
      cluster.run();
    }
    cluster.give(hosts, StartFailed{id_of("a"), epoch, "no way", {}});
    cluster.run();
    ASSERT_EQ(cluster.nodes[hosts].core->instances(id_of("a")).at(0).instance.phase, Phase::restarting);
    cluster.kill(decides);
    cluster.run();
    EXPECT_EQ(cluster.nodes[hosts].core->spec(id_of("a")) != nullptr, has_run);
    EXPECT_EQ(cluster.result(client), has_run ? "no answer" : "start_failed");
    if (!has_run) continue;
    cluster.run(1s);
    started();
    EXPECT_EQ(cluster.result(client), "ok");
  }
}

// What it did before it acknowledged is on its way still, in the table that was asked for.
TEST(Waits, AStopWaitsForTheTableOfOneThatHasAcknowledgedIt) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies =
        make_strategies({.redundancy = StrategyChoice{"replication", {{"factor", std::int64_t{2}}}}}).value();
  };
  cluster.form();
  const std::string id = cluster.id_at(0);
  bool loses = true;
  std::vector<MessageBody> late;
  cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody& body) {
    if (from != cluster.nodes[1].name) return 1;
    const bool is_table = std::holds_alternative<Sync>(body);
    if (is_table) late.push_back(body);
    return is_table || (loses && std::holds_alternative<Delta>(body)) ? 0 : 1;
  };
  cluster.start(0, {spec_of(id)});
  cluster.run();
  ASSERT_EQ(cluster.nodes[1].processes.count(id_of(id)), 1U);
  loses = false;  // the next one shows that one is missing
  cluster.start(0, {spec_of("another")});
  cluster.run();
  const auto stop = cluster.stop(0, id);
  cluster.run();
  EXPECT_EQ(cluster.replies.count(stop), 0U);
  cluster.copies = {};
  ASSERT_FALSE(late.empty());
  for (MessageBody& body : late)
    cluster.give(0, PeerMessage{cluster.nodes[1].name, cluster.nodes[1].creation, std::move(body)});
  cluster.run(1s);
  ASSERT_EQ(cluster.replies.count(stop), 1U);
  EXPECT_FALSE(cluster.replies[stop].front().error);
  EXPECT_EQ(cluster.alive(id), 0U);
}

// The host sends the child on to the next node, which the coordinator does not hear: the host's table comes
// in place of what it has changed, and by then the host knows that the child is stopped.
TEST(Waits, AStopWaitsForTheNodeToWhichOneHasSentTheChildOnWhoseTableCame) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.attempts_max = 1; };
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run(1s);
  cluster.exit_on(0, id, false);
  cluster.run(1s);
  const std::size_t host = cluster.host(id);
  ASSERT_NE(host, 0U);
  const std::size_t next = 3 - host;
  const NodeName first = cluster.nodes[0].name;
  const NodeName second = cluster.nodes[host].name;
  bool loses = true;
  std::vector<MessageBody> late;
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    if (from == second && to == first && std::holds_alternative<Delta>(body)) return loses ? 0 : 1;
    if (from != first || to != second || !std::holds_alternative<SyncRequest>(body)) return 1;
    late.push_back(body);
    return 0;
  };
  cluster.pause(next);
  cluster.exit_on(host, id, false);
  cluster.run();
  loses = false;  // the next one shows that one is missing
  cluster.start(host, {spec_of(cluster.id_at(host))});
  cluster.run();
  const auto stop = cluster.stop(0, id);
  cluster.run();
  ASSERT_FALSE(late.empty());
  for (MessageBody& body : late)
    cluster.give(host, PeerMessage{first, cluster.nodes[0].creation, std::move(body)});
  cluster.run();
  EXPECT_EQ(cluster.replies.count(stop), 0U);
  cluster.resume(next);
  cluster.run();
  EXPECT_EQ(cluster.alive(id), 0U);
  ASSERT_EQ(cluster.replies.count(stop), 1U);
  EXPECT_FALSE(cluster.replies[stop].front().error);
}

}  // namespace waits_test
}  // namespace brood::core::testing
