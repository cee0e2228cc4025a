#include "core/children/moves.hpp"

#include "core/children/locals.hpp"
#include "core/parts_testing.hpp"
#include "core/rows/rows.hpp"

namespace brood::core::testing {
namespace moves_test {

struct Fixture : ::testing::Test {
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  ChildTable children;
  Rows rows{children, world.settings, outbox, notes};
  Instances instances{children, session_of("self@test"), outbox, notes};
  HeldStates states;
  Locals locals{children, instances, states};
  Moves moves{children, instances};

  Child& running(Step& s, int number) {
    Child& child = children.obtain(ChildId::binary("c" + std::to_string(number)).value());
    SpecRow row;
    row.spec = std::make_shared<Spec>();
    rows.write(s, child, std::move(row), true);
    locals.start(s, child);
    return child;
  }
};
using MovesPart = Fixture;

TEST_F(MovesPart, NoMoreThanThereIsRoomForAreOnTheMoveAtOnce) {
  world.settings.moves_in_flight = 10;  // it begins with a fifth
  Step s = world.step();
  std::vector<Child*> all;
  for (int i = 0; i < 5; ++i) all.push_back(&running(s, i));
  std::size_t leaving = 0;
  for (Child* child : all) leaving += moves.may_leave(s, *child) ? 1 : 0;
  EXPECT_EQ(leaving, 2U);
  EXPECT_FALSE(moves.has_work(s));
  // The first runs elsewhere now: one of those that wait is touched.
  locals.drop(s, *all[0]);
  instances.begin(1, session_of("b@test"));
  Instance elsewhere;
  elsewhere.epoch = {{99}, NodeName("b@test")};
  elsewhere.phase = Phase::running;
  instances.put(s, *all[0], 1, elsewhere, {});
  moves.look(s, *all[0], false);
  ASSERT_TRUE(moves.has_work(s));
  notes.touched_ids.clear();
  moves.work(s, notes);
  // In its place, and one more as that did not take long.
  EXPECT_EQ(notes.touched_ids, (std::vector<ChildId>{all[2]->id, all[3]->id}));
}

TEST_F(MovesPart, AMoveThatIsNotSeenToArriveIsOverAfterAWhile) {
  world.settings.moves_in_flight = 1;
  Step s = world.step();
  Child& child = running(s, 1);
  EXPECT_TRUE(moves.may_leave(s, child));
  locals.drop(s, child);
  moves.look(s, child, false);
  EXPECT_TRUE(moves.any());
  world.pass(6s);
  Step later = world.step();
  ASSERT_TRUE(moves.has_work(later));
  moves.work(later, notes);
  EXPECT_FALSE(moves.any());
}

}  // namespace moves_test
}  // namespace brood::core::testing
