// Each request and each of its results.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace requests_test {

TEST(Requests, AStartOnALoneNodeRunsAndIsAnsweredAtOnce) {
  Cluster cluster(1);
  cluster.form();
  const auto client = cluster.start(0, {spec_of("a")});
  cluster.run();
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_TRUE(cluster.last[client]);
  EXPECT_EQ(cluster.replies[client].front().host->node, cluster.nodes[0].name);
}

TEST(Requests, AStartFromAnyNodeIsKnownEverywhereWhenItIsAnswered) {
  Cluster cluster(3);
  cluster.form();
  for (std::size_t from = 0; from < 3; ++from) {
    const std::string id = "child" + std::to_string(from);
    const auto client = cluster.start(from, {spec_of(id)});
    cluster.run();
    EXPECT_EQ(cluster.result(client), "ok");
    EXPECT_EQ(cluster.alive(id), 1U);
    for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->instances(id_of(id)).size(), 1U);
  }
}

TEST(Requests, OfStartsFromAllNodesAtOnceOneIsOkAndTheOthersGetItsPid) {
  Cluster cluster(3);
  cluster.form();
  std::vector<std::uint64_t> clients;
  for (std::size_t from = 0; from < 3; ++from) clients.push_back(cluster.start(from, {spec_of("a")}));
  cluster.run();
  std::multiset<std::string> results;
  std::set<std::uint32_t> pids;
  for (const auto client : clients) {
    results.insert(cluster.result(client));
    pids.insert(cluster.replies[client].front().pid.id);
  }
  EXPECT_EQ(results, (std::multiset<std::string>{"already_started", "already_started", "ok"}));
  EXPECT_EQ(pids.size(), 1U);
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Requests, AnotherSpecUnderAKnownIdIsAConflict) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  const auto client = cluster.start(1, {spec_of("a", "echo")});
  cluster.run();
  EXPECT_EQ(cluster.result(client), "conflict");
}

TEST(Requests, WhoAsksForWhatAChildWasStartedWithGetsItWhereverItsMetadataWasChangedSince) {
  Cluster cluster(2);
  cluster.form();
  const auto with = [](const Bytes& metadata, std::optional<Bytes> before = std::nullopt) {
    const auto spec = opened(spec_of("a"));
    spec->metadata = metadata;
    if (before) spec->extras.change().metadata_before = std::move(before);
    return NamedSpec(spec);
  };
  const auto answer = [&](std::size_t from, const NamedSpec& spec, StartMode mode = StartMode::start) {
    const auto client = cluster.start(from, {spec}, mode);
    cluster.run();
    return cluster.result(client);
  };
  EXPECT_EQ(answer(0, with("first")), "ok");
  EXPECT_EQ(answer(1, with("second", "first"), StartMode::apply), "ok");
  for (std::size_t from = 0; from < 2; ++from) {
    EXPECT_EQ(answer(from, with("first")), "already_started");
    EXPECT_EQ(answer(from, with("second")), "already_started");
    EXPECT_EQ(answer(from, with("third")), "conflict");
    EXPECT_EQ(answer(from, with("")), "conflict");
  }
  const auto other = opened(with("first"));
  other->restart = Restart::temporary;
  EXPECT_EQ(answer(0, other), "conflict");
  // A spec that is applied is the child's from then on, whatever was before.
  EXPECT_EQ(answer(0, with("second"), StartMode::apply), "ok");
  EXPECT_EQ(answer(1, with("first")), "conflict");
}

TEST(Requests, AWorkerThatNobodyKnowsIsAnError) {
  Cluster cluster(2);
  cluster.form();
  const auto worker = cluster.start(0, {spec_of("a", "unheard_of")});
  const auto command = cluster.start(0, {spec_of("b", "exec:123")});
  cluster.run();
  EXPECT_EQ(cluster.result(worker), "no_such_worker");
  EXPECT_EQ(cluster.result(command), "not_allowed");
  EXPECT_EQ(cluster.nodes[0].core->size(), 0U);
}

