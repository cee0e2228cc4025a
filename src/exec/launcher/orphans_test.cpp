// Orphans that this process is given, as process 1 of a container is.
#include "exec/launcher/orphans.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>

#include "exec/shim/shim_tree.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace orphans_test {

bool is_child(pid_t pid) {
  const auto children = children_of(getpid());
  return std::find(children.begin(), children.end(), pid) != children.end();
}

class Orphans : public testing::Test {
 protected:
  Orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Orphans() override { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  /// An orphan of ours that has ended, or ends when `file` is there.
  pid_t orphan(const std::string& until) {
    const std::string file = folder / "pid";
    std::filesystem::remove(file);
    const std::string script = "(sh -c 'echo $$ > " + file + "; while ! test -e " + until +
                               "; do sleep 0.01; done' &) ; while ! test -s " + file +
                               "; do sleep 0.01; done";
    EXPECT_EQ(std::system(script.c_str()), 0);
    const pid_t pid = wait_number(file);
    EXPECT_TRUE(eventually([&] { return is_child(pid); }));
    return pid;
  }

  TempFolder folder;
};

TEST_F(Orphans, AreTakenAwayOnceTheyHaveEnded) {
  const pid_t pid = orphan(folder / "go");
  OrphanReaper reaper(10ms);
  std::ofstream(folder / "go") << "";
  EXPECT_TRUE(eventually([&] { return !is_child(pid); }));
}

TEST_F(Orphans, AChildThatIsWaitedForKeepsItsStatus) {
  OrphanReaper reaper(10ms);
  const pid_t spared = fork();
  if (spared == 0) {
    pause();
    _exit(1);
  }
  reaper.spare(spared);
  kill(spared, SIGTERM);
  // Orphans that end later are gone before it is.
  for (int i = 0; i < 3; ++i) {
    const std::string go = folder / ("go" + std::to_string(i));
    const pid_t pid = orphan(go);
    std::ofstream(go) << "";
    EXPECT_TRUE(eventually([&] { return !is_child(pid); }));
  }
  int status = 0;
  EXPECT_EQ(waitpid(spared, &status, 0), spared);
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  reaper.release(spared);
}

TEST_F(Orphans, ALauncherTakesNoStatusFromItsPrograms) {
  World world;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.shell("exit 3")->wait_exit(), ExitStatus{.code = 3});
}

}  // namespace orphans_test
}  // namespace brood::exec::test
