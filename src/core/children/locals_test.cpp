#include "core/children/locals.hpp"

#include "core/parts_testing.hpp"
#include "core/rows/spec_table.hpp"

namespace brood::core::testing {
namespace locals_test {

SpecChange change_of(const ChildId& id, const std::string& node, std::uint64_t clock) {
  SpecRow row;
  row.spec = std::make_shared<Spec>();
  row.clock = {clock};
  row.dot = row.birth = {NodeName(node), 1, 1};
  SpecChange change;
  change.id = id;
  change.dot = row.dot;
  change.row = std::move(row);
  return change;
}

// Of concurrent rows one shows. When the other ends, what was started since that one shows goes on.
TEST(LocalsPart, AStartIsByTheRowThatShowsThen) {
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  ChildTable children;
  SpecTable table(children, NodeName("self@test"), 1);
  Instances instances(children, session_of("self@test"), outbox, notes);
  HeldStates states;
  Locals locals(children, instances, states);
  const ChildId id = ChildId::binary("x").value();
  table.apply(change_of(id, "a@test", 1));
  Child& child = *children.find(id);
  Step s = world.step();
  locals.start(s, child);
  const Dot first = child.own()->birth;
  locals.ended(child);
  locals.wait_to_restart(s, child, {s.time() + 1s, true}, "boom", {});
  table.apply(change_of(id, "b@test", 2));
  ASSERT_NE(child.row()->birth, first);
  EXPECT_EQ(child.own()->birth, first) << "what waits is what it was";
  locals.start_again(s, child);
  EXPECT_EQ(child.own()->birth, child.row()->birth);
}

}  // namespace locals_test
}  // namespace brood::core::testing
