// How programs end: by stop, with all that they started, by the end of their shim, and with a stalled node.
#include <algorithm>

#include "exec/shim/shim_tree.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace stop_test {

constexpr auto for_ever = std::chrono::milliseconds::max();

pid_t shim_of(pid_t program) {
  const std::string status = read_file("/proc/" + std::to_string(program) + "/status");
  return std::atoi(status.c_str() + status.find("PPid:") + 5);
}

TEST(Stop, TheStopSignalEndsTheProgram) {
  World world;
  const auto run = world.start("a", {.argv = {"sleep", "1000"}, .stop_signal = SIGINT});
  run->wait_pid();
  run->program->stop(for_ever);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.signal = SIGINT, .cause = EndCause::stopped}));
  run->program->stop(0ms);  // nothing left to stop
  EXPECT_EQ(run->callbacks, 2);
}

TEST(Stop, AProgramMayTidyUpAndChooseItsExitCode) {
  World world;
  const auto run = world.shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\n"; }));
  run->program->stop(30s);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.code = 7, .cause = EndCause::stopped}));
  EXPECT_TRUE(world.launcher.log("shell", 0).text.ends_with("bye\n"));
}

TEST(Stop, AProgramThatIgnoresTheSignalIsKilledAfterTheShutdownTime) {
  World world;
  const auto run = world.shell("trap '' TERM; echo ready; while :; do sleep 1000; done");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\n"; }));
  const auto began = std::chrono::steady_clock::now();
  run->program->stop(300ms);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.signal = SIGKILL, .cause = EndCause::stop_killed}));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 300ms);
}

TEST(Stop, ALaterStopShortensTheTime) {
  World world;
  const auto run = world.shell("trap '' TERM; echo ready; while :; do sleep 1000; done");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\n"; }));
  run->program->stop(for_ever);
  run->program->stop(10min);
  run->program->stop(0ms);
  EXPECT_EQ(run->wait_exit().cause, EndCause::stop_killed);
}

TEST(Stop, AStoppedProgramStillEnds) {
  World world;
  const auto run = world.start("a", {.argv = {"sleep", "1000"}});
  kill(run->wait_pid(), SIGSTOP);
  run->program->stop(for_ever);
  EXPECT_EQ(run->wait_exit().cause, EndCause::stopped);
}

TEST(Stop, AStoppedShimStillEnds) {
  World world;
  const auto run = world.start("a", {.argv = {"sleep", "1000"}});
  kill(shim_of(run->wait_pid()), SIGSTOP);
  run->program->stop(for_ever);
  EXPECT_EQ(run->wait_exit().cause, EndCause::stopped);
}

TEST(Signal, ReachesTheProgramAndEndsNothingElse) {
  World world;
  const auto run = world.shell("trap 'echo again' HUP; echo ready; while :; do sleep 0.01; done");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\n"; }));
  run->program->signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\nagain\n"; }));
  run->program->stop(0ms);
  run->wait_exit();
  run->program->signal(SIGHUP);  // nobody is there
}

TEST(Stop, AtOnceAfterTheStartLeavesNothing) {
  World world;
  for (int i = 0; i < 20; ++i) {
    const auto run = world.start("a", {.argv = {"sleep", "1000"}});
    run->program->stop(0ms);
    ASSERT_TRUE(run->wait_start());
    if (*run->start_now()) {
      EXPECT_EQ(run->wait_exit().cause, EndCause::stop_killed);
    }
  }
  EXPECT_TRUE(eventually([&] { return world.launcher.running() == 0; }));
}

TEST(Stop, RacingWithTheProgramsOwnExitIsNeverALostShim) {
  World world;
  for (int i = 0; i < 100; ++i) {
    const auto run = world.start("a", {.argv = {"true"}});
    run->wait_pid();
    run->program->stop(10s);
    EXPECT_NE(run->wait_exit().cause, EndCause::shim_lost);
  }
}

