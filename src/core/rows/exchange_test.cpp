// How tables travel: in portions, only where they differ, and behind a peer that is too slow.
#include <gtest/gtest.h>

#include "core/rows/child_table.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace exchange_test {

struct Seen {
  std::size_t portions = 0, most_rows = 0, rows = 0, same = 0, behind = 0, requests = 0;
};

Seen watch_tables(const Cluster& cluster) {
  Seen seen;
  for (const auto& [from, body] : cluster.sent) {
    if (const auto* sync = std::get_if<Sync>(&body)) {
      ++seen.portions;
      seen.rows += sync->rows.size();
      seen.same += sync->same.size();
      seen.most_rows = std::max(seen.most_rows, sync->rows.size());
    }
    seen.behind += std::holds_alternative<Behind>(body) ? 1 : 0;
    seen.requests += std::holds_alternative<SyncRequest>(body) ? 1 : 0;
  }
  return seen;
}

TEST(Exchange, ATableReachesAJoinerInPortionsWhileTheOthersGoOnStarting) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.table_portion = 50; };
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(2000));
  cluster.run(1s);
  cluster.record = true;
  cluster.boot(2);
  std::vector<NamedSpec> more;
  for (int i = 0; i < 200; ++i) more.push_back(spec_of("more" + std::to_string(i)));
  const auto client = cluster.start(0, std::move(more));
  cluster.run(4s);
  const Seen seen = watch_tables(cluster);
  EXPECT_GT(seen.portions, 40U);
  EXPECT_LE(seen.most_rows, 70U);
  EXPECT_EQ(cluster.replies[client].size(), 200U);
  expect_each_once(cluster, 2000);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->size(), 2200U);
}

// They may be as many as the table has rows.
TEST(Exchange, ChangesThatCameWhileATableDidAreTakenInInPortionsToo) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.table_portion = 20;
    settings.step_budget = 20;
  };
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(1000));
  cluster.run(1s);
  std::vector<NamedSpec> late;  // of portions that have been made by then
  for (int i = 0; late.size() < 300; ++i)
    if (NamedSpec spec = spec_of("late" + std::to_string(i)); bucket_of(spec.id.hash()) < buckets / 2)
      late.push_back(std::move(spec));
  std::size_t most = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i == 2) most = std::max(most, effects.changed.size());
    for (const Send& send : effects.sends) {
      const auto* portion = std::get_if<Sync>(&send.body);
      if (i != 0 || portion == nullptr || portion->end <= buckets / 2) continue;
      for (NamedSpec& spec : std::exchange(late, {})) cluster.start(0, {std::move(spec)});
    }
  };
  cluster.boot(2);
  cluster.run(4s);
  EXPECT_GT(most, 5U);
  EXPECT_LE(most, 60U);
  expect_each_once(cluster, 1000);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->size(), 1300U);
}

// A change that is older than the portion which it came behind is not news of what the portion says.
TEST(Exchange, WhatAPortionSaysOfAnInstanceIsNotTakenBackByAnOlderChange) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.lag_max = 20;
    settings.table_portion = 10;
    settings.step_budget = 5;
  };
  cluster.form();
  cluster.start(0, many(200));
  cluster.run(1s);
  std::vector<std::string> here;  // in portions that come late, and few enough not to fall behind again
  for (int i = 0; i < 200 && here.size() < 5; ++i) {
    std::string id = "c" + std::to_string(i);
    if (cluster.host(id) == 0 && bucket_of(id_of(id).hash()) > buckets / 2) here.push_back(std::move(id));
  }
  ASSERT_EQ(here.size(), 5U);
  cluster.pause(1);
  for (int i = 0; i < 100; ++i) cluster.start(0, {spec_of("more" + std::to_string(i))});
  cluster.run();
  std::map<ChildId, std::pair<Epoch, bool>> newest;  // whether it ran
  std::size_t portions = 0;
  std::size_t ran = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i == 0) {
      for (const Send& send : effects.sends) {
        if (!std::holds_alternative<Sync>(send.body) || ++portions != 1) continue;
        for (const std::string& id : here) cluster.exit_on(0, id, false);
      }
      return;
    }
    for (const ChildId& id : effects.changed) {
      for (const Located& each : cluster.nodes[1].core->instances(id)) {
        if (each.host.node != cluster.nodes[0].name) continue;
        const std::pair now{each.instance.epoch, each.instance.phase == Phase::running};
        EXPECT_GE(now, newest[id]) << id.text();
        ran += now.second && now.first > newest[id].first ? 1 : 0;
        newest[id] = now;
      }
    }
  };
  cluster.resume(1);
  cluster.run(20s);
  EXPECT_GT(portions, 10U);
  EXPECT_GE(ran, here.size());
  EXPECT_GT(cluster.nodes[0].core->stats().fell_behind, 0U);
}

