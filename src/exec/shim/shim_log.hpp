// The writing end of a program's log (see log_store.hpp) and the thread that fills it.
//
// Whatever happens to the disk, output is taken from the program: what cannot be written is counted, and
// marked in the log once writing works again. A disk that hangs holds up the log thread alone, never the
// shim's watch over the node.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace brood::exec {

/// One thread at a time; lost() from any.
class LogWriter {
 public:
  /// Writes on behind what `folder` holds; makes it (not its parents) when the first text comes. The folder
  /// never holds more than `bytes_max` (plus a mark), of which the newest half always.
  LogWriter(std::string folder, std::uint64_t bytes_max);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void write(std::string_view text);
  /// Bytes that could not be written so far.
  [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  std::size_t put(std::string_view text);
  bool maybe_make_room(bool& done_before) const;
  bool put_mark();
  bool open_segment();
  bool become_segment(std::uint64_t base);
  void drop_segments(std::size_t keep) const;

  std::string folder_;
  std::uint64_t segment_max_;
  int fd_ = -1;
  std::uint64_t base_ = 0;
  std::uint64_t size_ = 0;
  bool line_open_ = false;
  int last_errno_ = 0;
  std::uint64_t unmarked_ = 0;
  std::atomic<std::uint64_t> lost_{0};
};

/// A thread that copies a pipe to a LogWriter until its end.
class LogPump {
 public:
  LogPump(int pipe, std::string folder, std::uint64_t bytes_max);
  /// Waits for the end of the output, not longer than `limit`; the thread is joined then. After false it may
  /// hang on a disk, and the process must _exit. For the thread that made this.
  bool wait_end(std::chrono::milliseconds limit);
  [[nodiscard]] std::uint64_t lost() const { return writer_.lost(); }
  ~LogPump();
  LogPump(const LogPump&) = delete;
  LogPump& operator=(const LogPump&) = delete;

 private:
  void run();

  int pipe_;
  LogWriter writer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace brood::exec