TEST(Stop, GrandchildrenGoWithTheProgram) {
  World world;
  const std::string file = world.folder / "pid";
  const auto run = world.shell("sleep 1000 & echo $! > " + file + "; sleep 1000");
  const pid_t grandchild = wait_number(file);
  EXPECT_TRUE(lives(grandchild));
  run->program->stop(10s);
  run->wait_exit();
  EXPECT_FALSE(lives(grandchild));
}

TEST(Stop, MembersOfTheGroupGetTheShutdownTimeToo) {
  World world;
  const auto run = world.shell(
      "(trap 'sleep 0.3; echo tidy; exit' TERM; echo ready; while :; do sleep 0.01; done) & wait");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\n"; }));
  run->program->stop(30s);
  EXPECT_EQ(run->wait_exit().cause, EndCause::stopped);
  EXPECT_TRUE(world.launcher.log("shell", 0).text.ends_with("tidy\n"));
}

TEST(Stop, ADaemonOfItsOwnSessionGetsTheStopSignalAndTheShutdownTime) {
  World world;
  const std::string file = world.folder / "pid";
  // Forked twice, in a new session; takes its time to end.
  const auto run = world.shell("(setsid sh -c 'trap \"sleep 0.3; echo tidy; exit\" TERM; echo $$ > " + file +
                               "; while :; do sleep 0.01; done' &) ; sleep 1000");
  const pid_t daemon = wait_number(file);
  EXPECT_NE(getsid(daemon), getsid(run->wait_pid()));
  run->program->stop(30s);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.signal = SIGTERM, .cause = EndCause::stopped}));
  // The shell may say that what it waited for was terminated.
  EXPECT_TRUE(world.launcher.log("shell", 0).text.ends_with("tidy\n"));
  EXPECT_FALSE(lives(daemon));
}

TEST(Stop, ADeafDaemonOfItsOwnSessionIsKilledAfterTheShutdownTime) {
  World world;
  const std::string file = world.folder / "pid";
  const auto run = world.shell("(setsid sh -c 'trap \"\" TERM; echo $$ > " + file +
                               "; while :; do sleep 1000; done' &) ; sleep 1000");
  const pid_t daemon = wait_number(file);
  const auto began = std::chrono::steady_clock::now();
  run->program->stop(300ms);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.signal = SIGTERM, .cause = EndCause::stop_killed}));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 300ms);
  EXPECT_FALSE(lives(daemon));
}

TEST(Stop, WhatAProgramLeavesBehindIsGoneWhenItsExitIsReported) {
  World world;
  const std::string file = world.folder / "pid";
  const auto run = world.shell("setsid sleep 1000 & echo $! > " + file + "; exit 5");
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.code = 5, .left_behind = 1}));
  EXPECT_FALSE(lives(wait_number(file)));
}

TEST(Stop, AProgramThatGoesToTheBackgroundIsToldToStayInTheForeground) {
  World world;
  // It ends when both of the others are there.
  const std::string file = world.folder / "there";
  const auto run = world.shell("(setsid sh -c 'sleep 1000 & echo $! > " + file +
                               "; wait' &) ; until test -s " + file + "; do sleep 0.01; done; exit 0");
  EXPECT_EQ(run->wait_exit().text(),
            "exited with code 0; 2 processes that it left behind were killed: a program must stay in the "
            "foreground");
}

TEST(Stop, ABusyTreeOfForksIsKilledCompletely) {
  World world;
  // Each level starts short-lived processes all the time, so listings are never current.
  const auto run = world.shell(
      "f() { while :; do sh -c 'sleep 0.02 & (sleep 0.01 &) ; true'; done; }; f & f & f & f & echo ready; "
      "wait");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\n"; }));
  const pid_t shim = shim_of(run->wait_pid());
  run->program->stop(0ms);
  EXPECT_EQ(run->wait_exit().cause, EndCause::stop_killed);
  EXPECT_TRUE(children_of(shim).empty());
}

