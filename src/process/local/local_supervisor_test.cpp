#include "process/local/local_supervisor_test_support.hpp"
#include "process/runtime_core.hpp"

namespace brood::process::testing {
namespace local_supervisor_test {

using SupervisorChild = LocalSupervisorTest;

TEST(RestartWindow, MoreThanTheIntensityWithinAPeriodIsTooMuch) {
  const RestartWindow::Time begin{};
  RestartWindow window(2, 5s);
  EXPECT_TRUE(window.add(begin));
  EXPECT_TRUE(window.add(begin + 1s));
  EXPECT_FALSE(window.add(begin + 5s));  // the first is of this period still, as in OTP
  RestartWindow later(2, 5s);
  EXPECT_TRUE(later.add(begin));
  EXPECT_TRUE(later.add(begin + 1s));
  EXPECT_TRUE(later.add(begin + 5001ms));
  EXPECT_FALSE(later.add(begin + 5002ms));
  EXPECT_FALSE(RestartWindow(0, 5s).add(begin));
}

TEST_F(SupervisorChild, ChildrenStartInOrderAndEndInReverse) {
  const Pid pid = spawn({.children = {worker("a"), worker("b"), worker("c")}});
  EXPECT_TRUE(started.has_value());
  expect({"+a", "+b", "+c"});
  runtime.exit(pid, ExitReason::shutdown());
  expect({"-c shutdown", "-b shutdown", "-a shutdown", "supervisor: shutdown"});
}

TEST_F(SupervisorChild, TheNextOneStartsWhenTheOneBeforeHasStarted) {
  slow = "a";
  Channel<Result<void>> starts;
  runtime.spawn(make_supervisor(SupervisorSpec{.children = {worker("a"), worker("b")}}.args()),
                {.on_started = [&](const Result<void>& result) { starts.put(result); }});
  EXPECT_FALSE(starts.take(50ms).has_value());
  expect({"~a"});
  EXPECT_EQ(said.size(), 0U);
  release.open();
  EXPECT_TRUE(starts.take().has_value());
  expect({"+a", "+b"});
}

TEST_F(SupervisorChild, AStartThatFailsEndsThoseBeforeItAndIsTheFailureOfItsOwnStart) {
  fails["c"] = 1;
  (void)spawn({.children = {worker("a"), worker("b"), worker("c"), worker("d")}});
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(encoded_to_string(started.error().detail),
            "{shutdown,{failed_to_start_child,c,{start_failed,<<\"as it was told\">>}}}");
  EXPECT_NE(started.error().message.find("inner child 'c' did not start"), std::string::npos);
  expect({"+a", "+b", "!c", "-b shutdown", "-a shutdown"});
  EXPECT_TRUE(nothing_runs());
}

TEST_F(SupervisorChild, AWorkerThatIsNotKnownIsAFailureOfItsStart) {
  SupervisorSpec spec{.children = {worker("a"), worker("b")}};
  spec.children[1].run.name = "stranger";
  (void)spawn(spec);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("stranger"), std::string::npos);
  expect({"+a", "-a shutdown"});
}

TEST_F(SupervisorChild, OneForOneStartsOnlyTheOneThatEnded) {
  const Pid pid = spawn({.children = {worker("a"), worker("b"), worker("c")}});
  expect({"+a", "+b", "+c"});
  const Pid before = inner(pid, "b");
  tell(pid, "b", "crash");
  expect({"-b {exception,<<\"as it was told\">>}", "+b"});
  EXPECT_NE(inner(pid, "b"), before);
  expect_quiet(pid);
}

TEST_F(SupervisorChild, OneForAllEndsTheOthersInReverseAndStartsAllInOrder) {
  const Pid pid =
      spawn({.strategy = RestartStrategy::one_for_all, .children = {worker("a"), worker("b"), worker("c")}});
  expect({"+a", "+b", "+c"});
  tell(pid, "b", "{stop, oops}");
  expect({"-b oops", "-c shutdown", "-a shutdown", "+a", "+b", "+c"});
  expect_quiet(pid);
}

TEST_F(SupervisorChild, RestForOneTakesThoseThatComeAfterIt) {
  const Pid pid = spawn({.strategy = RestartStrategy::rest_for_one,
                         .children = {worker("a"), worker("b"), worker("c"), worker("d")}});
  expect({"+a", "+b", "+c", "+d"});
  tell(pid, "b", "{stop, oops}");
  expect({"-b oops", "-d shutdown", "-c shutdown", "+b", "+c", "+d"});
  expect_quiet(pid);
}

// As OTP has it: those that a strategy ends are started again whatever ended them, temporary ones never.
TEST_F(SupervisorChild, WhatTheStrategyEndsComesBackUnlessItIsTemporary) {
  const Pid pid =
      spawn({.strategy = RestartStrategy::one_for_all,
             .children = {worker("a"), worker("b", Restart::transient), worker("c", Restart::temporary)}});
  expect({"+a", "+b", "+c"});
  tell(pid, "b", "{stop, normal}");
  expect({"-b normal"});
  expect_quiet(pid);
  tell(pid, "a", "{stop, normal}");
  expect({"-a normal", "-c shutdown", "+a", "+b"});
  EXPECT_EQ(ask(pid, "count_children"), "[{specs,2},{active,2},{supervisors,0},{workers,2}]");
}

TEST_F(SupervisorChild, ATransientOneIsStartedAgainAfterAnAbnormalEndOnly) {
  const Pid pid = spawn({.intensity = 9, .children = {worker("a", Restart::transient)}});
  expect({"+a"});
  tell(pid, "a", "{stop, oops}");
  expect({"-a oops", "+a"});
  tell(pid, "a", "{stop, {shutdown, done}}");
  expect({"-a {shutdown,done}"});
  EXPECT_TRUE(eventually([&] { return ask(pid, "which_children") == "[{a,undefined,worker,[worker]}]"; }));
}

TEST_F(SupervisorChild, ATemporaryOneIsNeverStartedAgainAndForgotten) {
  const Pid pid = spawn({.children = {worker("a", Restart::temporary), worker("b")}});
  expect({"+a", "+b"});
  tell(pid, "a", "crash");
  expect({"-a {exception,<<\"as it was told\">>}"});
  EXPECT_TRUE(eventually([&] { return ask(pid, "{get_childspec, a}") == "{error,not_found}"; }));
  expect_quiet(pid);
}

TEST_F(SupervisorChild, MoreRestartsThanTheIntensityEndItWithShutdown) {
  const Pid pid = spawn({.intensity = 2, .period = 60s, .children = {worker("a"), worker("b")}});
  expect({"+a", "+b"});
  tell(pid, "a", "{stop, oops}");
  expect({"-a oops", "+a"});
  tell(pid, "b", "{stop, oops}");  // counted together
  expect({"-b oops", "+b"});
  tell(pid, "a", "{stop, oops}");
  expect({"-a oops", "-b shutdown", "supervisor: shutdown"});
}

TEST_F(SupervisorChild, ARestartThatFailsIsTriedAgainAndCounts) {
  const Pid pid = spawn({.intensity = 3, .period = 60s, .children = {worker("a"), worker("b")}});
  expect({"+a", "+b"});
  fails["b"] = 2;
  tell(pid, "b", "{stop, oops}");
  expect({"-b oops", "!b", "!b", "+b"});
  fails["b"] = 9;
  tell(pid, "b", "{stop, oops}");
  expect({"-b oops", "-a shutdown", "supervisor: shutdown"});
}

TEST_F(SupervisorChild, AFailureInTheMiddleOfAllIsTriedAgainWithAll) {
  const Pid pid = spawn({.strategy = RestartStrategy::one_for_all,
                         .intensity = 3,
                         .children = {worker("a"), worker("b"), worker("c")}});
  expect({"+a", "+b", "+c"});
  fails["b"] = 1;
  tell(pid, "c", "{stop, oops}");
  expect({"-c oops", "-b shutdown", "-a shutdown", "+a", "!b", "-a shutdown", "+a", "+b", "+c"});
  expect_quiet(pid);
}

TEST_F(SupervisorChild, TheFirstSignificantEndShutsItDown) {
  const Pid pid =
      spawn({.auto_shutdown = AutoShutdown::any_significant,
             .children = {worker("a"), worker("b", Restart::temporary), significant("c", Restart::transient),
                          significant("d", Restart::temporary)}});
  expect({"+a", "+b", "+c", "+d"});
  tell(pid, "b", "{stop, normal}");
  expect({"-b normal"});
  tell(pid, "c", "{stop, oops}");  // it is started again: no end
  expect({"-c oops", "+c"});
  tell(pid, "c", "{stop, normal}");
  expect({"-c normal", "-d shutdown", "-a shutdown", "supervisor: shutdown"});
}

TEST_F(SupervisorChild, TheLastSignificantEndShutsItDown) {
  const Pid pid = spawn({.auto_shutdown = AutoShutdown::all_significant,
                         .children = {worker("a"), significant("b", Restart::transient),
                                      significant("c", Restart::temporary)}});
  expect({"+a", "+b", "+c"});
  tell(pid, "b", "{stop, normal}");
  expect({"-b normal"});
  expect_quiet(pid);
  tell(pid, "c", "crash");
  expect({"-c {exception,<<\"as it was told\">>}", "-a shutdown", "supervisor: shutdown"});
}

TEST_F(SupervisorChild, ASignificantOneThatIsEndedByOthersIsNoEndByItself) {
  const Pid pid = spawn({.auto_shutdown = AutoShutdown::any_significant,
                         .children = {worker("a"), significant("b", Restart::transient)}});
  expect({"+a", "+b"});
  EXPECT_EQ(ask(pid, "{terminate_child, b}"), "ok");
  expect({"-b shutdown"});
  expect_quiet(pid);
}

TEST_F(SupervisorChild, BrutalKillLeavesNoLastWordsAndPatienceEndsInAKill) {
  SupervisorSpec spec{.children = {worker("a"), worker("b"), worker("c")}};
  spec.children[0].shutdown.patience = 0ms;
  spec.children[1].shutdown.patience = 50ms;
  const Pid pid = spawn(spec);
  expect({"+a", "+b", "+c"});
  tell(pid, "b", "hang");
  expect({"hangs"});
  runtime.exit(pid, ExitReason::shutdown());
  expect({"-c shutdown"});
  EXPECT_FALSE(said.take(150ms).has_value());
  release.open();
  // b was killed while it hung, and a at once: they have no last words.
  expect({"supervisor: shutdown"});
  EXPECT_TRUE(nothing_runs());
}

TEST_F(SupervisorChild, InfinityWaits) {
  SupervisorSpec spec{.children = {worker("a"), worker("b")}};
  spec.children[1].shutdown = {.infinity = true};
  const Pid pid = spawn(spec);
  expect({"+a", "+b"});
  tell(pid, "b", "hang");
  expect({"hangs"});
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_FALSE(said.take(100ms).has_value());
  release.open();
  expect({"-b shutdown", "-a shutdown", "supervisor: shutdown"});
}

TEST_F(SupervisorChild, AKillEndsAllAndIsToldWhenNothingRunsAnyMore) {
  const Pid pid = spawn({.children = {worker("a"), worker("b")}});
  expect({"+a", "+b"});
  const Pid a = inner(pid, "a");
  tell(pid, "b", "hang");
  expect({"hangs"});
  runtime.exit(pid, ExitReason::killed());
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(a); }));
  EXPECT_FALSE(said.take(100ms).has_value());  // b's handler runs still
  release.open();
  expect({"supervisor: killed"});
  EXPECT_TRUE(nothing_runs());
}

