#include "exec/launcher/launcher.hpp"

#include <sys/resource.h>

#include "exec/launcher/spawn.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace launcher_test {

TEST(Launcher, ThisMachineCanRunPrograms) {
  World world;
  const auto ready = world.launcher.check();
  EXPECT_TRUE(ready) << ready.error().message;
}

TEST(Launcher, AMissingShimIsToldByCheckAndByStart) {
  World world({.shim_path = "/nonexistent/brood-shim"});
  ASSERT_FALSE(world.launcher.check());
  EXPECT_EQ(world.launcher.check().error().code, Errc::io);
  const auto run = world.shell("exit 0");
  ASSERT_TRUE(run->wait_start());
  ASSERT_FALSE(*run->start_now());
  EXPECT_NE(run->start_now()->error().message.find("/nonexistent/brood-shim"), std::string::npos);
}

TEST(Launcher, ExitCodesAreReported) {
  World world;
  for (const int code : {0, 1, 3, 255}) {
    const auto run = world.shell("exit " + std::to_string(code));
    EXPECT_GT(run->wait_pid(), 0);
    EXPECT_EQ(run->wait_exit(), ExitStatus{.code = code});
  }
  EXPECT_TRUE(eventually([&] { return world.launcher.running() == 0; }));
}

TEST(Launcher, ASignalThatEndsTheProgramIsReported) {
  World world;
  for (const int signal : {SIGKILL, SIGTERM, SIGSEGV}) {
    const auto run = world.shell("kill -" + std::to_string(signal) + " $$; sleep 1000");
    EXPECT_EQ(run->wait_exit(), ExitStatus{.signal = signal});
  }
}

TEST(Launcher, TheProgramIsTheReportedProcessInAGroupOfItsOwn) {
  World world;
  const auto run = world.start("own", {.argv = {"sleep", "1000"}});
  const pid_t pid = run->wait_pid();
  EXPECT_EQ(run->program->os_pid(), pid);
  EXPECT_EQ(getpgid(pid), pid);
  EXPECT_EQ(read_file("/proc/" + std::to_string(pid) + "/comm"), "sleep\n");
}

struct BadStart {
  Command command;
  std::string words;
};

TEST(Launcher, EachStartThatFailsSaysWhy) {
  World world;
  const std::string plain = world.folder / "plain";
  std::ofstream(plain) << "x";
  const std::string orphan = world.folder / "orphan";
  std::ofstream(orphan) << "#!/nonexistent/interpreter\n";
  std::filesystem::permissions(orphan, std::filesystem::perms::owner_all);
  const std::vector<BadStart> cases{
      {{.argv = {"/nonexistent/program"}}, "No such file"},
      {{.argv = {"no-such-program-here"}}, "looked for in PATH"},
      {{.argv = {plain}}, "Permission denied"},
      {{.argv = {world.folder.path()}}, "Permission denied"},
      {{.argv = {orphan}}, "interpreter"},
      {{.argv = {"true"}, .cwd = "/nonexistent"}, "cannot enter the folder"},
      {{.argv = {}}, "argv"},
      {{.argv = {"true", std::string(4 << 20, 'x')}}, "too long"},
  };
  for (const auto& bad : cases) {
    const auto run = world.start("bad", bad.command);
    ASSERT_TRUE(run->wait_start());
    ASSERT_FALSE(*run->start_now()) << bad.words;
    EXPECT_NE(run->start_now()->error().message.find(bad.words), std::string::npos)
        << run->start_now()->error().message;
  }
  EXPECT_TRUE(eventually([&] { return world.launcher.running() == 0; }));
}

TEST(Launcher, CwdEnvironmentAndArgumentsReachTheProgram) {
  World world;
  const auto run =
      world.start("env", {.argv = {"sh", "-c", "pwd; echo \"$BROOD_CHILD|$1|$HOME\"", "sh", "a b"},
                          .cwd = "/",
                          .env = {{"BROOD_CHILD", "alice"}, {"HOME", "/h"}}});
  run->wait_exit();
  EXPECT_EQ(world.launcher.log("env", 0).text, "/\nalice|a b|/h\n");
}

