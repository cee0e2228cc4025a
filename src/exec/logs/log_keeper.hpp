// LogKeeper: removes the logs of programs that ended, once they are old or too many. A log that a shim has
// (also one of another node with the same folder) is in use, and is never touched; nor is a folder with
// anything in it that is not a log's.
//
// A thread of its own does the looking, so that a slow disk keeps nobody waiting. Public functions: any
// thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace brood::exec {

/// Of the logs of programs that do not run, with how they ended. The oldest go first.
struct LogLimits {
  /// Since the end, or the last output. Zero: until there are too many.
  std::chrono::milliseconds keep_for = std::chrono::hours{24};
  /// Of all of them together on this node. Zero: no limit.
  std::uint64_t bytes_max = std::uint64_t{256} << 20;
  /// How many. Zero: no limit.
  std::size_t count_max = 10'000;
};

struct LogSweep {
  std::size_t kept = 0;
  std::size_t removed = 0;
};
/// Looks through `log_dir` once. `now_ms` is the wall clock's.
LogSweep sweep_logs(const std::string& log_dir, const LogLimits& limits, std::int64_t now_ms);
/// When a log last changed, of the wall clock; nullopt if there is none in that folder.
[[nodiscard]] std::optional<std::int64_t> log_changed_ms(const std::string& folder);
/// Removes one log, unless it is in use.
bool remove_log_folder(const std::string& folder);

class LogKeeper {
 public:
  LogKeeper(std::string log_dir, LogLimits limits);
  ~LogKeeper();
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

  /// Begins to look after the folder. Without a thread to be had, the next call tries again.
  void begin();
  /// A program ended. Many of them are looked after soon, not only when their time is over.
  void note_end();

 private:
  void run();

  const std::string log_dir_;
  const LogLimits limits_;
  std::mutex mutex_;  // the following
  std::condition_variable changed_;
  std::size_t ends_ = 0;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace brood::exec