TEST(Requests, AStartOnANamedNodeRunsThereAndAnUnknownNodeIsAnError) {
  Cluster cluster(3);
  cluster.form();
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string id = "on" + std::to_string(i);
    const auto client = cluster.start(0, {spec_of(id)}, StartMode::start, cluster.nodes[i].name);
    cluster.run();
    EXPECT_EQ(cluster.result(client), "ok");
    EXPECT_EQ(cluster.host(id), i);
  }
  const auto client = cluster.start(0, {spec_of("x")}, StartMode::start, NodeName("nobody@test"));
  cluster.run();
  EXPECT_EQ(cluster.result(client), "not_member");
}

TEST(Requests, AStartThatFailsLeavesNothingBehindAndTellsWhy) {
  Cluster cluster(3);
  cluster.form();
  for (int i = 0; i < 6; ++i) {
    const std::string id = "bad" + std::to_string(i);
    cluster.fail_starts.insert(id_of(id));
    const auto client = cluster.start(0, {spec_of(id)});
    cluster.run();
    EXPECT_EQ(cluster.result(client), "start_failed");
    EXPECT_EQ(cluster.replies[client].front().error->message, "cannot");
    EXPECT_EQ(cluster.replies[client].front().error->detail, "detail");
    cluster.run(1s);
    for (const auto& node : cluster.nodes) {
      EXPECT_EQ(node.core->spec(id_of(id)), nullptr);
      EXPECT_TRUE(node.core->instances(id_of(id)).empty());
    }
  }
}

TEST(Requests, AStopIsAnsweredWhenTheChildIsGoneEverywhere) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  cluster.hold_stops.insert(id_of("a"));
  const auto client = cluster.stop(1, "a");
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "no answer");
  EXPECT_EQ(cluster.nodes[0].core->instances(id_of("a")).front().instance.phase, Phase::stopping);
  cluster.exit("a", true);
  cluster.run();
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive("a"), 0U);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->spec(id_of("a")), nullptr);
}

TEST(Requests, AStopOfAnUnknownChildIsAnError) {
  Cluster cluster(2);
  cluster.form();
  const auto client = cluster.stop(1, "a");
  cluster.run();
  EXPECT_EQ(cluster.result(client), "no_such_child");
}

TEST(Requests, AStopThatMeetsAStartWins) {
  Cluster cluster(3);
  cluster.form();
  cluster.hold_starts.insert(id_of("a"));
  const auto start = cluster.start(0, {spec_of("a")});
  cluster.run();
  const auto stop = cluster.stop(1, "a");
  cluster.run();
  EXPECT_EQ(cluster.result(start), "stopped");
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.alive("a"), 0U);
}

TEST(Requests, AStartDuringAStopWaitsForItAndThenStarts) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  cluster.hold_stops.insert(id_of("a"));
  const auto stop = cluster.stop(1, "a");
  const auto start = cluster.start(2, {spec_of("a", "echo")});
  cluster.run(100ms);
  EXPECT_EQ(cluster.result(start), "no answer");
  cluster.exit("a", true);
  cluster.run();
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.result(start), "ok");
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Requests, AStoppedStaticChildIsNotStartedByAnotherEnsure) {
  Cluster cluster(2);
  cluster.form();
  const auto spec = spec_of("a", "counter", Restart::permanent, true);
  cluster.start(0, {spec}, StartMode::ensure);
  cluster.run();
  EXPECT_EQ(cluster.alive("a"), 1U);
  cluster.stop(0, "a");
  cluster.run();
  const auto again = cluster.start(1, {spec}, StartMode::ensure);
  cluster.run();
  EXPECT_EQ(cluster.result(again), "ok");
  EXPECT_EQ(cluster.alive("a"), 0U);
  const auto start = cluster.start(1, {spec});
  cluster.run();
  EXPECT_EQ(cluster.result(start), "ok");
  EXPECT_EQ(cluster.alive("a"), 1U);
}

TEST(Requests, ApplyReplacesWhatDiffers) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a", "counter", Restart::permanent, true)}, StartMode::ensure);
  cluster.run();
  const auto client = cluster.start(0, {spec_of("a", "echo", Restart::permanent, true)}, StartMode::apply);
  cluster.run();
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive("a"), 1U);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->spec(id_of("a"))->spec->worker, "echo");
}