TEST(Launcher, TheProgramInheritsNoDescriptorsSignalsOrInput) {
  World world;
  const int open_here = open("/dev/null", O_RDONLY);  // not close-on-exec
  const auto run = world.start(
      "fds",
      {.argv = {"sh", "-c",
                "ls /proc/self/fd; grep SigBlk /proc/self/status; grep SigIgn /proc/self/status; cat"}});
  run->wait_exit();
  close(open_here);
  const std::string text = world.launcher.log("fds", 0).text;
  // 3 is the folder that ls itself reads.
  const std::string wanted = "0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t";
  ASSERT_TRUE(text.starts_with(wanted)) << text;
  // Signals 32 and 33 are the C library's own; no program can change them.
  const auto ignored = std::stoull(text.substr(wanted.size()), nullptr, 16);
  EXPECT_EQ(ignored & ~(std::uint64_t{3} << 31), 0u) << text;
}

TEST(Launcher, TheProgramHasTheFileLimitThatTheNodeWasStartedWith) {
  const rlimit at_start = file_limit_at_start();
  const rlimit changed{at_start.rlim_cur / 2, at_start.rlim_max};
  World world;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &changed), 0);
  world.shell("ulimit -Sn; ulimit -Hn")->wait_exit();
  setrlimit(RLIMIT_NOFILE, &at_start);
  const auto text = [](rlim_t limit) {
    return limit == RLIM_INFINITY ? std::string("unlimited") : std::to_string(limit);
  };
  EXPECT_EQ(world.launcher.log("shell", 0).text,
            text(at_start.rlim_cur) + '\n' + text(at_start.rlim_max) + '\n');
}

TEST(Launcher, AnInvalidCommandIsAnInvalidArgument) {
  World world;
  const auto run = world.start("bad", {.argv = {"true"}, .env = {{"A=B", ""}}});
  ASSERT_TRUE(run->wait_start());
  EXPECT_EQ(run->start_now()->error().code, Errc::invalid_argument);
}

TEST(Launcher, TwoHundredProgramsStartAndStopAtOnce) {
  World world;
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<Trial>> runs;
  for (int i = 0; i < 200; ++i) {
    runs.push_back(world.start("p" + std::to_string(i), {.argv = {"sleep", "1000"}}));
  }
  for (const auto& run : runs) EXPECT_GT(run->wait_pid(), 0);
  EXPECT_EQ(world.launcher.running(), 200u);
  const std::chrono::duration<double> started = std::chrono::steady_clock::now() - began;
  for (const auto& run : runs) run->program->stop(10s);
  for (const auto& run : runs) EXPECT_EQ(run->wait_exit().cause, EndCause::stopped);
  const std::chrono::duration<double> stopped = std::chrono::steady_clock::now() - began;
  RecordProperty("start_seconds", std::to_string(started.count()));
  std::cout << "started in " << started.count() << " s, all stopped after " << stopped.count() << " s\n";
  for (const auto& run : runs) EXPECT_FALSE(lives(*run->start_now().value()));
}

TEST(Launcher, DestroyingTheHandleKillsWithoutACallback) {
  World world;
  const auto run = world.shell("trap '' TERM; sleep 1000 & wait");
  const pid_t pid = run->wait_pid();
  run->program.reset();
  EXPECT_TRUE(eventually([&] { return !lives(pid) && world.launcher.running() == 0; }));
  EXPECT_FALSE(run->exit_now());
}

TEST(Launcher, DestroyingTheHandleBeforeTheStartLeavesNothing) {
  World world;
  for (int i = 0; i < 20; ++i) world.start("gone", {.argv = {"sleep", "1000"}})->program.reset();
  EXPECT_TRUE(eventually([&] { return world.launcher.running() == 0; }));
}

TEST(Launcher, DestroyingTheLauncherKillsAllAndWaits) {
  boost::asio::io_context io;  // never run: nothing here depends on it
  pid_t pid = 0;
  {
    Launcher launcher(io, {.heartbeat_limit = 0ms});
    const auto program = launcher.start("a", {.argv = {"sleep", "1000"}}, {}, {});
    EXPECT_TRUE(eventually([&] { return program->os_pid() != 0; }));
    pid = program->os_pid();
    EXPECT_TRUE(std::filesystem::exists(launcher.log_dir()));
  }
  EXPECT_FALSE(lives(pid));
}

TEST(Launcher, RunOfTheIoContextLastsUntilTheLastExit) {
  boost::asio::io_context io;
  Launcher launcher(io, {.heartbeat_limit = 0ms});
  int exits = 0;
  const auto program = launcher.start("a", {.argv = {"true"}}, {}, [&](const ExitStatus&) { ++exits; });
  io.run();
  EXPECT_EQ(exits, 1);
}

}  // namespace launcher_test
}  // namespace brood::exec::test
