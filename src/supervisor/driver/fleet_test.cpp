#include "supervisor/driver/fleet.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace {

core::SpecPtr spec(const std::string& id, const std::string& worker = "counter", bool is_static = true) {
  core::Spec made;
  made.id = *ChildId::binary(id);
  made.worker = worker;
  made.needs = worker;
  made.is_static = is_static;
  return std::make_shared<const core::Spec>(std::move(made));
}

std::string words(const std::vector<FleetStep>& steps) {
  std::string text;
  for (const auto& step : steps) text += std::string(to_string(step.action)) + " " + step.id.text() + "; ";
  return text;
}

TEST(PlanFleet, AnEqualFileChangesNothing) {
  EXPECT_EQ(words(plan_fleet({{spec("a"), true}, {spec("b"), true}}, {spec("a"), spec("b")})), "");
}

TEST(PlanFleet, NewOnesStartChangedOnesAreReplacedMissingOnesAreRemoved) {
  EXPECT_EQ(words(plan_fleet({{spec("changed", "echo"), true}, {spec("gone"), true}, {spec("same"), true}},
                             {spec("same"), spec("new"), spec("changed")})),
            "replace changed; remove gone; start new; ");
}

TEST(PlanFleet, AStoppedChildOfTheFileStartsAgain) {
  EXPECT_EQ(words(plan_fleet({{spec("a"), false}}, {spec("a")})), "start a; ");
}

TEST(PlanFleet, AStoppedChildThatTheFileNoLongerListsIsLeftAlone) {
  EXPECT_EQ(words(plan_fleet({{spec("a"), false}}, {})), "");
}

TEST(PlanFleet, ChildrenStartedByHandAreLeftAlone) {
  EXPECT_EQ(words(plan_fleet({{spec("mine", "counter", false), true}}, {})), "");
}

TEST(PlanFleet, AChildStartedByHandThatTheFileListsBecomesTheFiles) {
  EXPECT_EQ(words(plan_fleet({{spec("a", "counter", false), true}}, {spec("a")})), "replace a; ");
}

}  // namespace
}  // namespace brood::supervisor
