// What becomes of a child that is begun anew on another node, whoever is lost meanwhile.
#include "core/testing.hpp"

namespace brood::core::testing {
namespace replacing_test {

/// A child that may run on that node only.
NamedSpec bound_to(const Cluster& cluster, const std::string& id, std::size_t node,
                   const std::string& worker = "counter") {
  const auto spec = opened(spec_of(id, worker));
  spec->extras.change().nodes = {cluster.nodes[node].name};
  return spec;
}

bool is_held(const Cluster& cluster, std::size_t node, const std::string& id) {
  const SpecRow* row = cluster.nodes[node].core->spec(id_of(id));
  return row && row->held;
}

/// Of four nodes the first coordinates it and the second runs it. It is to run on the third, and the second
/// has begun to end it.
struct Begun {
  explicit Begun(std::size_t asked) {
    cluster.form();
    id = cluster.id_at(0);
    cluster.start(0, {bound_to(cluster, id, 1)});
    cluster.run();
    EXPECT_EQ(cluster.host(id), 1U);
    cluster.hold_stops.insert(id_of(id));
    client = cluster.start(asked, {bound_to(cluster, id, 2, "echo")}, StartMode::apply);
    cluster.run(100ms);
    EXPECT_EQ(cluster.result(client), "no answer");
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(is_held(cluster, i, id)) << i;
  }
  void end() {
    cluster.hold_stops.clear();
    cluster.exit(id, true);
    cluster.run(1s);
  }

  Cluster cluster{4};
  std::string id;
  std::uint64_t client = 0;
};

TEST(Replacing, OnAnotherNodeWaitsForTheEndOfWhatRuns) {
  Begun begun(3);
  EXPECT_EQ(begun.cluster.alive(begun.id), 1U);
  begun.end();
  EXPECT_EQ(begun.cluster.result(begun.client), "ok");
  EXPECT_EQ(begun.cluster.alive(begun.id), 1U);
  EXPECT_EQ(begun.cluster.host(begun.id), 2U);
}

TEST(Replacing, GoesOnWhereItsCoordinatorIsLostWithWhoAskedForIt) {
  Begun begun(0);
  begun.cluster.kill(0);
  begun.cluster.run(12s);
  EXPECT_EQ(begun.cluster.host(begun.id), 1U);
  begun.end();
  EXPECT_EQ(begun.cluster.alive(begun.id), 1U);
  EXPECT_EQ(begun.cluster.host(begun.id), 2U);
}

TEST(Replacing, GoesOnWhereItsCoordinatorLeavesAndNobodyAsksAnyMore) {
  Begun begun(3);
  begun.cluster.give(3, ClientGone{{begun.client}});
  begun.cluster.give(0, ClientDrain{{9999}});
  begun.cluster.run(12s);
  EXPECT_TRUE(begun.cluster.nodes[0].left);
  begun.end();
  EXPECT_EQ(begun.cluster.host(begun.id), 2U);
}

TEST(Replacing, GoesOnWhereItsCoordinatorIsLostAndAnotherIsAskedAgain) {
  Begun begun(3);
  begun.cluster.kill(0);
  begun.cluster.run(12s);
  EXPECT_EQ(begun.cluster.result(begun.client), "no answer");
  begun.end();
  EXPECT_EQ(begun.cluster.result(begun.client), "ok");
  EXPECT_EQ(begun.cluster.host(begun.id), 2U);
}

TEST(Replacing, GoesOnLongAfterTheTimeOfWhoAskedIsOver) {
  Begun begun(3);
  begun.cluster.run(100s);
  EXPECT_EQ(begun.cluster.alive(begun.id), 1U);
  begun.end();
  EXPECT_EQ(begun.cluster.host(begun.id), 2U);
}

// Whoever coordinates it next does not know who ran it: each has to have heard of the row.
TEST(Replacing, GoesOnOnceAllHaveHeardOfIt) {
  Begun begun(0);
  begun.cluster.kill(0);
  begun.cluster.pause(3);
  begun.cluster.run(1s);
  begun.end();
  EXPECT_EQ(begun.cluster.alive(begun.id), 0U);
  begun.cluster.resume(3);
  begun.cluster.run(1s);
  EXPECT_EQ(begun.cluster.host(begun.id), 2U);
}

TEST(Replacing, IsNoMatterForAStopThatItsNextCoordinatorIsAsked) {
  Begun begun(0);
  begun.cluster.kill(0);
  begun.cluster.run(12s);
  const auto stop = begun.cluster.stop(3, begun.id);
  begun.cluster.run(100ms);
  EXPECT_EQ(begun.cluster.result(stop), "no answer");
  begun.end();
  EXPECT_EQ(begun.cluster.result(stop), "ok");
  EXPECT_EQ(begun.cluster.alive(begun.id), 0U);
  EXPECT_EQ(begun.cluster.nodes[1].core->spec(id_of(begun.id)), nullptr);
}

TEST(Replacing, IsKnownToWhoLooksForTheChildAndToWhoWouldMoveIt) {
  Begun begun(3);
  const auto lookup = begun.cluster.ask<ClientLookup>(3, begun.id);
  begun.cluster.give(3, ClientMove{{9998}, MoveKind::to_node, id_of(begun.id), begun.cluster.nodes[3].name});
  begun.cluster.run(100ms);
  EXPECT_EQ(begun.cluster.result(lookup), "ok");
  EXPECT_FALSE(begun.cluster.replies[lookup].front().host);
  EXPECT_EQ(begun.cluster.result(9998), "busy");
}

// What is asked meanwhile has its turn after it.
TEST(Replacing, IsReplacedInTurn) {
  Begun begun(0);
  const auto other = begun.cluster.start(2, {bound_to(begun.cluster, begun.id, 3)}, StartMode::apply);
  const auto again = begun.cluster.start(3, {bound_to(begun.cluster, begun.id, 3)}, StartMode::restart);
  begun.cluster.run(100ms);
  begun.end();
  EXPECT_EQ(begun.cluster.result(other), "ok");
  EXPECT_EQ(begun.cluster.result(again), "ok");
  EXPECT_EQ(begun.cluster.alive(begun.id), 1U);
  EXPECT_EQ(begun.cluster.host(begun.id), 3U);
}

TEST(Replacing, ByTheSameFromSeveralIsDoneForAllOfThem) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.hold_stops.insert(id_of(id));
  std::vector<std::uint64_t> clients;
  for (std::size_t i = 0; i < 3; ++i) {
    clients.push_back(cluster.start(i, {spec_of(id)}, StartMode::restart));
    cluster.run(100ms);
  }
  cluster.hold_stops.clear();
  cluster.exit(id, true);
  cluster.run(1s);
  for (const std::uint64_t client : clients) EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive(id), 1U);
}