TEST_F(SupervisorChild, AKillHurriesAnEndThatIsUnderWay) {
  SupervisorSpec spec{.children = {worker("a"), worker("b")}};
  spec.children[0].shutdown = spec.children[1].shutdown = {.infinity = true};
  const Pid pid = spawn(spec);
  expect({"+a", "+b"});
  const Pid a = inner(pid, "a");
  tell(pid, "b", "hang");
  expect({"hangs"});
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_FALSE(said.take(50ms).has_value());
  runtime.exit(pid, ExitReason::killed());
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(a); }));
  release.open();
  expect({"supervisor: killed"});
}

TEST_F(SupervisorChild, AKillWhileItStartsIsAFailureOfTheStart) {
  slow = "b";
  Channel<Result<void>> starts;
  const Pid pid = runtime.spawn(
      make_supervisor(SupervisorSpec{.children = {worker("a"), worker("b"), worker("c")}}.args()),
      {.on_started = [&](const Result<void>& result) { starts.put(result); }});
  expect({"+a", "~b"});
  runtime.exit(pid, ExitReason::killed());
  release.open();
  const auto result = starts.take();
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->has_value());
  EXPECT_TRUE(nothing_runs());
}

TEST_F(SupervisorChild, AStopWhileItStartsIsHeededOnceItHas) {
  slow = "b";
  Channel<Result<void>> starts;
  const Pid pid =
      runtime.spawn(make_supervisor(SupervisorSpec{.children = {worker("a"), worker("b")}}.args()),
                    {.on_started = [&](const Result<void>& result) { starts.put(result); }});
  expect({"+a", "~b"});
  runtime.exit(pid, ExitReason::shutdown());
  release.open();
  const auto result = starts.take();
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->has_value());
  expect({"+b", "-b shutdown", "-a shutdown"});
}

