// What OTP's `supervisor` module asks.
#include "process/local/local_supervisor_test_support.hpp"

namespace brood::process::testing {
namespace supervisor_calls_test {

using SupervisorCalls = LocalSupervisorTest;

std::string spec_of(const std::string& name, const std::string& more = "") {
  return "{start_child, #{id => " + name + ", start => {worker, [" + name + "]}" + more + "}}";
}

TEST_F(SupervisorCalls, WhichChildrenAreToldTheLastOneFirst) {
  SupervisorSpec spec{.children = {worker("a"), worker("b", Restart::transient)}};
  spec.children.push_back(InnerSpec::supervisor(Id(Atom("s")), {}));
  const Pid pid = spawn(spec);
  const auto told =
      decode<std::vector<InnerInfo>>(*runtime.call_and_wait(pid, message("which_children"), patience));
  ASSERT_TRUE(told.has_value()) << told.error().message;
  ASSERT_EQ(told->size(), 3U);
  EXPECT_EQ((*told)[0],
            InnerInfo(Term::atom("s"), Term(inner(pid, "s")), Atom("supervisor"), {Atom("supervisor")}));
  EXPECT_EQ((*told)[2], InnerInfo(Term::atom("a"), Term(inner(pid, "a")), Atom("worker"), {Atom("worker")}));
  EXPECT_EQ(ask(pid, "count_children"), "[{specs,3},{active,3},{supervisors,1},{workers,2}]");
  tell(pid, "b", "{stop, normal}");
  EXPECT_TRUE(eventually(
      [&] { return ask(pid, "count_children") == "[{specs,3},{active,2},{supervisors,1},{workers,2}]"; }));
  EXPECT_EQ(ask(pid, "{which_child, b}"), "undefined");
  EXPECT_EQ(ask(pid, "{which_child, nobody}"), "undefined");
}

TEST_F(SupervisorCalls, TheCallsOfCppAreTheSame) {
  const Pid pid = spawn({.children = {worker("a")}});
  auto all = runtime.call_and_wait(pid, Message::of(which_children{}), patience);
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(decode<std::vector<InnerInfo>>(*all)->size(), 1U);
  auto one = runtime.call_and_wait(pid, Message::of(which_child{Term::atom("a")}), patience);
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(*decode<std::optional<Pid>>(*one), inner(pid, "a"));
}

TEST_F(SupervisorCalls, AChildIsAddedEndedStartedAgainAndDeleted) {
  const Pid pid = spawn({.children = {worker("a")}});
  EXPECT_EQ(ask(pid, spec_of("b")).rfind("{ok,", 0), 0U);
  EXPECT_EQ(ask(pid, spec_of("b")), "{error,{already_started," + to_string(inner(pid, "b")) + "}}");
  EXPECT_EQ(ask(pid, "{restart_child, b}"), "{error,running}");
  EXPECT_EQ(ask(pid, "{delete_child, b}"), "{error,running}");
  EXPECT_EQ(ask(pid, "{terminate_child, b}"), "ok");
  expect({"+a", "+b", "-b shutdown"});
  EXPECT_EQ(ask(pid, spec_of("b")), "{error,already_present}");
  EXPECT_EQ(ask(pid, "{restart_child, b}").rfind("{ok,", 0), 0U);
  EXPECT_EQ(ask(pid, "{terminate_child, b}"), "ok");
  EXPECT_EQ(ask(pid, "{delete_child, b}"), "ok");
  for (const char* what : {"terminate_child", "restart_child", "delete_child", "get_childspec"})
    EXPECT_EQ(ask(pid, std::string("{") + what + ", b}"), "{error,not_found}");
  expect({"+b", "-b shutdown"});
  expect_quiet(pid);
}

TEST_F(SupervisorCalls, WhatCannotBeStartedIsNotKept) {
  const Pid pid = spawn({.children = {worker("a")}});
  fails["b"] = 1;
  EXPECT_EQ(ask(pid, spec_of("b")), "{error,{start_failed,<<\"as it was told\">>}}");
  EXPECT_EQ(ask(pid, "{get_childspec, b}"), "{error,not_found}");
  EXPECT_EQ(ask(pid, spec_of("c", ", significant => true")).rfind("{error,{invalid_argument,", 0), 0U);
  EXPECT_EQ(ask(pid, spec_of("d", ", restart => temporary")).rfind("{ok,", 0), 0U);
  EXPECT_EQ(ask(pid, "{terminate_child, d}"), "ok");
  EXPECT_EQ(ask(pid, "{get_childspec, d}"), "{error,not_found}");
}

TEST_F(SupervisorCalls, ASpecIsFoundByIdAndByPid) {
  const Pid pid = spawn({.children = {worker("a")}});
  const std::string spec =
      "{ok,#{id=>a,restart=>permanent,shutdown=>5000,significant=>false,start=>{worker,[<<\"a\">>]},"
      "type=>worker}}";
  EXPECT_EQ(ask(pid, "{get_childspec, a}"), spec);
  const EncodedTerm by_pid = encode_term(Term::tuple({Term::atom("get_childspec"), Term(inner(pid, "a"))}));
  EXPECT_EQ(text(runtime.call_and_wait(pid, Message::encoded(by_pid), patience)), spec);
}

TEST_F(SupervisorCalls, WhatItDoesNotKnowIsRefusedInWords) {
  const Pid pid = spawn({});
  EXPECT_NE(ask(pid, "hello").find("which_children"), std::string::npos);
  EXPECT_NE(ask(pid, "{hello, 1}").find("which_children"), std::string::npos);
}

}  // namespace supervisor_calls_test
}  // namespace brood::process::testing