// It fails to start where it is to run by now, and the row stays: it was not a start that was asked for.
TEST(Replacing, ByWhatCannotStartIsToldAndTriedOn) {
  Begun begun(0);
  begun.cluster.fail_starts.insert(id_of(begun.id));
  begun.end();
  EXPECT_EQ(begun.cluster.result(begun.client), "start_failed");
  begun.cluster.fail_starts.clear();
  begun.cluster.run(60s);
  EXPECT_EQ(begun.cluster.host(begun.id), 2U);
}

TEST(Replacing, OfAStaticChildIsNoStop) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(0);
  const auto bound = [&](std::size_t node) {
    const auto spec = opened(bound_to(cluster, id, node, node == 1 ? "counter" : "echo"));
    spec->is_static = true;
    return NamedSpec(spec);
  };
  cluster.start(0, {bound(1)}, StartMode::ensure);
  cluster.run();
  cluster.hold_stops.insert(id_of(id));
  cluster.start(0, {bound(2)}, StartMode::apply);
  cluster.run(100ms);
  cluster.kill(0);
  cluster.boot(0);
  cluster.start(0, {bound(1)}, StartMode::ensure);
  cluster.run(12s);
  cluster.hold_stops.clear();
  cluster.exit(id, true);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive(id), 1U);
  EXPECT_EQ(cluster.host(id), 2U);
}

TEST(Replacing, OfAChildThatRunsElsewhereThanItBelongsEndsItThereFirst) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)}, StartMode::start, cluster.nodes[1].name);
  cluster.run();
  const auto first = cluster.nodes[cluster.host(id)].processes.at(id_of(id));
  const auto client = cluster.start(0, {spec_of(id)}, StartMode::restart);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(client), "ok");
  EXPECT_EQ(cluster.alive(id), 1U);
  EXPECT_GT(cluster.nodes[cluster.host(id)].processes.at(id_of(id)), first);
}

// A coordinator that has begun a replacement is none for a while, another goes on with it, and then it is the
// coordinator again.
TEST(Replacing, EndsWithAStopThoughAnotherNodeHasGoneOnWithIt) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(0);
  const auto pinned = opened(spec_of("pinned"));
  pinned->extras.change().nodes = {cluster.nodes[0].name};
  cluster.start(0, {pinned, spec_of(id)});
  cluster.run();
  cluster.hold_stops.insert(id_of(id));
  const auto other = opened(spec_of(id, "echo"));
  other->extras.change().nodes = {cluster.nodes[1].name};
  const auto apply = cluster.start(0, {other}, StartMode::apply);
  cluster.run();
  EXPECT_TRUE(cluster.nodes[0].core->spec(id_of(id))->held);
  cluster.give(0, ClientDrain{{9999}});  // refused, for the pinned one could run nowhere
  cluster.run();
  EXPECT_TRUE(cluster.nodes[0].core->spec(id_of(id))->held);
  const auto stop = cluster.stop(0, id);
  cluster.run();
  cluster.hold_stops.clear();
  cluster.exit(id, true);
  cluster.run(10s);
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.result(apply), "stopped");
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->spec(id_of(id)), nullptr);
  EXPECT_EQ(cluster.alive(id), 0U);
}

// The node that ran it hears of the replacement first, and of the stop later: that too is waited for.
TEST(Replacing, EndsWithAStopThatIsAnsweredOnceTheFormerNodeKnowsOfIt) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = cluster.id_at(2);
  auto spec = opened(spec_of(id));
  spec->extras.change().nodes = {cluster.nodes[0].name};
  cluster.fail_starts.insert(id_of(id));
  cluster.start(2, {spec}, StartMode::apply);
  cluster.run();
  ASSERT_EQ(cluster.nodes[2].core->instances(id_of(id)).size(), 1U) << "it waits to be started again";
  cluster.pause(0);
  spec = opened(spec);
  spec->worker = spec->needs = "echo";
  spec->extras.change().nodes = {cluster.nodes[1].name};
  const auto apply = cluster.start(2, {spec}, StartMode::apply);
  cluster.run();
  const auto stop = cluster.stop(2, id);
  cluster.run();
  EXPECT_EQ(cluster.result(stop), "no answer");
  cluster.resume(0);
  cluster.run();
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.result(apply), "stopped");
}

}  // namespace replacing_test
}  // namespace brood::core::testing
