#include "core/members/view_pace.hpp"

#include "core/testing.hpp"

namespace brood::core {
namespace view_pace_test {

using namespace std::chrono_literals;

struct Pace : ::testing::Test {
  /// The wait that follows on a change now.
  Duration changed(std::size_t nodes, bool confirmed = true) {
    pace.changed(settings, now, nodes, confirmed);
    return pace.next() - now;
  }
  Settings settings;
  ViewPace pace;
  Duration now = 10s;
};

TEST_F(Pace, AFewNodesThatComeTogetherAreNotHeldUp) {
  for (int come = 0; come < 12; ++come, now += 1ms) EXPECT_EQ(changed(5), Duration{}) << come;
}

TEST_F(Pace, EachOfVeryManyThatComeTogetherWaitsTwiceAsLongUpToABound) {
  EXPECT_EQ(changed(100), 100 * ViewPace::first);
  EXPECT_EQ(changed(100), 200 * ViewPace::first);
  EXPECT_EQ(changed(100), 400 * ViewPace::first);
  for (int more = 0; more < 20; ++more) EXPECT_LE(changed(100), 100 * ViewPace::most);
  EXPECT_EQ(changed(100), 100 * ViewPace::most);
}

TEST_F(Pace, OneThatComesMuchLaterDoesNotWait) {
  for (int come = 0; come < 10; ++come) (void)changed(40);
  EXPECT_GT(changed(40), Duration{});
  now += 60s;
  EXPECT_EQ(changed(40), Duration{});
}

TEST_F(Pace, WhereNoViewIsConfirmedBeforeTheNextTheyWaitLonger) {
  for (int come = 0; come < 20; ++come) (void)changed(100, false);
  EXPECT_GT(changed(100, false), 100 * ViewPace::most);
  EXPECT_LE(changed(100, false), settings.view_wait);
  EXPECT_LE(changed(100, true), 100 * ViewPace::most) << "one was: the machines can bear it";
}

TEST(PaceOfViews, OneWithoutALostNodeDoesNotWaitAsOneWithAnotherNodeDoes) {
  testing::Cluster cluster(5);
  cluster.change = [](std::size_t, Settings& settings) { settings.views_free = 0; };
  for (std::size_t i = 0; i < 3; ++i) cluster.boot(i);
  cluster.run(4s);
  const Core& core = *cluster.nodes[0].core;
  cluster.boot(3);
  ASSERT_EQ(core.up_nodes().size(), 4U);
  const std::uint64_t view = core.view_hash();
  cluster.boot(4);
  ASSERT_EQ(core.members().size(), 5U);
  EXPECT_EQ(core.view_hash(), view) << "held back for a moment, in which no time has passed";
  cluster.kill(2);
  cluster.run();
  EXPECT_NE(core.view_hash(), view);
}

}  // namespace view_pace_test
}  // namespace brood::core
