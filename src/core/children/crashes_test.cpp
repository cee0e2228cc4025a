#include "core/children/crashes.hpp"

#include "core/children/losses.hpp"
#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace crashes_test {

TEST(RestartPause, TheFirstCrashIsMadeGoodAtOnceAndTheNextWaitTwiceAsLongEach) {
  const Settings settings;
  EXPECT_EQ(restart_pause(settings, {}, 1, true), Duration{});
  EXPECT_EQ(restart_pause(settings, {}, 2, true), settings.backoff_first);
  EXPECT_EQ(restart_pause(settings, {}, 3, true), 2 * settings.backoff_first);
  EXPECT_EQ(restart_pause(settings, {}, 1, false), settings.backoff_first)
      << "a start that failed would fail again";
  EXPECT_EQ(restart_pause(settings, {}, 1'000'000, true), settings.backoff_max);
}

TEST(RestartPause, AChildMayHavePausesOfItsOwn) {
  const Settings settings;
  const Pace pace{.backoff_first = 3s, .backoff_max = 7s};
  EXPECT_EQ(restart_pause(settings, pace, 1, true), Duration{});
  EXPECT_EQ(restart_pause(settings, pace, 2, true), 3s);
  EXPECT_EQ(restart_pause(settings, pace, 3, true), 6s);
  EXPECT_EQ(restart_pause(settings, pace, 4, true), 7s);
  EXPECT_EQ(longest_pause(settings, pace), 7s);
}

TEST(RestartPause, TheLongestIsNotBelowTheFirstThatIsGiven) {
  const Settings settings;
  EXPECT_EQ(restart_pause(settings, {.backoff_first = 60s}, 5, true), 60s);
  EXPECT_EQ(restart_pause(settings, {.backoff_max = 10ms}, 2, true), 10ms);
}

TEST(RestartPause, RoundsOfAllNodesWaitLongerAndAreCapped) {
  const Settings settings;
  EXPECT_EQ(round_pause(settings, 1), settings.round_pause);
  EXPECT_EQ(round_pause(settings, 2), 2 * settings.round_pause);
  EXPECT_EQ(round_pause(settings, 4'000'000'000U), settings.round_pause_max);
}

TEST(SuspectPause, DoublesWithEachSuspicionAndIsCapped) {
  const Settings settings;
  EXPECT_EQ(suspect_pause(settings, {}), settings.suspect_delay);
  EXPECT_EQ(suspect_pause(settings, {0, 1, {}}), 2 * settings.suspect_delay);
  EXPECT_EQ(suspect_pause(settings, {1, 4'000'000, {}}), settings.suspect_delay_max);
}

}  // namespace crashes_test

// Whoever hears first that a node has given it up starts it. The coordinator has not heard of that yet, and
// gives it to itself.
TEST(Crash, AMoveYieldsToTheNodeThatGivesTheChildUpMeanwhile) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.max_restarts = 0; };
  cluster.form();
  const std::string id = cluster.id_at(0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  ASSERT_EQ(cluster.host(id), 0U);
  cluster.exit(id, false);
  cluster.run();
  const std::size_t second = cluster.host(id);
  ASSERT_NE(second, 0U);
  cluster.pause(0);
  cluster.give(0, ClientMove{{900}, MoveKind::to_node, id_of(id), cluster.nodes[0].name});
  cluster.exit(id, false);
  cluster.run(1s);
  const std::size_t third = 3 - second;
  ASSERT_EQ(cluster.nodes[third].processes.count(id_of(id)), 1U);
  std::size_t most = 0;
  cluster.watch = [&](std::size_t, const Effects&) { most = std::max(most, cluster.alive(id)); };
  cluster.resume(0);
  cluster.run(10s);
  EXPECT_EQ(most, 1U);
  EXPECT_EQ(cluster.host(id), third);
  for (const auto& node : cluster.nodes)
    EXPECT_FALSE(node.core->spec(id_of(id))->assigned) << node.name.text();
}

// The next node hears of the former first and starts it, the node that gave it up of the latter.
TEST(Crash, ANodeThatGivesAChildUpWhileItIsReplacedStartsItOnceTheNextOneHasHeardOfThat) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) { settings.max_restarts = 0; };
  cluster.form();
  const std::string id = cluster.id_at(0);
  const auto with = [&](const char* worker) {
    auto spec = opened(spec_of(id, worker));
    spec->extras.change().nodes = {cluster.nodes[1].name, cluster.nodes[2].name};
    return static_cast<NamedSpec>(spec);
  };
  cluster.start(0, {with("counter")});
  cluster.run();
  const std::size_t first = cluster.host(id);
  ASSERT_NE(first, 0U);
  std::size_t most = 0, moved = 0;
  cluster.watch = [&](std::size_t, const Effects&) {
    most = std::max(most, cluster.alive(id));
    moved += cluster.nodes[3 - first].processes.count(id_of(id));
  };
  cluster.hold_stops.insert(id_of(id));
  cluster.exit(id, false);
  const auto asked = cluster.start(0, {with("echo")}, StartMode::apply);
  cluster.run(1s);
  ASSERT_GT(moved, 0U) << "the next node was not the first to hear of it: nothing is tested";
  EXPECT_EQ(most, 1U) << "it has not ended there";
  cluster.hold_stops.clear();
  cluster.exit(id, true);
  cluster.run(1s);
  EXPECT_EQ(most, 1U);
  EXPECT_EQ(cluster.host(id), first);
  EXPECT_EQ(cluster.result(asked), "ok");
}

}  // namespace brood::core::testing
