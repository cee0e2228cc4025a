#include "supervisor/driver/fleet.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "core/base/program_args.hpp"
#include "exec/command.hpp"
#include "exec/options/options.hpp"

namespace brood::supervisor {
namespace fleet_test {

core::Spec plain(const std::string& worker = "counter") {
  core::Spec made;
  made.worker = worker;
  made.needs = worker;
  made.is_static = true;
  return made;
}

core::NamedSpec named(const std::string& id, core::Spec spec) {
  return {*ChildId::binary(id), std::make_shared<const core::Spec>(std::move(spec))};
}

core::NamedSpec spec(const std::string& id, const std::string& worker = "counter", bool is_static = true) {
  auto made = plain(worker);
  made.is_static = is_static;
  return named(id, std::move(made));
}

FleetChild running(core::NamedSpec of) {
  return {std::move(of.id), std::move(of.spec), true, false};
}
FleetChild stopped(core::NamedSpec of) {
  return {std::move(of.id), std::move(of.spec), false, false};
}
FleetChild failed(core::NamedSpec of) {
  return {std::move(of.id), std::move(of.spec), true, true};
}

std::string words(const FleetPlan& plan) {
  std::string text;
  for (const auto& step : plan.steps) {
    text += std::string(to_string(step.action)) + " " + step.id.text();
    for (const auto key : step.keys) text += " " + std::string(key);
    text += "; ";
  }
  return text + std::to_string(plan.unchanged) + " unchanged";
}

constexpr FleetOptions prune{.prune = true};
constexpr FleetOptions start_stopped{.start_stopped = true};

TEST(PlanFleet, AnEqualFileChangesNothing) {
  EXPECT_EQ(words(plan_fleet({running(spec("a")), running(spec("b"))}, {spec("a"), spec("b")}, prune)),
            "2 unchanged");
}

TEST(PlanFleet, NewOnesStartAndChangedOnesAreReplaced) {
  EXPECT_EQ(words(plan_fleet({running(spec("changed", "echo")), running(spec("same"))},
                             {spec("same"), spec("new"), spec("changed")}, {})),
            "replace changed worker; start new; 1 unchanged");
}

TEST(PlanFleet, AProgramsOptionsThatItTakesOverChangeIt) {
  const auto program = [](ProgramOptions options) {
    auto made = plain("exec");
    made.args = encode_term(exec::to_term({.argv = {"sleep", "9"}, .options = std::move(options)}));
    return named("a", std::move(made));
  };
  EXPECT_EQ(words(plan_fleet({running(program({}))}, {program({.log_size = 5, .log_files = 3})}, {})),
            "update a log_size log_files; 0 unchanged");
  EXPECT_EQ(words(plan_fleet({running(program({}))}, {program({.nice = 3, .log_files = 3})}, {})),
            "replace a exec; 0 unchanged");
}

TEST(PlanFleet, WhatIsTakenOverAreOptionsOfPrograms) {
  for (const auto key : core::taken_over_keys())
    EXPECT_TRUE(exec::is_option(key) || key == "stop_signal" || key == "log_bytes_max") << key;
}

TEST(PlanFleet, WhatTheFileDoesNotListIsRemovedOnlyWhenAsked) {
  const std::vector<FleetChild> now{running(spec("gone")), running(spec("same"))};
  EXPECT_EQ(words(plan_fleet(now, {spec("same")}, {})), "extra gone; 1 unchanged");
  EXPECT_EQ(words(plan_fleet(now, {spec("same")}, prune)), "remove gone; 1 unchanged");
  EXPECT_FALSE(is_change(FleetAction::extra));
}

TEST(PlanFleet, AStoppedChildStaysStoppedUnlessAsked) {
  EXPECT_EQ(words(plan_fleet({stopped(spec("a"))}, {spec("a")}, {})), "stopped a; 0 unchanged");
  EXPECT_EQ(words(plan_fleet({stopped(spec("a"))}, {spec("a", "echo")}, prune)), "stopped a; 0 unchanged");
  EXPECT_EQ(words(plan_fleet({stopped(spec("a"))}, {spec("a")}, start_stopped)), "start a; 0 unchanged");
  EXPECT_FALSE(is_change(FleetAction::stopped));
}

TEST(PlanFleet, AStoppedChildThatTheFileNoLongerListsIsLeftAlone) {
  EXPECT_EQ(words(plan_fleet({stopped(spec("a"))}, {}, prune)), "0 unchanged");
}

TEST(PlanFleet, ChildrenStartedByHandAreLeftAlone) {
  EXPECT_EQ(words(plan_fleet({running(spec("mine", "counter", false))}, {}, prune)), "0 unchanged");
}

TEST(PlanFleet, AChildStartedByHandThatTheFileListsBecomesTheFilesAndGoesOn) {
  EXPECT_EQ(words(plan_fleet({running(spec("a", "counter", false))}, {spec("a")}, {})),
            "update a static; 0 unchanged");
}

TEST(PlanFleet, AFailedChildIsTriedAgain) {
  EXPECT_EQ(words(plan_fleet({failed(spec("a"))}, {spec("a")}, {})), "retry a; 0 unchanged");
  EXPECT_EQ(words(plan_fleet({failed(spec("a"))}, {spec("a", "echo")}, {})), "replace a worker; 0 unchanged");
}

TEST(PlanFleet, OnlyWhatRunsMakesAChangeAReplacement) {
  const auto changed = [](const std::function<void(core::Spec&)>& change, core::Spec base) {
    const auto now = running(named("a", base));
    change(base);
    return words(plan_fleet({now}, {named("a", std::move(base))}, {}));
  };
  const auto worker = [&](const std::function<void(core::Spec&)>& change) {
    return changed(change, plain());
  };
  EXPECT_EQ(worker([](core::Spec& s) { s.restart = core::Restart::temporary; }),
            "update a restart; 0 unchanged");
  EXPECT_EQ(worker([](core::Spec& s) { s.shutdown.infinity = true; }), "update a shutdown; 0 unchanged");
  EXPECT_EQ(worker([](core::Spec& s) { s.extras.change().tag = s.metadata = "t"; }),
            "update a tag; 0 unchanged");
  EXPECT_EQ(worker([](core::Spec& s) { s.metadata = "m"; }), "update a metadata; 0 unchanged");
  EXPECT_EQ(worker([](core::Spec& s) { s.extras.change().nodes = {NodeName("n1@h")}; }),
            "update a nodes; 0 unchanged");
  EXPECT_EQ(worker([](core::Spec& s) { s.args = "x"; }), "replace a args; 0 unchanged");
  EXPECT_EQ(worker([](core::Spec& s) { s.worker = s.needs = "exec"; }), "replace a exec; 0 unchanged");
  auto program = plain("exec");
  program.args = "argv";
  EXPECT_EQ(changed([](core::Spec& s) { s.args = "other"; }, program), "replace a exec; 0 unchanged");
  EXPECT_EQ(changed([](core::Spec& s) { s.shutdown.patience *= 2; }, program),
            "update a shutdown; 0 unchanged");
}

}  // namespace fleet_test
}  // namespace brood::supervisor
