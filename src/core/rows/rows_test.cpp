#include "core/rows/rows.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace rows_test {

struct Fixture {
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  ChildTable children;
  Rows rows{children, world.settings, outbox, notes};
  Child& child() { return children.obtain(ChildId::binary("a").value()); }
  [[nodiscard]] Hlc clock() { return child().row()->clock; }
};

// Two nodes change one row, neither knowing of the other.
TEST(Rows, OfChangesOfTheSameTimeADeedShowsOverAWishAndAWishOverARemark) {
  const auto clock_of = [](auto change) {
    Fixture node;
    Step s = node.world.step();
    SpecRow row;
    row.spec = std::make_shared<Spec>();
    node.rows.write(s, node.child(), row, true);
    const Hlc before = node.clock();
    node.world.pass(
        std::chrono::milliseconds(5));  // a deed of the very moment might be of one time with a wish
    Step later = node.world.step();
    change(node.rows, later, node.child(), SpecRow(*node.child().row()));
    EXPECT_GT(node.clock(), before) << "it shows over what it changes";
    return node.clock();
  };
  const Hlc deed = clock_of(
      [](Rows& rows, Step& s, Child& child, SpecRow row) { rows.write(s, child, std::move(row), false); });
  const Hlc wish =
      clock_of([](Rows& rows, Step& s, Child& child, SpecRow row) { rows.wish(s, child, std::move(row)); });
  const Hlc remark =
      clock_of([](Rows& rows, Step& s, Child& child, SpecRow row) { rows.remark(s, child, std::move(row)); });
  EXPECT_GT(deed, wish);
  EXPECT_GT(wish, remark);
}

// A node that came late has never heard of what ran: a stop that is asked again there would not wait for it.
TEST(Rows, WhoHearsOfAStopKnowsWhatItHasEndedThoughItKnewOfNoneOfThat) {
  Fixture stops, late;
  Step s = stops.world.step();
  SpecRow row;
  row.spec = std::make_shared<Spec>();
  stops.rows.write(s, stops.child(), row, true);
  const Epoch ran{Hlc{77}, NodeName("n3@test")};
  SpecChange begun{stops.child().row()->dot, stops.child().id, *stops.child().row(), {}, {}, {}};
  SpecChange removed{begun.dot, begun.id, {}, {NodeName("n2@test"), 1, 5}, {begun.dot}, ran};
  ++removed.dot.sequence;
  Step later = late.world.step();
  ASSERT_TRUE(late.rows.apply(later, begun));
  ASSERT_TRUE(late.rows.apply(later, removed));
  EXPECT_EQ(late.notes.floors, std::vector{ran});
}

}  // namespace rows_test
}  // namespace brood::core::testing