TEST_F(SupervisorChild, ExitSignalsOfOthersDoNotEndItAndAKillDoes) {
  const Pid pid = spawn({.children = {worker("a")}});
  expect({"+a"});
  runtime.on_exit2(far_pid(1), pid, encode_term(Term::atom("oops")));
  expect_quiet(pid);
  runtime.on_exit2(far_pid(1), pid, encode_term(Term::atom("kill")));
  expect({"supervisor: killed"});
}

TEST_F(SupervisorChild, WhileItRestartsItsMailWaits) {
  const Pid pid = spawn({.children = {worker("a")}});
  expect({"+a"});
  slow = "a";
  const Pid a = inner(pid, "a");
  (void)runtime.send(a, message("{stop, oops}"));
  expect({"-a oops", "~a"});
  auto answer = runtime.ask(pid, message("{which_child, a}"), patience);
  EXPECT_FALSE(answer.wait_for(50ms));
  release.open();
  expect({"+a"});
  EXPECT_NE(text(answer.get()), "undefined");
}

TEST_F(SupervisorChild, AFencedNodeKillsItAndDoesNoMore) {
  const Pid pid = spawn({.children = {worker("a"), worker("b")}});
  expect({"+a", "+b"});
  runtime.set_fenced(true);
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_FALSE(said.take(50ms).has_value());
  runtime.exit(pid, ExitReason::killed());
  expect({"supervisor: killed"});
  runtime.set_fenced(false);
  EXPECT_TRUE(nothing_runs());
  EXPECT_EQ(said.size(), 0U);
}