TEST(Requests, ARestartBeginsAnewWhereTheChildIsAndKeepsItsSpec) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  const std::size_t host = cluster.host("a");
  const Epoch before = cluster.nodes[host].processes.at(id_of("a"));
  // Who asks may know an older spec than the coordinator: what the row says counts.
  auto older = opened(spec_of("a"));
  older->extras.change().tag = "older";
  const auto client = cluster.start((host + 1) % 3, {older}, StartMode::restart);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive("a"), 1U);
  EXPECT_EQ(cluster.host("a"), host);
  EXPECT_GT(cluster.nodes[host].processes.at(id_of("a")), before);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->spec(id_of("a"))->spec->extras->tag, "");
}

TEST(Requests, ALookupAsksTheCoordinator) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  const auto known = cluster.ask<ClientLookup>(1, "a");
  const auto unknown = cluster.ask<ClientLookup>(1, "b");
  cluster.run();
  EXPECT_EQ(cluster.result(known), "ok");
  EXPECT_TRUE(cluster.replies[known].front().host);
  EXPECT_EQ(cluster.result(unknown), "no_such_child");
}

TEST(Requests, ThousandsOfStartsTravelInAHandfulOfMessages) {
  Cluster cluster(3);
  cluster.form();
  std::vector<NamedSpec> specs;
  for (int i = 0; i < 10'000; ++i) specs.push_back(spec_of("c" + std::to_string(i)));
  std::size_t requests = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const Send& send : effects.sends)
      requests += std::holds_alternative<StartRequest>(send.body) ? 1 : 0;
  };
  const auto client = cluster.start(0, std::move(specs));
  cluster.run();
  EXPECT_EQ(cluster.replies[client].size(), 10'000U);
  for (const Outcome& outcome : cluster.replies[client]) EXPECT_FALSE(outcome.error);
  EXPECT_LE(requests, 250U);
  for (const auto& node : cluster.nodes) {
    EXPECT_EQ(node.core->size(), 10'000U);
    EXPECT_GT(node.processes.size(), 3000U);
  }
}

TEST(Requests, ARepeatThatIsDueAsItsCoordinatorIsLostAsksTheNextOne) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.tick_timeout = 6s; };
  cluster.form();
  const std::string id = cluster.id_at(1);
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[1].name}};
  cluster.drop_channels(1, false);
  const auto client = cluster.start(0, {spec_of(id)});
  cluster.run(10s);
  EXPECT_EQ(cluster.result(client), "ok") << "the repeat after 6 s came in the step that gave the node up";
}

TEST(Requests, AStartThatALostCoordinatorMayHaveDoneIsNotRefusedByTheNextOne) {
  Cluster cluster(2);
  cluster.change = [](std::size_t i, Settings& settings) {
    if (i == 0) settings.offers = {};  // what is asked here can run only there
  };
  cluster.form();
  // Of ten, some have the other node as their coordinator: it does what it is asked, and nothing that it says
  // of that arrives.
  cluster.lost = {MessageBody(Answer{}).index(), MessageBody(Delta{}).index()};
  std::map<std::string, std::uint64_t> asked;
  for (int i = 0; i < 10; ++i) {
    const std::string id = "c" + std::to_string(i);
    asked[id] = cluster.start(0, {spec_of(id)});
  }
  cluster.run();
  std::erase_if(asked, [&](const auto& one) { return cluster.alive(one.first) == 0; });
  ASSERT_FALSE(asked.empty());
  cluster.split({{0}, {1}}, 1s);
  cluster.run(20s);
  for (const auto& [id, client] : asked) {
    EXPECT_EQ(cluster.alive(id), 1U);
    EXPECT_EQ(cluster.result(client), "timeout");
  }
}

