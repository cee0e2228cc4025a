// When changes leave, and as which Deltas.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace replication_test {

/// What node 0 sends of its changes to node 1, a line a Delta.
std::vector<std::string> deltas_of(const Cluster& cluster) {
  std::vector<std::string> lines;
  for (const auto& [from, body] : cluster.sent) {
    const auto* delta = std::get_if<Delta>(&body);
    if (!delta || from != cluster.nodes[0].name) continue;
    std::string line;
    for (const SpecChange& change : delta->specs) line += change.id.text() + (change.row ? " " : "- ");
    for (const InstanceChange& change : delta->instances)
      line += change.id.text() + "=" +
              (change.instance ? std::string(to_string(change.instance->phase)) : "gone") + " ";
    lines.push_back(line);
  }
  return lines;
}

TEST(Replication, AChildThatRunsInAMomentIsToldOfOnce) {
  Cluster cluster(2);
  cluster.form();
  cluster.record = true;
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run(1s);
  EXPECT_EQ(deltas_of(cluster), std::vector<std::string>{id + " " + id + "=running "});
}

TEST(Replication, OneThatTakesLongToStartIsToldOfMeanwhile) {
  Cluster cluster(2);
  cluster.form();
  cluster.record = true;
  const std::string id = cluster.id_at(0);
  cluster.hold_starts.insert(id_of(id));
  cluster.start(0, {spec_of(id)});
  cluster.run(1s);
  EXPECT_EQ(deltas_of(cluster), std::vector<std::string>{id + " " + id + "=starting "});
}

TEST(Replication, WhatFollowsInTheSameMomentDoesNotLeaveAheadOfIt) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(0);
  auto& core = *cluster.nodes[0].core;
  EXPECT_TRUE(
      core.step(ClientStart{{77}, StartMode::start, {}, {spec_of(id)}, {}}, cluster.now).sends.empty());
  // A question of the other node is answered at once: behind the change.
  const Effects effects =
      core.step(PeerMessage{cluster.nodes[1].name, cluster.nodes[1].creation, Probe{5}}, cluster.now);
  ASSERT_EQ(effects.sends.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<Delta>(effects.sends[0].body));
  EXPECT_TRUE(std::holds_alternative<ProbeAck>(effects.sends[1].body));
}

TEST(Replication, OneThatHasFailedAndIsStartedAgainIsToldOfAsOften) {
  Cluster cluster(2);
  cluster.form();
  cluster.record = true;
  const std::string id = cluster.id_at(0);
  cluster.fail_starts.insert(id_of(id));
  cluster.start(0, {spec_of(id)});
  cluster.run(1s);
  const auto lines = deltas_of(cluster);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front().find("running"), std::string::npos);
  cluster.fail_starts.clear();
  cluster.start(0, {spec_of(id)});
  cluster.run(1s);
  EXPECT_EQ(cluster.alive(id), 1U);
}

/// n2 hangs, and n1 changes more than it may lack.
struct OneThatHangs {
  OneThatHangs() {
    cluster.change = [](std::size_t, Settings& settings) { settings.lag_max = 20; };
    cluster.form();
    id = cluster.id_at(0);
    cluster.start(0, {spec_of(id)});
    cluster.run(1s);
    epoch = cluster.nodes[0].processes.at(id_of(id));
    cluster.watch = [this](std::size_t, const Effects& effects) {
      for (const Send& send : effects.sends)
        if (std::holds_alternative<Behind>(send.body))
          behind.insert(behind.end(), send.to.begin(), send.to.end());
    };
    cluster.pause(1);
    change(40);
  }
  void change(int times) {
    for (; times > 0; --times) {
      cluster.give(0, StuckChanged{id_of(id), epoch, times % 2 == 0});
      cluster.run();
    }
  }
  Cluster cluster{3};
  std::string id;
  Epoch epoch;
  std::vector<NodeName> behind;  ///< Who was told so.
};

TEST(Replication, OneThatTakesInWhatItGetsDoesNotFallBehindWithOneThatDoesNot) {
  const OneThatHangs with;
  EXPECT_EQ(with.behind, std::vector{with.cluster.nodes[1].name});
}

TEST(Replication, OneThatCameLaterLacksNothingThatWasChangedBeforeItsTable) {
  OneThatHangs with;
  with.behind.clear();
  with.cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody& body) {
    return from == with.cluster.nodes[2].name && std::holds_alternative<DeltaAck>(body) ? 0 : 1;
  };
  with.cluster.kill(2);
  with.cluster.boot(2);
  ASSERT_EQ(with.cluster.nodes[0].core->member(with.cluster.nodes[2].name)->session.creation, 2U);
  with.change(3);
  EXPECT_EQ(with.behind, std::vector<NodeName>{});
}

TEST(Replication, VeryManyChangesLeaveInTheOrderInWhichTheyCame) {
  Cluster cluster(2);
  cluster.form();
  cluster.record = true;
  cluster.start(0, many(3000));
  cluster.run(5s);
  std::set<std::string> rows;
  for (const auto& [from, body] : cluster.sent) {
    const auto* delta = std::get_if<Delta>(&body);
    if (!delta) continue;
    EXPECT_LE(delta->specs.size() + delta->instances.size(), 500U);
    for (const SpecChange& change : delta->specs) rows.insert(change.id.text());
    if (from != cluster.nodes[0].name) continue;
    for (const InstanceChange& change : delta->instances)
      EXPECT_TRUE(rows.contains(change.id.text())) << "an instance before its row: " << change.id.text();
  }
  EXPECT_EQ(rows.size(), 3000U);
}

}  // namespace replication_test
}  // namespace brood::core::testing
