// The output of real programs: kept within bounds, followed while they run, lost without hurting them.
#include <sys/mount.h>
#include <sys/resource.h>

#include <cstring>

#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace {

TEST(Output, StdoutAndStderrAreKeptInOrder) {
  World world;
  world.shell("echo one; echo two >&2; echo three")->wait_exit();
  EXPECT_EQ(world.launcher.log("shell", 0).text, "one\ntwo\nthree\n");
  EXPECT_EQ(world.launcher.log_tail("shell", 1).text, "three\n");
}

TEST(Output, OfTheNextInstanceFollowsThatOfTheLast) {
  World world;
  world.shell("echo one")->wait_exit();
  world.shell("echo two")->wait_exit();
  EXPECT_EQ(world.launcher.log("shell", 0).text, "one\ntwo\n");
  world.launcher.remove_log("shell");
  EXPECT_EQ(world.launcher.log("shell", 0).text, "");
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
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "no mount here: " << std::strerror(errno);
  }
  {
    World world({.log_dir = folder.path(), .heartbeat_limit = 0ms});
    const std::string filler = folder / "filler";
    std::ofstream(filler) << std::string(48 * 1024, 'x') << std::flush;
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

}  // namespace
}  // namespace brood::exec::test