TEST(Exchange, ThoseWhoHoldTheSameSendNoRowsWhenTheirChannelIsMadeAnew) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, many(500));
  cluster.run(1s);
  cluster.record = true;
  cluster.drop_channels(1, false);
  cluster.run(3s);
  const Seen seen = watch_tables(cluster);
  EXPECT_EQ(seen.rows, 0U);
  EXPECT_GT(seen.same, 100U);
  expect_each_once(cluster, 500);
}

TEST(Exchange, OnlyTheBucketsThatDifferAreSent) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, many(3000));
  cluster.run(1s);
  cluster.unreachable = {{cluster.nodes[0].name, cluster.nodes[1].name}};
  cluster.drop_channels(1, false);
  cluster.run(200ms);
  cluster.record = true;
  cluster.run(12s);
  cluster.start(0, {spec_of("new")});
  cluster.run(1s);
  cluster.unreachable.clear();
  cluster.run(30s);
  const Seen seen = watch_tables(cluster);
  EXPECT_GT(seen.same, 500U);
  EXPECT_LT(seen.rows, 6000U) << "each side has a row or two of a bucket that differs";
  expect_each_once(cluster, 3000);
  for (const auto& node : cluster.nodes) EXPECT_EQ(node.core->size(), 3001U);
}

TEST(Exchange, APeerThatIsTooSlowGetsTheDifferenceWhenItHasCaughtUp) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.lag_max = 20;
    settings.table_portion = 30;
  };
  cluster.form();
  cluster.record = true;
  cluster.pause(1);
  for (int i = 0; i < 300; ++i)
    cluster.give(0, ClientStart{{10'000U + static_cast<std::uint64_t>(i)},
                                StartMode::ensure,
                                {},
                                {spec_of("c" + std::to_string(i), "counter", Restart::permanent, true)}});
  cluster.run();
  cluster.resume(1);
  cluster.run(20s);
  const Seen seen = watch_tables(cluster);
  EXPECT_GT(seen.behind, 0U);
  EXPECT_GT(seen.requests, 0U);
  expect_each_once(cluster, 300);
  EXPECT_GT(cluster.nodes[0].core->stats().fell_behind, 0U);
}

// A node changes more, while its table is on its way to one that is slow, than that one may lack.
TEST(Exchange, ATableIsNotBrokenOffByWhatIsChangedMeanwhile) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.lag_max = 20;
    settings.table_portion = 1;
  };
  cluster.form();
  cluster.start(0, many(50));
  cluster.run(1s);
  // Every millisecond the slow one says once that it has taken in a portion.
  std::deque<MessageBody> late;
  cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody& body) {
    if (from != cluster.nodes[1].name || !std::holds_alternative<SyncAck>(body)) return 1;
    late.push_back(body);
    return 0;
  };
  const auto& [busy, epoch] = *cluster.nodes[0].processes.begin();
  bool stuck = false;
  const auto pass = [&, id = busy, epoch = epoch](int changes) {
    for (; changes > 0; --changes) cluster.give(0, StuckChanged{id, epoch, stuck = !stuck});
    if (!late.empty()) {
      cluster.give(0, PeerMessage{cluster.nodes[1].name, cluster.nodes[1].creation, late.front()});
      late.pop_front();
    }
    cluster.run(1ms);
  };
  cluster.pause(1);
  pass(30);
  cluster.resume(1);
  ASSERT_GT(cluster.nodes[0].core->stats().fell_behind, 0U);
  const auto client =
      cluster.start(0, {spec_of("new", "counter", Restart::permanent, true)}, StartMode::ensure);
  for (int i = 0; i < 2000 && cluster.result(client) != "ok"; ++i) pass(10);
  EXPECT_EQ(cluster.result(client), "ok") << "another member holds it";
}