TEST(Shim, KilledFromOutsideTakesEverythingAlong) {
  World world;
  const std::string file = world.folder / "pid";
  const auto run = world.shell("setsid sleep 1000 & echo $! > " + file + "; sleep 1000");
  const pid_t daemon = wait_number(file);
  const pid_t program = run->wait_pid();
  kill(shim_of(program), SIGKILL);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.signal = SIGKILL, .cause = EndCause::shim_lost}));
  EXPECT_FALSE(lives(program));
  EXPECT_FALSE(lives(daemon));
}

TEST(Shim, LeavesSignalsToItsNode) {
  World world;
  const auto run = world.shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "ready\n"; }));
  const pid_t shim = shim_of(run->wait_pid());
  // As a service manager sends them to every process of the node.
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGALRM, SIGTSTP}) kill(shim, signal);
  run->program->stop(30s);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.code = 7, .cause = EndCause::stopped}));
}

long wakeups_of(pid_t pid) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
  const std::string key = "\nvoluntary_ctxt_switches:";
  return std::atol(status.c_str() + status.find(key) + key.size());
}

TEST(Shim, OfAnIdleProgramWakesOnceForEachLimit) {
  static constexpr auto limit = 2000ms;
  World world({.heartbeat_limit = limit});
  const auto run = world.start("a", {.argv = {"sleep", "1000"}});
  const pid_t shim = shim_of(run->wait_pid());
  const auto began = std::chrono::steady_clock::now();
  const long before = wakeups_of(shim);
  EXPECT_TRUE(eventually([&] {
    world.launcher.beat();
    return std::chrono::steady_clock::now() - began > 2 * limit;
  }));
  // Its start may have a wake-up left to come.
  EXPECT_LE(wakeups_of(shim) - before, 4);
  EXPECT_TRUE(lives(*run->start_now().value()));
}

TEST(Heartbeat, WithoutItTheProgramIsKilledAndTheNodeTold) {
  World world({.heartbeat_limit = 300ms});
  world.launcher.beat();
  const auto began = std::chrono::steady_clock::now();
  const auto run = world.start("a", {.argv = {"sleep", "1000"}});
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.signal = SIGKILL, .cause = EndCause::node_stalled}));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 250ms);
}

TEST(Heartbeat, WhatIsToStartAsTheNodeWakesWaitsForItsNextBeat) {
  World world({.heartbeat_limit = 300ms});
  EXPECT_FALSE(eventually([] { return false; }, 400ms)) << "it sleeps";
  const auto late = world.start("b", {.argv = {"sleep", "1000"}});
  const auto stopped = world.start("c", {.argv = {"sleep", "1000"}});
  EXPECT_FALSE(eventually([&] { return late->start_now().has_value(); }, 100ms));
  stopped->program->stop(0ms);
  ASSERT_TRUE(stopped->wait_start());
  EXPECT_FALSE(*stopped->start_now()) << "it was stopped before its turn came";
  world.launcher.set_heartbeat_limit(20'000ms);
  world.launcher.beat();
  EXPECT_GT(late->wait_pid(), 0);
}

TEST(Heartbeat, KeepsTheProgramRunningForManyLimits) {
  World world({.heartbeat_limit = 2000ms});
  const auto run = world.start("a", {.argv = {"sleep", "5"}});
  EXPECT_TRUE(eventually([&] {
    world.launcher.beat();
    return run->exit_now().has_value();
  }));
  EXPECT_EQ(run->wait_exit(), ExitStatus{});
}

TEST(Heartbeat, ANewLimitReachesRunningPrograms) {
  World world({.heartbeat_limit = 0ms});
  const auto run = world.start("a", {.argv = {"sleep", "1000"}});
  run->wait_pid();
  world.launcher.set_heartbeat_limit(50ms);
  EXPECT_EQ(run->wait_exit().cause, EndCause::node_stalled);
}

}  // namespace stop_test
}  // namespace brood::exec::test
