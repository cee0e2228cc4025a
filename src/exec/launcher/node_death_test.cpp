// A node (brood-exec-test-node, beside this test) that is killed or stopped leaves nothing running.
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>

#include "exec/logs/private_folder.hpp"
#include "exec/test_world.hpp"

extern char** environ;

namespace brood::exec::test {
namespace node_death_test {

/// The helper, with its output on a pipe.
class TestNode {
 public:
  TestNode(const std::string& limit_ms, const std::string& script) {
    const auto path =
        (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "brood-exec-test-node").string();
    int output[2];
    if (pipe2(output, O_CLOEXEC) != 0) ADD_FAILURE();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    std::vector<std::string> args{path, limit_ms, "sh", "-c", script};
    std::vector<char*> pointers;
    for (auto& arg : args) pointers.push_back(arg.data());
    pointers.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid, path.c_str(), &actions, nullptr, pointers.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    output_ = output[0];
  }
  ~TestNode() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(output_);
  }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  std::string line() {
    std::string text;
    char c = 0;
    while (read(output_, &c, 1) == 1 && c != '\n') text += c;
    return text;
  }

  pid_t pid = 0;

 private:
  int output_ = -1;
};

/// A program with a child in its group and a daemon outside of it; all deaf to polite signals.
std::string stubborn_script(const TempFolder& folder) {
  return "trap '' TERM HUP INT; sleep 1000 & echo $! > " + (folder / "child") +
         "; (setsid sh -c 'echo $$ > " + (folder / "daemon") +
         "; exec sleep 1000' &); sleep 1000; sleep 1000";
}

class NodeDeath : public testing::Test {
 protected:
  void begin(const std::string& limit_ms) {
    node = std::make_unique<TestNode>(limit_ms, stubborn_script(folder));
    const pid_t program = std::atoi(node->line().c_str());
    pids = {program, wait_number(folder / "child"), wait_number(folder / "daemon")};
    for (const pid_t pid : pids) ASSERT_TRUE(lives(pid));
  }
  [[nodiscard]] bool all_gone() const {
    return std::none_of(pids.begin(), pids.end(), [](pid_t pid) { return lives(pid); });
  }

  TempFolder folder;
  std::unique_ptr<TestNode> node;
  std::vector<pid_t> pids;
};

TEST_F(NodeDeath, KillNineOfTheNodeLeavesNothing) {
  begin("0");  // no heartbeat: the closed socket alone tells
  const auto began = std::chrono::steady_clock::now();
  kill(node->pid, SIGKILL);
  EXPECT_TRUE(eventually([this] { return all_gone(); }));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  std::cout << "all gone " << took.count() << " ms after kill -9\n";
}

TEST_F(NodeDeath, AStoppedNodeLosesItsProgramsAfterTheLimit) {
  begin("2000");
  kill(node->pid, SIGSTOP);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([this] { return all_gone(); }));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, 1500ms);
  std::cout << "all gone " << took / 1ms << " ms after SIGSTOP, limit 2000 ms\n";
  kill(node->pid, SIGCONT);
  EXPECT_EQ(node->line(), "killed by its shim: the node gave no sign of life");
}

TEST_F(NodeDeath, AShortPauseOfTheNodeIsForgiven) {
  begin("20000");
  kill(node->pid, SIGSTOP);
  EXPECT_TRUE(eventually([this] {
    return read_file("/proc/" + std::to_string(node->pid) + "/stat").find(") T") != std::string::npos;
  }));
  kill(node->pid, SIGCONT);
  EXPECT_FALSE(eventually([this] { return !lives(pids.front()); }, 300ms));
}

std::size_t log_folders(const std::string& parent) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(parent)) {
    count += entry.path().filename().string().starts_with("brood-logs-") ? 1 : 0;
  }
  return count;
}

TEST_F(NodeDeath, LeavesALogFolderThatTheNextNodeRemoves) {
  const char* before = std::getenv("TMPDIR");
  setenv("TMPDIR", folder.path().c_str(), 1);
  begin("0");
  EXPECT_EQ(remove_abandoned_folders(folder.path()), 0u) << "its node lives";
  kill(node->pid, SIGKILL);
  EXPECT_TRUE(eventually([this] { return all_gone(); }));
  EXPECT_EQ(log_folders(folder.path()), 1u);
  EXPECT_TRUE(eventually([this] {
    boost::asio::io_context io;
    const Launcher next(io, {.heartbeat_limit = 0ms});
    return log_folders(folder.path()) == 1;
  }));
  EXPECT_EQ(log_folders(folder.path()), 0u);
  before != nullptr ? setenv("TMPDIR", before, 1) : unsetenv("TMPDIR");
}

TEST(AbandonedFolders, AreOnlyThoseOfOurNameThatAreFolders) {
  TempFolder folder;
  std::filesystem::create_directories(folder / "brood-logs-abcdef/x");
  std::filesystem::create_directory(folder / "brood-other");
  std::filesystem::create_directory_symlink(folder / "brood-other", folder / "brood-logs-link");
  std::ofstream(folder / "brood-logs-file") << "";
  PrivateFolder own;
  ASSERT_TRUE(own.make(folder.path()));
  EXPECT_EQ(remove_abandoned_folders(folder.path()), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder / "brood-logs-abcdef"));
  EXPECT_TRUE(std::filesystem::exists(own.path()));
  EXPECT_TRUE(std::filesystem::exists(folder / "brood-other"));
  EXPECT_TRUE(std::filesystem::exists(folder / "brood-logs-link"));
  EXPECT_TRUE(std::filesystem::exists(folder / "brood-logs-file"));
}

}  // namespace node_death_test
}  // namespace brood::exec::test