TEST_F(SupervisorChild, ASupervisorMayBeAnInnerChild) {
  const Pid pid =
      spawn({.strategy = RestartStrategy::one_for_all,
             .children = {worker("a"),
                          InnerSpec::supervisor(Id(Atom("sub")),
                                                {.intensity = 0, .children = {worker("b"), worker("c")}})}});
  ASSERT_TRUE(started.has_value()) << started.error().message;
  expect({"+a", "+b", "+c"});
  EXPECT_EQ(ask(pid, "count_children"), "[{specs,2},{active,2},{supervisors,1},{workers,1}]");
  tell(inner(pid, "sub"), "b", "{stop, oops}");  // which gives up
  expect({"-b oops", "-c shutdown", "-a shutdown", "+a", "+b", "+c"});
  runtime.exit(pid, ExitReason::killed());
  expect({"supervisor: killed"});
  EXPECT_TRUE(nothing_runs());
}

TEST_F(SupervisorChild, AStuckInnerChildIsToldOfAsItsOwn) {
  Channel<bool> stuck;
  const Pid pid =
      spawn({.children = {worker("a")}}, {.on_stuck = [&](bool is_stuck) { stuck.put(is_stuck); }});
  tell(pid, "a", "hang");
  EXPECT_EQ(stuck.take(), true);
  release.open();
  EXPECT_EQ(stuck.take(), false);
}

TEST_F(SupervisorChild, OneThatCallsItFromItsStartIsToldOfTheCircle) {
  asks = "a";
  const Pid pid = spawn({.children = {worker("b"), worker("a")}});
  expect({"+b", "+a"});
  asked = pid;  // known from now on
  tell(pid, "a", "{stop, oops}");
  expect({"-a oops", "a: error: deadlock", "+a"});
}

// It has mail of one that it waits for.
TEST_F(SupervisorChild, WhoWaitsForAnAnswerWhenItEndsIsToldSo) {
  const Pid pid = spawn({.children = {worker("a"), worker("b"), worker("c")}});
  expect({"+a", "+b", "+c"});
  asked = pid;
  slow = "c";
  const Pid b = inner(pid, "b");
  tell(pid, "c", "{stop, oops}");
  expect({"-c oops", "~c"});
  (void)runtime.send(b, message("ask"));
  expect({"asks"});
  EXPECT_TRUE(eventually([&] { return runtime.follow_waits(b).waits.size() == 2; }));  // b, it, c
  runtime.exit(pid, ExitReason::shutdown());
  release.open();
  expect({"+c"});
  const std::set<std::string> next{said.take().value_or(""), said.take().value_or("")};
  EXPECT_EQ(next, (std::set<std::string>{"b: error: no_such_child", "-c shutdown"}));
  expect({"-b shutdown", "-a shutdown", "supervisor: shutdown"});
}

