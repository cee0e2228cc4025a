// What the tests of this layer share: an io_context with a thread, waits for a condition with a bound, and
// looking at processes.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <thread>

#include "exec/launcher/launcher.hpp"

namespace brood::exec::test {

using namespace std::chrono_literals;

/// Polls until true; generous, for loaded machines and sanitizers. False if it never was.
inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = 30s) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Whether that process runs; a zombie does not.
inline bool lives(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto paren = stat.rfind(')');
  return paren != std::string::npos && stat.size() > paren + 2 && stat[paren + 2] != 'Z' &&
         stat[paren + 2] != 'X';
}

/// A folder that goes away with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "brood-exec-test-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no folder";
    path_ = path;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// What a program's callbacks said, and its handle.
struct Trial {
  std::mutex mutex;
  std::optional<Result<pid_t>> start;
  std::optional<ExitStatus> exit;
  int callbacks = 0;
  int ready = 0;
  std::shared_ptr<Program> program;

  [[nodiscard]] int ready_now() {
    const std::lock_guard lock(mutex);
    return ready;
  }
  [[nodiscard]] std::optional<Result<pid_t>> start_now() {
    const std::lock_guard lock(mutex);
    return start;
  }
  [[nodiscard]] std::optional<ExitStatus> exit_now() {
    const std::lock_guard lock(mutex);
    return exit;
  }
  bool wait_start() {
    return eventually([this] { return start_now().has_value(); });
  }
  /// The pid; fails the test if it did not start.
  pid_t wait_pid() {
    if (!wait_start()) {
      ADD_FAILURE() << "no answer to the start";
      return 0;
    }
    const auto result = *start_now();
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : 0;
  }
  ExitStatus wait_exit() {
    EXPECT_TRUE(eventually([this] { return exit_now().has_value(); })) << "no exit";
    return exit_now().value_or(ExitStatus{.code = -1});
  }
};

/// A launcher whose io_context runs on a thread of its own.
class World {
 public:
  explicit World(LauncherOptions options = {.heartbeat_limit = 0ms})
      : launcher(io, with_logs(std::move(options))) {}
  ~World() {
    work_.reset();
    io.stop();
    thread_.join();
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::shared_ptr<Trial> start(const std::string& name, Command command) {
    auto run = std::make_shared<Trial>();
    run->program = launcher.start(
        name, std::move(command),
        [run](const Result<pid_t>& pid) {
          const std::lock_guard lock(run->mutex);
          run->start = pid;
          ++run->callbacks;
        },
        [run](const ExitStatus& status) {
          const std::lock_guard lock(run->mutex);
          EXPECT_TRUE(run->start.has_value());
          run->exit = status;
          ++run->callbacks;
        });
    return run;
  }
  /// One that may say that it is ready.
  std::shared_ptr<Trial> start_notifying(const std::string& name, Command command) {
    auto run = std::make_shared<Trial>();
    run->program = launcher.start(
        name, std::move(command),
        [run](const Result<pid_t>& pid) {
          const std::lock_guard lock(run->mutex);
          run->start = pid;
        },
        [run](const ExitStatus& status) {
          const std::lock_guard lock(run->mutex);
          run->exit = status;
        },
        [run] {
          const std::lock_guard lock(run->mutex);
          ++run->ready;
        });
    return run;
  }
  std::shared_ptr<Trial> shell(const std::string& script) {
    return start("shell", {.argv = {"sh", "-c", script}});
  }

  TempFolder folder;
  boost::asio::io_context io;
  Launcher launcher;

 private:
  LauncherOptions with_logs(LauncherOptions options) const {
    if (options.log_dir.empty()) options.log_dir = folder / "logs";
    return options;
  }
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io.get_executor()};
  std::thread thread_{[this] { io.run(); }};
};

/// The number a program wrote to a file, once it is there with its newline.
inline pid_t wait_number(const std::string& path) {
  EXPECT_TRUE(eventually([&] { return read_file(path).find('\n') != std::string::npos; })) << path;
  return static_cast<pid_t>(std::atoi(read_file(path).c_str()));
}

}  // namespace brood::exec::test
