// What a start promises, wherever it is asked for: of nodes that are named, of ids that several ask for at
// once, and to the node that has asked.
#include "core/testing.hpp"

namespace brood::core::testing {
namespace starts_test {

std::string owned_by(const Cluster& cluster, std::size_t node) {
  for (int i = 0;; ++i) {
    std::string id = "k" + std::to_string(i);
    if (cluster.nodes[0].core->node_for(id_of(id)) == cluster.nodes[node].name) return id;
  }
}

NamedSpec under(ChildId id) {
  return {std::move(id), spec_of("x").spec};
}

TEST(Starts, OnANodeThatIsLostOrHasLeftAreErrorsAndLeaveNothing) {
  Cluster cluster(4);
  cluster.form();
  cluster.kill(3);
  cluster.give(2, ClientDrain{{900}});
  cluster.run(12s);
  ASSERT_TRUE(cluster.nodes[2].left);
  for (const std::size_t gone : {2U, 3U}) {
    const auto client = cluster.start(0, {spec_of("a")}, StartMode::start, cluster.nodes[gone].name);
    cluster.run(1s);
    EXPECT_EQ(cluster.result(client), "not_member") << gone;
    EXPECT_EQ(cluster.alive("a"), 0U);
    for (const std::size_t i : {0U, 1U}) EXPECT_EQ(cluster.nodes[i].core->spec(id_of("a")), nullptr);
  }
}

TEST(Starts, OnANodeThatGetsNoChildrenAreRefused) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.ring_nodes = {NodeName("n1@test")}; };
  cluster.form();
  const auto client = cluster.start(1, {spec_of("a")}, StartMode::start, cluster.nodes[1].name);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "no_target");
  EXPECT_NE(cluster.replies[client].front().error->message.find("n2@test"), std::string::npos);
  EXPECT_EQ(cluster.alive("a"), 0U);
}

TEST(Starts, WaitForNoAcknowledgementWhereTheNodeThatAskedIsTheOtherThatHasTheRow) {
  for (const std::size_t asked : {0U, 1U}) {
    Cluster cluster(3);
    cluster.form();
    cluster.copies = [](const NodeName&, const NodeName&, const MessageBody& body) {
      return std::holds_alternative<DeltaAck>(body) ? 0 : 1;
    };
    const std::string id = cluster.id_at(0);
    const auto client = cluster.start(asked, {spec_of(id)});
    cluster.run();
    EXPECT_EQ(cluster.host(id), 0U);
    ASSERT_EQ(cluster.replies.contains(client), asked == 1) << "the coordinator itself waits for another's";
    if (asked == 0) continue;
    EXPECT_EQ(cluster.result(client), "ok");
    cluster.copies = nullptr;
    cluster.kill(0);
    cluster.run(12s);
    EXPECT_EQ(cluster.alive(id), 1U) << "what was acknowledged is lost";
  }
}

// What runs goes on, so its epoch does not tell the node that asked whether it holds the new row.
TEST(Starts, ThatChangeTheRowOfWhatRunsWaitUntilAnotherNodeSaysThatItHasIt) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  const auto first = cluster.start(1, {spec_of(id)});
  cluster.run();
  ASSERT_EQ(cluster.result(first), "ok");
  cluster.copies = [](const NodeName&, const NodeName&, const MessageBody& body) {
    return std::holds_alternative<DeltaAck>(body) ? 0 : 1;
  };
  auto changed = opened(spec_of(id));
  changed->shutdown.infinity = true;
  const auto client = cluster.start(1, {changed}, StartMode::apply);
  cluster.run();
  EXPECT_FALSE(cluster.replies.contains(client));
}

// It begins anew with the change.
TEST(Starts, ThatChangeARowAreAnsweredWhereTheChildIsRestartedMeanwhile) {
  for (const bool moves : {false, true}) {
    Cluster cluster(3);
    cluster.form();
    const std::string id = cluster.id_at(0);
    cluster.start(0, {spec_of(id)}, StartMode::start, cluster.nodes[moves ? 1 : 0].name);
    cluster.run();
    cluster.copies = [](const NodeName&, const NodeName&, const MessageBody& body) {
      return std::holds_alternative<DeltaAck>(body) ? 0 : 1;
    };
    auto changed = opened(spec_of(id));
    changed->extras.change().tag = "blue";
    const auto apply = cluster.start(1, {changed}, StartMode::apply);
    cluster.run(100ms);
    EXPECT_FALSE(cluster.replies.contains(apply));
    const auto restart = cluster.start(2, {spec_of(id)}, StartMode::restart);
    cluster.run(100ms);
    cluster.copies = {};
    cluster.start(0, many(20));  // with them all that came before is acknowledged
    cluster.run(1s);
    EXPECT_EQ(cluster.result(restart), "ok");
    EXPECT_EQ(cluster.result(apply), "ok") << (moves ? "moves" : "stays");
    EXPECT_EQ(cluster.alive(id), 1U);
    for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->spec(id_of(id))->spec->extras->tag, "blue");
  }
}