TEST(Requests, WhatIsTooMuchForACoordinatorIsBusyAtOnce) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.inbox_max = 5; };
  cluster.form();
  cluster.pause(1);  // so that the view of a third, which comes and goes, is not confirmed: requests wait
  cluster.drop_channels(1, false);
  cluster.run(10ms);
  std::vector<std::uint64_t> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(cluster.start(0, {spec_of("c" + std::to_string(i))}));
  cluster.run(20s);
  std::size_t busy = 0;
  for (const std::uint64_t client : clients) {
    EXPECT_NE(cluster.result(client), "no answer");
    busy += cluster.result(client) == "busy" ? 1 : 0;
  }
  EXPECT_GT(busy, 0U) << "more wait than there is room for";
  EXPECT_LE(busy, 15U);
}

TEST(Requests, ManyEventsInOneStepLeaveInOneDelta) {
  Cluster cluster(2);
  cluster.form();
  std::vector<std::pair<ChildId, Epoch>> started;
  std::vector<NamedSpec> specs;
  for (int i = 0; i < 100; ++i) {
    specs.push_back(spec_of("c" + std::to_string(i)));
    cluster.hold_starts.insert(specs.back().id);
  }
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i == 0)
      for (const Start& start : effects.starts) started.emplace_back(start.id, start.epoch);
  };
  cluster.start(0, std::move(specs));
  cluster.run();
  std::vector<Event> events;
  for (const auto& [id, epoch] : started) events.emplace_back(Started{id, epoch, {1, 2}, 0});
  ASSERT_GT(events.size(), 30U);
  const Effects& effects = cluster.nodes[0].core->step_all(events, cluster.now);
  std::size_t deltas = 0;
  for (const Send& send : effects.sends) deltas += std::holds_alternative<Delta>(send.body) ? 1 : 0;
  EXPECT_EQ(deltas, 1U);
}

TEST(Requests, ARequestWhoseCoordinatorDiesIsAnsweredByTheNextOne) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(1);
  cluster.hold_starts.insert(id_of(id));
  const auto client = cluster.start(0, {spec_of(id)});
  cluster.run();
  EXPECT_EQ(cluster.result(client), "no answer");
  cluster.hold_starts.clear();
  cluster.kill(1);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive(id), 1U);
}

TEST(Requests, AStopIsNotAnsweredWhileTheNodeThatWasAskedKnowsTheChild) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(1);
  cluster.start(1, {spec_of(id)});
  cluster.run();
  cluster.hold_stops.insert(id_of(id));
  const auto client = cluster.stop(0, id);
  cluster.run();
  // The coordinator answers at once: it had lost the host, which has come back since.
  Outcome outcome;
  outcome.id = id_of(id);
  outcome.epoch = cluster.nodes[1].processes.at(id_of(id));
  const RequestKey request{cluster.nodes[0].name, 1, 1};
  cluster.give(0, PeerMessage{cluster.nodes[1].name, 1,
                              Answer{request, cluster.nodes[0].core->view_hash(), {outcome}}});
  cluster.run(10s);
  EXPECT_EQ(cluster.result(client), "no answer");
  cluster.exit(id, true);
  cluster.run();
  EXPECT_EQ(cluster.result(client), "ok");
}

TEST(Requests, WhatACoordinatorHadOpenEndsWithItsSession) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.hold_stops.insert(id_of(id));
  const auto stop = cluster.stop(1, id);
  cluster.start(2, {spec_of(id)});  // waits for the end of the stop
  cluster.run();
  cluster.pause(0);
  cluster.drop_channels(0, true);
  cluster.kill(2);
  cluster.run(10s);
  EXPECT_EQ(cluster.result(stop), "ok");
  cluster.resume(0);
  cluster.hold_stops.clear();
  cluster.exit(id, true);
  cluster.run(60s);
  EXPECT_EQ(cluster.alive(id), 0U);
}

TEST(Requests, WhatWasAskedInAViewDoesNotComeBackWithThatView) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  const std::uint64_t view = cluster.nodes[0].core->view_hash();
  const auto say = [&](std::size_t from, MessageBody body) {
    cluster.give(0, PeerMessage{cluster.nodes[from].name, 1, std::move(body)});
  };
  say(2, View{1});  // n1 has to wait
  say(1, StartRequest{{cluster.nodes[1].name, 1, 50}, StartMode::start, view, 0, {}, {spec_of(id)}});
  say(1, View{2});
  say(1, View{view});
  say(2, View{view});
  cluster.run();
  EXPECT_TRUE(cluster.nodes[0].core->view_confirmed());
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of(id)), nullptr);
}

