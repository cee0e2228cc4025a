#include "process/local/spec_terms.hpp"

#include "process/test_support.hpp"

namespace brood::process::testing {
namespace spec_terms_test {

std::string problem(const std::string& args) {
  const auto spec = read_supervisor(encoded(args));
  return spec ? "none" : spec.error().message;
}
std::string inner_problem(const std::string& spec, const std::string& flags = "#{}") {
  return problem("[" + flags + ", [" + spec + "]]");
}

TEST(SupervisorTerms, TheDefaultsAreThoseOfOtp) {
  const auto spec = read_supervisor(encoded("[#{}, [#{id => a, start => {w, [1]}}]]"));
  ASSERT_TRUE(spec.has_value()) << spec.error().message;
  EXPECT_EQ(spec->strategy, RestartStrategy::one_for_one);
  EXPECT_EQ(spec->intensity, 1U);
  EXPECT_EQ(spec->period, std::chrono::seconds(5));
  EXPECT_EQ(spec->auto_shutdown, AutoShutdown::never);
  EXPECT_EQ(encode_term(inner_term(spec->children.at(0))),
            encoded("#{id => a, start => {w, [1]}, restart => permanent, shutdown => 5000, type => worker, "
                    "significant => false}"));
}

TEST(SupervisorTerms, AChildOfTypeSupervisorHasAllTheTimeToEnd) {
  const auto spec = read_supervisor(encoded(
      "[#{}, [#{id => a, start => {w, []}, type => supervisor}, #{id => b, start => {supervisor, [#{}, []]}},"
      "       #{id => c, start => {supervisor, [#{}, []]}, type => worker},"
      "       #{id => d, start => {supervisor, [#{}, []]}, shutdown => 7}]]"));
  ASSERT_TRUE(spec.has_value()) << spec.error().message;
  const auto& all = spec->children;
  EXPECT_TRUE(all[0].shutdown.infinity);
  EXPECT_TRUE(all[1].shutdown.infinity);
  EXPECT_EQ(all[1].run.type, ChildType::supervisor);
  EXPECT_FALSE(all[2].shutdown.infinity);
  EXPECT_EQ(all[2].run.type, ChildType::worker);
  EXPECT_EQ(all[3].shutdown.patience, std::chrono::milliseconds(7));
}

TEST(SupervisorTerms, WhatCppWritesIsReadBack) {
  const SupervisorSpec spec{
      .strategy = RestartStrategy::rest_for_one,
      .intensity = 7,
      .period = std::chrono::seconds(9),
      .auto_shutdown = AutoShutdown::all_significant,
      .children = {{.id = "a",
                    .run = WorkerSpec{"w", brood::args(1, "x")},
                    .restart = Restart::temporary,
                    .shutdown = {.patience = std::chrono::milliseconds(0)},
                    .significant = true},
                   InnerSpec::supervisor("b", {.children = {{.id = Id(Term(5)), .run = WorkerSpec{"v"}}}})}};
  const auto read = read_supervisor(spec.args());
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->args(), spec.args());
  EXPECT_EQ(workers_of(*read), (std::set<std::string>{"supervisor", "v", "w"}));
}

TEST(SupervisorTerms, WordsMayBeTextAndStartMayBeApart) {
  const auto spec = read_supervisor(encoded(
      "[#{strategy => <<\"one_for_all\">>}, [#{id => <<\"a\">>, worker => <<\"w\">>, args => [1], "
      "restart => <<\"transient\">>, significant => false}, #{id => b, start => {m, start_link, [2]}}]]"));
  ASSERT_TRUE(spec.has_value()) << spec.error().message;
  EXPECT_EQ(spec->strategy, RestartStrategy::one_for_all);
  EXPECT_EQ(spec->children[0].run.name, "w");
  EXPECT_EQ(spec->children[0].run.args, encoded("[1]"));
  EXPECT_EQ(spec->children[0].restart, Restart::transient);
  EXPECT_EQ(spec->children[1].run.name, "m");
}

TEST(SupervisorTerms, SignificantIsForThoseThatMayEndAndNeedsAutoShutdown) {
  const std::string on = "#{auto_shutdown => any_significant}";
  EXPECT_EQ(inner_problem("#{id => a, start => {w, []}, restart => transient, significant => true}", on),
            "none");
  EXPECT_EQ(inner_problem("#{id => a, start => {w, []}, restart => temporary, significant => true}", on),
            "none");
  EXPECT_EQ(
      inner_problem("#{id => a, start => {w, []}, significant => true}", on),
      "inner child 'a', significant: true is for transient and temporary children; a permanent one never "
      "ends for good");
  EXPECT_EQ(
      inner_problem("#{id => a, start => {w, []}, restart => transient, significant => true}"),
      "inner child 'a', significant: true needs auto_shutdown any_significant or all_significant; it is "
      "never");
}

TEST(SupervisorTerms, EachMistakeIsToldInWords) {
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(problem("[]"), "[Flags, Specs]");
  has(problem("[#{}, a]"), "[Flags, Specs]");
  has(problem("[#{strategy => one}, []]"), "must be one of one_for_one, one_for_all, rest_for_one, not one");
  has(problem("[#{strategy => simple_one_for_one}, []]"), "start such children there");
  has(problem("[#{intensity => -1}, []]"), "supervisor, intensity: must be a number from 0");
  has(problem("[#{period => 0}, []]"), "supervisor, period: must be a number from 1");
  has(problem("[#{auto_shutdown => yes}, []]"), "supervisor, auto_shutdown: must be one of never");
  has(problem("[#{x => 1}, []]"), "supervisor, x: unknown key");
  has(inner_problem("a"), "must be a map");
  has(inner_problem("#{start => {w, []}}"), "id: is missing");
  has(inner_problem("#{id => [], start => {w, []}}"), "must not be the empty list");
  has(inner_problem("#{id => a}"), "inner child 'a', start: is missing");
  has(inner_problem("#{id => a, start => {w, x}}"), "must be a list");
  has(inner_problem("#{id => a, start => {exec, [#{}]}}"), "a program cannot be an inner child");
  has(inner_problem("#{id => a, start => 5}"), "must be {Worker, Args}");
  has(inner_problem("#{id => a, start => {w, []}, restart => x}"), "must be one of permanent");
  has(inner_problem("#{id => a, start => {w, []}, shutdown => -1}"), "must be milliseconds");
  has(inner_problem("#{id => a, start => {w, []}, type => x}"), "must be one of worker, supervisor");
  has(inner_problem("#{id => a, start => {w, []}, significant => 1}"), "must be one of true, false");
  has(inner_problem("#{id => a, start => {w, []}, nodes => []}"), "inner child 'a', nodes: unknown key");
  has(inner_problem("#{id => a, start => {w, []}}, #{id => a, start => {w, []}}"), "'a' is there twice");
  has(inner_problem("#{id => a, start => {supervisor, [#{}, [#{id => b}]]}}"),
      "inner child 'a': inner child 'b', start: is missing");
}

}  // namespace spec_terms_test
}  // namespace brood::process::testing
