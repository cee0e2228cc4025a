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

}  // namespace waits_test
}  // namespace brood::core::testing