TEST(Requests, AStartThatWasRefusedAndIsDoneInAViewBetweenIsNotRefusedOnceMore) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  const std::size_t next = cluster.index(cluster.nodes[0].core->placement(id_of(id)).at(1));
  cluster.lost.insert(MessageBody(Answer{}).index());
  const auto client = cluster.start(3 - next, {spec_of(id)});  // it runs already
  cluster.run();
  const auto stop = cluster.stop(0, id);
  cluster.run();
  ASSERT_EQ(cluster.result(stop), "ok");
  const auto weigh = [&](std::uint32_t weight) {
    cluster.give(0, SettingsChanged{{"counter", "echo"}, weight});
    cluster.run();
  };
  weigh(0);
  ASSERT_EQ(cluster.alive(id), 1U) << "another decides, and has started it";
  cluster.lost.clear();
  weigh(100);
  cluster.run(3s);
  EXPECT_EQ(cluster.result(client), "ok");
}

TEST(Requests, AStartThatWaitsForAStopDoesNotOutliveTheViewInWhichItWasAsked) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.hold_stops.insert(id_of(id));
  const auto stop = cluster.stop(0, id);
  const std::uint64_t view = cluster.nodes[0].core->view_hash();
  const RequestKey request{cluster.nodes[1].name, 1, 50};
  cluster.give(0, PeerMessage{cluster.nodes[1].name, 1,
                              StartRequest{request, StartMode::start, view, 0, {}, {spec_of(id)}}});
  for (const std::uint64_t said : {std::uint64_t{1}, view})
    cluster.give(0, PeerMessage{cluster.nodes[1].name, 1, View{said}});
  cluster.run();
  cluster.exit(id, true);
  cluster.run(10s);
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.alive(id), 0U);
}

// Its stop has no coordinator any more when it drains.
TEST(Requests, ALoneNodeThatLeavesDoesNotWaitForAnAnswerThatNobodyCanGive) {
  Cluster cluster(1);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run();
  constexpr std::uint64_t drain = 7777;
  cluster.stop(0, "a");
  cluster.give(0, ClientDrain{{drain}, true});
  cluster.run();  // and no time passes
  EXPECT_EQ(cluster.replies.count(drain), 1U);
}

TEST(Requests, ANodeThatLeavesDoesNotWaitForWhatAnotherDecidesByNow) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.copies = [&](const NodeName&, const NodeName& to, const MessageBody& body) {
    return to == cluster.nodes[0].name && std::holds_alternative<DeltaAck>(body) ? 0 : 1;
  };
  const auto client = cluster.start(0, {spec_of(id)});
  cluster.run(100ms);
  ASSERT_EQ(cluster.result(client), "no answer") << "it is open at its first coordinator";
  cluster.give(0, SettingsChanged{{"counter", "echo"}, 0});
  cluster.run(100ms);
  ASSERT_EQ(cluster.nodes[0].core->node_for(id_of(id)), cluster.nodes[1].name);
  cluster.copies = {};
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.host(id), 1U);
  cluster.give(0, ClientDrain{{9999}});
  cluster.run(1s);
  EXPECT_TRUE(cluster.nodes[0].left);
}

TEST(Retry, OfAChildThatHasNoTroubleWritesNothing) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, {spec_of("a")});
  cluster.run(1s);
  const Dot before = cluster.nodes[0].core->spec(id_of("a"))->dot;
  const auto retry = cluster.ask<ClientRetry>(0, "a");
  cluster.run(1s);
  EXPECT_EQ(cluster.result(retry), "ok");
  EXPECT_EQ(cluster.nodes[0].core->spec(id_of("a"))->dot, before);
}

}  // namespace requests_test
}  // namespace brood::core::testing
