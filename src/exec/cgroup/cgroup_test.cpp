// Cgroups: what is said where there is none, and real programs in real ones.
#include <sys/stat.h>
#include <sys/xattr.h>

#include "exec/cgroup/cgroup_root.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace cgroup_test {

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string refusal(const CgroupFiles& files, const CgroupLimits& limits = {.memory = 1 << 20}) {
  CgroupRoot root(files);
  const auto made = root.make("a", limits);
  if (made) remove_cgroup(*made);
  return made ? "made " + *made : made.error().message;
}

TEST(Cgroup, WhereThereIsNoneOrItIsNotTheNodesThatIsSaid) {
  const TempFolder folder;
  const CgroupFiles files{folder / "mounts", folder / "own"};
  EXPECT_NE(refusal(files).find("no cgroups of version 2"), std::string::npos);
  write_text(files.mounts, "30 20 0:1 / /proc rw - proc proc rw\n31 20 0:2 / " + folder.path() +
                               "/tree rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
  write_text(files.own, "1:cpu:/\n");
  EXPECT_NE(refusal(files).find("no cgroups of version 2"), std::string::npos);
  write_text(files.own, "1:cpu:/\n0::/system.slice/x.service\n");
  const auto words = refusal(files);
  EXPECT_NE(words.find("(" + folder.path() + "/tree/system.slice/x.service) is not its own"),
            std::string::npos)
      << words;
  EXPECT_NE(words.find("Delegate=yes"), std::string::npos);
}

TEST(Cgroup, AControllerThatWasNotGivenIsNamed) {
  const TempFolder folder;
  const CgroupFiles files{folder / "mounts", folder / "own"};
  std::filesystem::create_directory(folder / "tree");
  write_text(files.mounts, "31 20 0:2 / " + folder.path() + "/tree rw - cgroup2 cgroup2 rw\n");
  write_text(files.own, "0::/\n");
  write_text(folder / "tree/cgroup.controllers", "cpu hugetlb\n");
  const auto words = refusal(files, {.cpu = 1, .pids = 5});
  EXPECT_TRUE(words.starts_with("cgroup: pids cannot be limited here: ")) << words;
  EXPECT_NE(words.find("cgroup.controllers has cpu, hugetlb."), std::string::npos) << words;
}

// A cgroup of this machine's own tree, given away as systemd gives one.
class RealCgroup : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can make a cgroup to give away";
    std::istringstream lines(read_file("/proc/self/mountinfo"));
    for (std::string line; std::getline(lines, line);)
      if (line.find(" - cgroup2 ") != std::string::npos) {
        std::istringstream words(line);
        for (int i = 0; i < 5; ++i) words >> mount_;
      }
    const auto controllers = read_file(mount_ + "/cgroup.controllers");
    for (const char* one : {"memory", "cpu", "pids"})
      if (mount_.empty() || controllers.find(one) == std::string::npos)
        GTEST_SKIP() << "the cgroups (version 2) of this machine have no " << one;
    std::ofstream(mount_ + "/cgroup.subtree_control") << "+memory +cpu +pids";
    base_ = mount_ + "/brood-test-" + std::to_string(getpid());
    ASSERT_EQ(mkdir(base_.c_str(), 0755), 0);
    ASSERT_EQ(setxattr(base_.c_str(), "user.delegate", "1", 1, 0), 0) << strerror(errno);
    write_text(folder_ / "own", "0::/brood-test-" + std::to_string(getpid()) + "\n");
    options_.heartbeat_limit = 0ms;
    options_.cgroup_files.own = folder_ / "own";
  }
  void TearDown() override {
    if (base_.empty()) return;
    rmdir((base_ + "/brood-node").c_str());
    EXPECT_EQ(rmdir(base_.c_str()), 0) << "the cgroups of programs were taken away";
  }
  static Command command(const std::string& script, CgroupLimits limits) {
    Command made{.argv = {"sh", "-c", script}};
    made.options.cgroup = limits;
    return made;
  }

  std::string mount_;
  std::string base_;
  TempFolder folder_;
  LauncherOptions options_;
};

TEST_F(RealCgroup, AProgramAndAllThatItStartsHaveTheLimits) {
  World world(options_);
  const auto run =
      world.start("a/b", command("sleep 1000 & g=$(sed -n 's/^0:://p' /proc/self/cgroup); cd " + mount_ +
                                     "$g; cat memory.max cpu.max pids.max; wc -l < cgroup.procs; read x",
                                 {.memory = 64 << 20, .cpu = 1.5, .pids = 20}));
  EXPECT_TRUE(eventually([&] {
    const std::string text = world.launcher.log("a/b", 0).text;
    return std::count(text.begin(), text.end(), '\n') >= 4;
  }));
  EXPECT_EQ(world.launcher.log("a/b", 0).text.substr(0, 30), "67108864\n150000 100000\n20\n3\n");
  run->wait_exit();
}

TEST_F(RealCgroup, OneThatUsesUpItsMemoryIsKilledWholeAndThatIsSaid) {
  World world(options_);
  const auto end =
      world.start("hog", command("sleep 1000 & x=x; while :; do x=$x$x; done", {.memory = 32 << 20}))
          ->wait_exit();
  EXPECT_EQ(end, (ExitStatus{.signal = SIGKILL, .cause = EndCause::out_of_memory}));
  EXPECT_NE(end.text().find("out of memory"), std::string::npos);
  EXPECT_EQ(world.launcher.last_end("hog")->status, end);
}

TEST_F(RealCgroup, MoreProcessesThanItsLimitAreRefusedToIt) {
  World world(options_);
  const auto end =
      world.start("forks", command("for i in 1 2 3 4 5 6 7 8; do sleep 9 & done; echo all", {.pids = 4}))
          ->wait_exit();
  EXPECT_FALSE(end.success()) << world.launcher.log("forks", 0).text;
}

TEST_F(RealCgroup, ItIsTakenAwayAlsoAfterAStartThatFailedAndAKilledShim) {
  World world(options_);
  const auto failed = world.start("none", [] {
    Command made{.argv = {"/nonexistent"}};
    made.options.cgroup.pids = 5;
    return made;
  }());
  ASSERT_TRUE(failed->wait_start());
  const auto run = world.start("b", command("sleep 1000; true", {.pids = 5}));
  const std::string status = read_file("/proc/" + std::to_string(run->wait_pid()) + "/status");
  kill(std::atoi(status.c_str() + status.find("PPid:") + 5), SIGKILL);
  run->wait_exit();
  EXPECT_TRUE(eventually([&] {
    const std::filesystem::directory_iterator all(base_);
    return std::none_of(begin(all), end(all), [](const auto& entry) {
      return entry.path().filename().string().starts_with("child-");
    });
  }));
}

}  // namespace cgroup_test
}  // namespace brood::exec::test