// Its handler would not return before the supervisor, which waits for its end, has answered.
TEST_F(SupervisorChild, OneThatWaitsForItIsKilledWhereItIsToEnd) {
  SupervisorSpec spec{.strategy = RestartStrategy::one_for_all,
                      .children = {worker("a"), worker("b"), worker("c")}};
  for (InnerSpec& inner : spec.children) inner.shutdown = {.infinity = true};
  const Pid pid = spawn(spec);
  expect({"+a", "+b", "+c"});
  asked = pid;
  const Pid b = inner(pid, "b");
  const Pid a = inner(pid, "a");
  tell(pid, "c", "hang");
  expect({"hangs"});
  (void)runtime.send(a, message("{stop, oops}"));
  expect({"-a oops"});
  (void)runtime.send(b, message("ask"));
  expect({"asks"});
  EXPECT_TRUE(eventually([&] { return runtime.follow_waits(b).waits.size() == 2; }));  // b, it, c
  release.open();
  expect({"-c shutdown", "b: error: timeout", "+a", "+b", "+c"});  // no last words of b
}

TEST_F(SupervisorChild, InnerChildrenHaveItsIdentityAndItsRole) {
  SpawnOptions options;
  options.identity.role = Role::passive;
  const Pid pid = spawn({.intensity = 9, .children = {worker("a"), worker("b")}}, std::move(options));
  EXPECT_EQ(ask(inner(pid, "a"), "role"), "passive");
  Gate done;
  runtime.set_role(pid, {.role = Role::active, .done = [&] { done.open(); }});
  EXPECT_TRUE(done.wait());
  EXPECT_EQ(ask(inner(pid, "a"), "role"), "active");
  EXPECT_EQ(ask(inner(pid, "b"), "role"), "active");
  tell(pid, "b", "crash");
  expect({"+a", "+b", "-b {exception,<<\"as it was told\">>}", "+b"});
  EXPECT_EQ(ask(inner(pid, "b"), "role"), "active");
}

TEST_F(SupervisorChild, ItIsNotFrozen) {
  const Pid pid = spawn({.children = {worker("a")}});
  Channel<Result<void>> frozen;
  runtime.handover().freeze(pid, 100ms, [&](const Result<void>& result) { frozen.put(result); });
  const auto result = frozen.take();
  ASSERT_TRUE(result.has_value());
  ASSERT_FALSE(result->has_value());
  EXPECT_EQ(result->error().code, Errc::not_allowed);
  EXPECT_TRUE(runtime.is_alive(pid));
}

TEST_F(SupervisorChild, TheEndOfTheRuntimeEndsAll) {
  (void)spawn({.children = {worker("a"), worker("b")}});
  (void)spawn({.children = {InnerSpec::supervisor("sub", {.children = {worker("c")}})}});
  EXPECT_EQ(runtime.stop(patience), 0U);
  EXPECT_EQ(runtime.process_count(), 0U);
}

// Each of them stands still while its children start, and holds no thread.
TEST_F(SupervisorChild, ManyStartAndEndAtOnceOnTwoThreads) {
  constexpr int many = 600;
  std::vector<Pid> pids;
  std::atomic<int> ready{0};
  const EncodedTerm args = SupervisorSpec{.children = {worker("a"), worker("b")}}.args();
  for (int i = 0; i < many; ++i)
    pids.push_back(runtime.spawn(make_supervisor(args), {.on_started = [&](const Result<void>& result) {
                                   if (result) ++ready;
                                 }}));
  EXPECT_TRUE(eventually([&] { return ready == many; }));
  for (const Pid& pid : pids) runtime.exit(pid, ExitReason::shutdown());
  EXPECT_TRUE(nothing_runs());
  EXPECT_LT(runtime.stats().threads, 20U);  // some are added where the machine is busy
}

}  // namespace local_supervisor_test
}  // namespace brood::process::testing