// Whoever asked saw the child: it was stopped while its request was on the way.
TEST(Starts, OfWhatIsToBeChangedOrToBeginAnewBringNothingBackThatWasStopped) {
  for (const StartMode mode : {StartMode::restart, StartMode::change})
    for (const bool is_static : {false, true}) {
      Cluster cluster(3);
      cluster.form();
      const std::string id = cluster.id_at(0);
      const auto spec = spec_of(id, "counter", Restart::permanent, is_static);
      cluster.start(0, {spec});
      cluster.run();
      cluster.hold_stops.insert(id_of(id));
      const auto stop = cluster.stop(1, id);
      const auto behind = cluster.start(2, {spec}, mode);
      cluster.run(100ms);
      cluster.exit(id, true);
      cluster.hold_stops.clear();
      cluster.run(1s);
      EXPECT_EQ(cluster.result(stop), "ok");
      EXPECT_EQ(cluster.result(behind), "no_such_child");
      EXPECT_EQ(cluster.alive(id), 0U);
      const auto later = cluster.start(1, {spec}, mode);
      cluster.run(1s);
      EXPECT_EQ(cluster.result(later), "no_such_child");
      EXPECT_EQ(cluster.alive(id), 0U);
      const auto applied = cluster.start(1, {spec}, StartMode::apply);
      cluster.run(1s);
      EXPECT_EQ(cluster.result(applied), "ok");
      EXPECT_EQ(cluster.alive(id), 1U);
    }
}

TEST(Starts, ThatReplaceAChildAreAnsweredOnceItRunsThoughItIsRestartedMeanwhile) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.hold_stops.insert(id_of(id));
  const auto applied = cluster.start(1, {spec_of(id, "echo")}, StartMode::apply);
  cluster.run(100ms);
  const auto restarted = cluster.start(2, {spec_of(id, "echo")}, StartMode::restart);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(applied), "no answer") << "the former one runs still";
  cluster.hold_stops.clear();
  cluster.exit(id, true);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(applied), "ok");
  EXPECT_EQ(cluster.result(restarted), "ok");
  EXPECT_EQ(cluster.alive(id), 1U);
}

TEST(Starts, OnANamedNodeBeginThereAndAreNotBoundToIt) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = owned_by(cluster, 0);
  const auto client = cluster.start(2, {spec_of(id)}, StartMode::start, cluster.nodes[1].name);
  cluster.run(5s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.host(id), 1U);
  cluster.kill(1);
  cluster.run(5s);
  EXPECT_EQ(cluster.host(id), 0U) << "where it belongs";
}

TEST(Starts, OfOneIdFromAllNodesAtOnceLeaveOneWhateverTheIdAndWhereverItIsToBegin) {
  const std::vector<ChildId> ids{*ChildId::binary("a"), *ChildId::atom("a"),
                                 *ChildId::from_term(Term::tuple({Term::atom("user"), Term(42)}))};
  for (const ChildId& id : ids) {
    Cluster cluster(3);
    cluster.form();
    std::vector<std::uint64_t> clients;
    for (std::size_t from = 0; from < 3; ++from)
      clients.push_back(cluster.start(from, {under(id)}, StartMode::start, cluster.nodes[from].name));
    cluster.run(1s);
    std::multiset<std::string> results;
    std::set<std::pair<NodeName, std::uint32_t>> told;
    for (const auto client : clients) {
      results.insert(cluster.result(client));
      const Outcome& outcome = cluster.replies[client].front();
      told.emplace(outcome.host->node, outcome.pid.id);
    }
    EXPECT_EQ(results, (std::multiset<std::string>{"already_started", "already_started", "ok"})) << id.text();
    EXPECT_EQ(told.size(), 1U) << "the others are told of the one that runs";
    std::size_t alive = 0;
    for (const auto& node : cluster.nodes) alive += node.processes.count(id);
    EXPECT_EQ(alive, 1U) << id.text();
  }
}

TEST(Starts, AreKnownToWhoAskedInTheVeryStepThatAnswers) {
  Cluster cluster(3);
  cluster.form();
  std::size_t answered = 0, elsewhere = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Reply& reply : effects.replies)
      for (const Outcome& outcome : reply.outcomes) {
        ++answered;
        ASSERT_FALSE(outcome.error) << outcome.error->message;
        const auto known = cluster.nodes[i].core->instances(outcome.id);
        ASSERT_EQ(known.size(), 1U) << outcome.id.text();
        EXPECT_EQ(known.front().instance.phase, Phase::running);
        EXPECT_EQ(known.front().instance.pid.id, outcome.pid.id);
        elsewhere += known.front().host.node == cluster.nodes[i].name ? 0 : 1;
      }
  };
  for (int n = 0; n < 60; ++n) {
    cluster.start(static_cast<std::size_t>(n % 3), {spec_of("one" + std::to_string(n))});
    cluster.run();
  }
  std::vector<NamedSpec> batch;
  for (int n = 0; n < 300; ++n) batch.push_back(spec_of("batch" + std::to_string(n)));
  cluster.start(1, std::move(batch));
  cluster.run();
  EXPECT_EQ(answered, 360U);
  EXPECT_GT(elsewhere, 100U);
}

TEST(Starts, ThatWerePassedOnTooOftenAreBusyAndNotPassedOnAgain) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = owned_by(cluster, 2);
  const auto& asks = cluster.nodes[0];
  StartRequest request;
  request.request = {asks.name, asks.creation, 99};
  request.view = asks.core->view_hash();
  request.specs = {spec_of(id)};
  request.forwards = Settings().forwards_max;
  cluster.record = true;
  cluster.give(1, PeerMessage{asks.name, asks.creation, request});
  cluster.run();
  std::size_t refused = 0;
  for (const auto& [from, body] : cluster.sent) {
    EXPECT_FALSE(std::holds_alternative<StartRequest>(body));
    if (const auto* answer = std::get_if<Answer>(&body))
      for (const Outcome& outcome : answer->outcomes) {
        ++refused;
        EXPECT_EQ(outcome.error->code, Errc::busy);
        EXPECT_EQ(from, cluster.nodes[1].name);
      }
  }
  EXPECT_EQ(refused, 1U);
  EXPECT_EQ(cluster.alive(id), 0U);
}

}  // namespace starts_test
}  // namespace brood::core::testing