// A node that finds a child gone, and is asked for its stop again when the node that stopped it is lost, must
// know that stop; and one that knows the stop must find the child gone.
TEST(Exchange, RequestsThatAreFinishedTravelWithTheRowsOfTheirBuckets) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.table_portion = 2; };
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(20));
  cluster.run(1s);
  for (int i = 0; i < 10; ++i) cluster.stop(0, "c" + std::to_string(i));
  cluster.run(1s);
  cluster.record = true;
  cluster.boot(2);
  cluster.run(2s);
  std::size_t told = 0;
  for (const auto& [from, body] : cluster.sent) {
    const auto* portion = std::get_if<Sync>(&body);
    if (portion == nullptr || from != cluster.nodes[0].name) continue;
    EXPECT_EQ(portion->floors.size(), portion->finished.size());
    for (const Epoch& floor : portion->floors) EXPECT_NE(floor, Epoch{}) << "what was stopped had run";
    for (const auto& [request, id] : portion->finished) {
      ++told;
      EXPECT_GE(bucket_of(id.hash()), portion->first) << id.text();
      EXPECT_LT(bucket_of(id.hash()), portion->end) << id.text();
    }
  }
  EXPECT_GE(told, 10U);
}

TEST(Exchange, OfAChildThatRunsTheInstanceAloneTellsItsEpoch) {
  Cluster cluster(2);
  cluster.form();
  cluster.start(0, many(50));
  cluster.run(1s);
  cluster.record = true;
  cluster.drop_channels(1, false);
  cluster.run(1s);
  std::size_t instances = 0;
  for (const auto& [from, body] : cluster.sent) {
    const auto* portion = std::get_if<Sync>(&body);
    if (portion == nullptr) continue;
    instances += portion->instances.size();
    EXPECT_TRUE(portion->epochs.empty());
  }
  EXPECT_EQ(instances, 50U);
}

// Each bucket takes a look at all its children, also where both know that nothing differs.
TEST(Exchange, APortionEndsAfterSoManyChildrenAlsoWhereNothingDiffers) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.table_portion = 5; };
  cluster.form();
  std::vector<NamedSpec> specs;
  for (const NamedSpec& each : many(2000)) {
    const auto spec = opened(each);
    spec->extras.change().nodes = {cluster.nodes[0].name};
    specs.push_back(spec);
  }
  cluster.start(0, std::move(specs));
  cluster.run(4s);
  expect_each_once(cluster, 2000);
  ChildTable children;
  for (int i = 0; i < 2000; ++i) children.obtain(id_of("c" + std::to_string(i)));
  cluster.record = true;
  cluster.drop_channels(1, false);
  cluster.run(4s);
  std::size_t portions = 0;
  for (const auto& [from, body] : cluster.sent) {
    const auto* portion = std::get_if<Sync>(&body);
    if (portion == nullptr || from != cluster.nodes[1].name) continue;
    ++portions;
    EXPECT_TRUE(portion->rows.empty());
    EXPECT_TRUE(portion->instances.empty());
    std::size_t looked_at = 0;
    for (std::uint32_t bucket = portion->first; bucket < portion->end; ++bucket)
      looked_at += children.bucket(bucket).size();
    EXPECT_LE(looked_at, 16U * 5U + 20U);
  }
  EXPECT_GE(portions, 20U);
}

}  // namespace exchange_test
}  // namespace brood::core::testing
