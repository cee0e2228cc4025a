#include "core/rows/instances.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace instances_test {

struct Fixture : ::testing::Test {
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  ChildTable children;
  Instances instances{children, session_of("self@test"), outbox, notes};

  Child& child(int number) { return children.obtain(ChildId::binary("c" + std::to_string(number)).value()); }
  static Instance at(std::uint64_t clock) {
    Instance instance;
    instance.epoch = {{clock}, NodeName("b@test")};
    instance.phase = Phase::running;
    return instance;
  }
};
using InstancesPart = Fixture;

TEST_F(InstancesPart, ThoseOfASessionThatIsOverAreGoneAtOnceAndClearedInPortions) {
  Step s = world.step();
  instances.begin(1, session_of("b@test"));
  for (int i = 0; i < 100; ++i) instances.put(s, child(i), 1, at(5), {});
  EXPECT_EQ(instances.count(child(7)), 1U);
  instances.end(1, Loss{session_of("b@test"), Ending::died, {}, {}, false, {}});
  EXPECT_EQ(instances.count(child(7)), 0U);
  EXPECT_EQ(instances.any(child(7)), nullptr);
  EXPECT_TRUE(instances.hosts_any(1));
  notes.told.clear();
  std::size_t portions = 0;
  for (; instances.dropping() && portions < 100; ++portions) {
    Step portion = world.step();
    instances.drop_some(portion, 10);
    EXPECT_LE(portion.effects.changed.size(), 10U);
  }
  EXPECT_GE(portions, 10U);
  EXPECT_EQ(notes.told.size(), 100U) << "each is told to be lost, once";
  EXPECT_FALSE(instances.hosts_any(1));
}

TEST_F(InstancesPart, OneWhoseTurnComesEarlierIsClearedThenAndNotAgain) {
  Step s = world.step();
  instances.begin(1, session_of("b@test"));
  for (int i = 0; i < 3; ++i) instances.put(s, child(i), 1, at(5), {});
  instances.end(1, Loss{session_of("b@test"), Ending::died, {}, {}, false, {}});
  notes.told.clear();
  instances.drop_dead(s, child(1));
  instances.drop_dead(s, child(1));
  EXPECT_EQ(notes.count("lost c1"), 1U);
  while (instances.dropping()) instances.drop_some(s, 10);
  EXPECT_EQ(notes.told.size(), 3U);
}

TEST_F(InstancesPart, ANewSessionOfTheSameNodeHostsItsOwn) {
  Step s = world.step();
  instances.begin(1, session_of("b@test"));
  instances.put(s, child(1), 1, at(5), {});
  instances.end(1, Loss{session_of("b@test"), Ending::died, {}, {}, false, {}});
  instances.begin(1, session_of("b@test", 2));
  instances.put(s, child(2), 1, at(6), {});
  EXPECT_EQ(instances.on(child(1), 1), nullptr);
  ASSERT_NE(instances.on(child(2), 1), nullptr);
  EXPECT_EQ(instances.session(*instances.any(child(2))).session, 2U);
}

TEST_F(InstancesPart, APortionOfATableEndsWhatItDoesNotName) {
  Step s = world.step();
  instances.begin(1, session_of("b@test"));
  for (int i = 0; i < 50; ++i) instances.put(s, child(i), 1, at(5), {});
  instances.keep_only(s, 1, 0, buckets, {child(3).id, child(4).id});
  std::size_t left = 0;
  for (int i = 0; i < 50; ++i) left += instances.count(child(i));
  EXPECT_EQ(left, 2U);
  EXPECT_EQ(child(9).floor().clock.value, 5U) << "the epoch is remembered";
}

TEST_F(InstancesPart, APortionEndsNothingOfOtherBuckets) {
  // Looked for among what the node hosts, and among what is in the buckets: each where it is shorter.
  for (const std::uint32_t others : {0U, 500U}) {
    Step s = world.step();
    const PeerIndex peer = others == 0 ? 1 : 2;
    instances.begin(peer, session_of(others == 0 ? "b@test" : "c@test"));
    for (int i = 0; i < 100; ++i) instances.put(s, child(i), peer, at(5), {});
    for (std::uint32_t i = 0; i < others; ++i) child(1000 + static_cast<int>(i));
    instances.keep_only(s, peer, 0, buckets / 2, {});
    std::size_t left = 0;
    for (int i = 0; i < 100; ++i) {
      const bool is_left = instances.on(child(i), peer) != nullptr;
      EXPECT_EQ(is_left, bucket_of(child(i).id.hash()) >= buckets / 2) << i;
      left += is_left;
    }
    EXPECT_GT(left, 0U);
    EXPECT_LT(left, 100U);
  }
}

}  // namespace instances_test
}  // namespace brood::core::testing
