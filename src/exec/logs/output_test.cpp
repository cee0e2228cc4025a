// The output of real programs: kept within bounds, followed while they run, lost without hurting them.
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstring>

#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace output_test {

TEST(Output, StdoutAndStderrAreKeptInOrder) {
  World world;
  world.shell("echo one; echo two >&2; echo three")->wait_exit();
  EXPECT_EQ(world.launcher.log("shell", 0).text, "one\ntwo\nthree\n");
  EXPECT_EQ(world.launcher.log_tail("shell", 1).text, "three\n");
}

TEST(Output, OfTheNextRunFollowsThatOfTheLastWithHowThatEnded) {
  World world;
  world.shell("echo one; exit 3")->wait_exit();
  const auto end = world.launcher.last_end("shell");
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, ExitStatus{.code = 3});
  EXPECT_EQ(world.launcher.log("shell", 0).text, "one\n") << "kept after its end";
  world.shell("echo two")->wait_exit();
  const auto text = world.launcher.log("shell", 0).text;
  EXPECT_TRUE(text.starts_with("one\n[brood: exited with code 3 at " + wall_clock_text(end->ended_ms)))
      << text;
  EXPECT_TRUE(text.ends_with("]\ntwo\n")) << text;
  // Its shim may still be about to close it.
  EXPECT_TRUE(eventually([&] { return world.launcher.remove_log("shell"); }));
  EXPECT_EQ(world.launcher.log("shell", 0).text, "");
  EXPECT_FALSE(world.launcher.last_end("shell"));
}

TEST(Output, TheEndIsKeptOfAProgramWithoutALogAndOfOneThatSaidNothing) {
  World world;
  world.start("none", {.argv = {"sh", "-c", "echo x; exit 4"}, .log_bytes_max = 0})->wait_exit();
  world.start("mute", {.argv = {"sh", "-c", "kill -9 $$"}})->wait_exit();
  EXPECT_EQ(world.launcher.last_end("none")->status, ExitStatus{.code = 4});
  EXPECT_EQ(world.launcher.last_end("mute")->status, ExitStatus{.signal = SIGKILL});
  EXPECT_FALSE(world.launcher.last_end("never"));
}

TEST(Output, TheEndOfOneWhoseShimWasKilledIsKeptToo) {
  World world;
  const auto run = world.start("a", {.argv = {"sleep", "1000"}});
  const pid_t pid = run->wait_pid();
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/status");
  kill(std::atoi(status.c_str() + status.find("PPid:") + 5), SIGKILL);
  const auto exit = run->wait_exit();
  EXPECT_EQ(world.launcher.last_end("a")->status, exit);
}

// Its shim hears of that in its own time: the program writes on until it has.
TEST(Output, HowMuchIsKeptAndTimesAreTakenOverByOneThatRuns) {
  World world;
  const std::string line(100, 'x');
  const Command command{.argv = {"sh", "-c", "exec <go; while read -r a; do echo $a; done; echo end"},
                        .cwd = world.folder.path()};
  ASSERT_EQ(mkfifo((world.folder / "go").c_str(), 0600), 0);
  const auto run = world.start("a", command);
  std::ofstream go(world.folder / "go");
  const auto wrote_until = [&](const auto& holds) {
    return eventually([&] {
      go << line << std::endl;
      return holds();
    });
  };
  ASSERT_TRUE(wrote_until([&] { return world.launcher.log("a", 0).text.size() > 5000; }));
  Command next = command;
  next.options.log_size = 1000;
  next.options.log_files = 5;
  run->program->follow(next);
  EXPECT_TRUE(wrote_until([&] {
    const std::string kept = world.launcher.log("a", 0).text;
    return !kept.empty() && kept.size() <= 1000;
  }));
  next.options.log_timestamps = true;
  run->program->follow(next);
  EXPECT_TRUE(
      wrote_until([&] { return world.launcher.log_tail("a", 1).text.ends_with("Z " + line + "\n"); }));
  go.close();
  EXPECT_TRUE(run->wait_exit().success());
  const auto last = world.launcher.log_tail("a", 1).text;
  EXPECT_TRUE(last.ends_with("Z end\n")) << last;
}

TEST(Output, AnotherStopSignalIsTakenOver) {
  World world;
  const Command command{
      .argv = {"sh", "-c", "trap 'exit 7' INT; trap '' TERM; echo up; while :; do sleep 0.01; done"}};
  const auto run = world.start("a", command);
  EXPECT_TRUE(eventually([&] { return world.launcher.log("a", 0).text == "up\n"; }));
  Command next = command;
  next.stop_signal = SIGINT;
  run->program->follow(next);
  run->program->stop(std::chrono::seconds(30));
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.code = 7, .cause = EndCause::stopped}));
}

TEST(Output, AStartThatFailsIsNoRun) {
  World world;
  world.shell("echo one; exit 3")->wait_exit();
  ASSERT_TRUE(world.start("shell", {.argv = {"/nonexistent"}})->wait_start());
  EXPECT_TRUE(eventually([&] { return world.launcher.running() == 0; }));
  EXPECT_EQ(world.launcher.log("shell", 0).text, "one\n");
  EXPECT_EQ(world.launcher.last_end("shell")->status, ExitStatus{.code = 3});
}

