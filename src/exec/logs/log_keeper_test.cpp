#include "exec/logs/log_keeper.hpp"

#include <sys/stat.h>

#include <set>

#include "exec/logs/folder_lock.hpp"
#include "exec/logs/last_end.hpp"
#include "exec/logs/log_store.hpp"
#include "exec/test_world.hpp"

namespace brood::exec::test {
namespace log_keeper_test {

constexpr std::int64_t now_ms = 1'800'000'000'000;

class Sweep : public testing::Test {
 protected:
  /// A log whose run ended `age` ago, of `bytes` bytes.
  void add(const std::string& name, std::chrono::milliseconds age, std::size_t bytes) {
    std::filesystem::create_directory(folder / name);
    write(log_segment_path(folder / name, 0), age, bytes);
    write((folder / name) + "/end", age, 0);
  }
  void write(const std::string& path, std::chrono::milliseconds age, std::size_t bytes) {
    std::ofstream(path) << std::string(bytes, 'x') << std::flush;
    const std::int64_t at = now_ms - age.count();
    const timespec time{.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1'000'000};
    const timespec times[2] = {time, time};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  [[nodiscard]] std::string left() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      names.insert(entry.path().filename().string());
    }
    std::string text;
    for (const auto& name : names) text += name + ' ';
    return text;
  }
  TempFolder folder;
};

TEST_F(Sweep, RemovesWhatEndedLongAgo) {
  add("old", 25h, 10);
  add("young", 23h, 10);
  const auto sweep = sweep_logs(folder.path(), {.keep_for = 24h}, now_ms);
  EXPECT_EQ(left(), "young ");
  EXPECT_EQ(sweep.removed, 1u);
  EXPECT_EQ(sweep.kept, 1u);
}

TEST_F(Sweep, ZeroesAreNoLimits) {
  add("old", 10000h, 10);
  sweep_logs(folder.path(), {.keep_for = 0h, .bytes_max = 0, .count_max = 0}, now_ms);
  EXPECT_EQ(left(), "old ");
}

TEST_F(Sweep, TheOldestGoFirstWhenThereAreTooMany) {
  for (int i = 0; i < 5; ++i) add("log" + std::to_string(i), i * 1h, 10);
  sweep_logs(folder.path(), {.count_max = 3}, now_ms);
  EXPECT_EQ(left(), "log0 log1 log2 ");
}

TEST_F(Sweep, TheOldestGoFirstWhenTheyAreTooMuch) {
  add("a", 1h, 400);
  add("b", 2h, 400);
  add("c", 3h, 400);
  sweep_logs(folder.path(), {.bytes_max = 1000}, now_ms);
  EXPECT_EQ(left(), "a b ");
}

TEST_F(Sweep, LeavesWhatIsInUse) {
  add("used", 25h, 10);
  const FolderLock lock(folder / "used", FolderLock::Kind::in_use);
  ASSERT_TRUE(lock.held());
  sweep_logs(folder.path(), {}, now_ms);
  EXPECT_FALSE(remove_log_folder(folder / "used"));
  EXPECT_EQ(left(), "used ");
}

TEST_F(Sweep, LeavesWhatIsNoLog) {
  add("almost", 25h, 10);
  write((folder / "almost") + "/notes.txt", 25h, 10);
  std::filesystem::create_directory(folder / "empty");
  write(folder / "file", 25h, 10);
  add("linked", 25h, 10);
  std::filesystem::create_directory(folder / "elsewhere");
  std::filesystem::rename(folder / "linked", (folder / "elsewhere") + "/linked");
  std::filesystem::create_directory_symlink((folder / "elsewhere") + "/linked", folder / "link");
  sweep_logs(folder.path(), {}, now_ms);
  EXPECT_EQ(left(), "almost elsewhere empty file link ");
  EXPECT_TRUE(std::filesystem::exists((folder / "elsewhere") + "/linked/end"));
}

TEST(Keeper, RemovesLogsOfRealProgramsInTimeButNotOfOneThatRuns) {
  World world({.log_limits = {.keep_for = 200ms}, .heartbeat_limit = 0ms});
  const auto runs = world.start("runs", {.argv = {"sh", "-c", "echo here; exec sleep 1000"}});
  EXPECT_TRUE(eventually([&] { return world.launcher.log("runs", 0).text == "here\n"; }));
  world.start("ends", {.argv = {"sh", "-c", "echo over; exit 3"}})->wait_exit();
  EXPECT_TRUE(eventually([&] { return !world.launcher.last_end("ends"); }));
  EXPECT_EQ(world.launcher.log("ends", 0).text, "");
  EXPECT_EQ(world.launcher.log("runs", 0).text, "here\n");
  EXPECT_FALSE(world.launcher.remove_log("runs"));
}

TEST(Keeper, RemovesWhatAnEarlierNodeLeftInItsFolder) {
  TempFolder folder;
  std::filesystem::create_directories(folder / "old");
  ASSERT_TRUE(write_last_end(folder / "old", {}));
  World world({.log_dir = folder.path(), .log_limits = {.keep_for = 1ms}, .heartbeat_limit = 0ms});
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(folder / "old"); }));
}

}  // namespace log_keeper_test
}  // namespace brood::exec::test