TEST(Output, IsThereAgainAfterItsFolderWasRemoved) {
  World world;
  world.shell("echo first; n=0; while :; do n=$((n+1)); echo line $n; sleep 0.01; done");
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text.starts_with("first\nline"); }));
  std::filesystem::remove_all(world.launcher.log_dir());
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text.find("line") == 0; }));
}

TEST(Output, BeginsAtALineOnceItsBeginningWasDropped) {
  World world;
  const auto run =
      world.start("much", {.argv = {"sh", "-c", "seq -f 'line %.0f' 1 20000"}, .log_bytes_max = 20000});
  run->wait_exit();
  const auto kept = world.launcher.log("much", 0);
  EXPECT_GT(kept.offset, 0u);
  EXPECT_TRUE(kept.text.starts_with("line ")) << kept.text.substr(0, 40);
  EXPECT_EQ(kept.next - kept.offset, kept.text.size());
}

TEST(Output, IsBoundedByTheLauncherWhereTheCommandSaysNothing) {
  World world({.log_bytes_max = 20000, .heartbeat_limit = 0ms});
  world.shell("seq 1 300000; echo end")->wait_exit();
  const auto kept = world.launcher.log("shell", 0);
  EXPECT_LE(kept.text.size(), 20000u);
  EXPECT_TRUE(kept.text.ends_with("300000\nend\n"));
}

TEST(Output, IsFollowedWhileTheProgramRuns) {
  World world;
  const auto run = world.shell("for i in 1 2 3; do echo $i; sleep 0.05; done; sleep 1000");
  std::string seen;
  std::uint64_t at = 0;
  EXPECT_TRUE(eventually([&] {
    const auto more = world.launcher.log("shell", at, 1);
    seen += more.text;
    at = more.next;
    return seen == "1\n2\n3\n";
  }));
}

TEST(Output, OfAnyLengthStaysWithinItsBound) {
  World world;
  const auto run =
      world.start("much", {.argv = {"sh", "-c", "seq 1 300000; echo end"}, .log_bytes_max = 20000});
  EXPECT_EQ(run->wait_exit(), ExitStatus{});
  const auto kept = world.launcher.log("much", 0);
  EXPECT_LE(kept.text.size(), 20000u);
  EXPECT_GE(kept.text.size(), 10000u);
  EXPECT_TRUE(kept.text.ends_with("300000\nend\n"));
}

TEST(Output, OfNoLogGoesNowhere) {
  World world;
  const auto run = world.start("none", {.argv = {"sh", "-c", "echo x"}, .log_bytes_max = 0});
  EXPECT_EQ(run->wait_exit(), ExitStatus{});
  EXPECT_EQ(world.launcher.log("none", 0).text, "");
}

TEST(Output, AProgramMayCloseIt) {
  World world;
  const std::string file = world.folder / "go";
  const auto run =
      world.shell("echo one; exec >&- 2>&-; while ! test -e " + file + "; do sleep 0.01; done; exit 4");
  run->wait_pid();
  EXPECT_TRUE(eventually([&] { return world.launcher.log("shell", 0).text == "one\n"; }));
  std::ofstream(file) << "";
  EXPECT_EQ(run->wait_exit(), ExitStatus{.code = 4});
}

TEST(Output, OfAnyNameStaysInTheLogFolder) {
  World world;
  const std::string name("../../x/\0y", 10);
  const auto run = world.start(name, {.argv = {"echo", "hi"}});
  run->wait_exit();
  EXPECT_EQ(world.launcher.log(name, 0).text, "hi\n");
  EXPECT_TRUE(std::filesystem::exists(world.launcher.log_dir() + "/%2E.%2F..%2Fx%2F%00y"));
}

TEST(Output, OnAFileSizeLimitIsCountedAndTheProgramGoesOn) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  World world;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto run = world.shell("seq 1 10000; exit 6");  // 48,894 bytes
  run->wait_pid();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(run->wait_exit(), (ExitStatus{.code = 6, .log_bytes_lost = 47894}));
  EXPECT_EQ(world.launcher.log("shell", 0).text.size(), 1000u);
}

TEST(Output, OnAFullDiskIsCountedMarkedAndTheProgramGoesOn) {
  TempFolder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=512k") != 0) {
    GTEST_SKIP() << "no mount here: " << std::strerror(errno);
  }
  {
    World world({.log_dir = folder.path(), .heartbeat_limit = 0ms});
    const std::string filler = folder / "filler";
    // With 16 KiB of room; without the filler there is room for all that the program says.
    std::ofstream(filler) << std::string(496 * 1024, 'x') << std::flush;
    const std::string go = world.folder / "go";
    // More than pipe and log thread hold, so most of it meets the full disk before the file says so.
    const auto run = world.shell("seq 1 40000; echo full > " + go + "; while ! test -e " + go +
                                 "2; do sleep 0.01; done; echo after; exit 6");
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(go); }));
    std::filesystem::remove(filler);
    std::ofstream(go + "2") << "";
    const auto status = run->wait_exit();
    EXPECT_EQ(status.code, 6);
    EXPECT_GT(status.log_bytes_lost, 0u);
    const auto text = world.launcher.log("shell", 0).text;
    EXPECT_NE(text.find("bytes of output lost: No space left on device]\n"), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("after\n")) << text;
  }
  umount(folder.path().c_str());
}

}  // namespace output_test
}  // namespace brood::exec::test
