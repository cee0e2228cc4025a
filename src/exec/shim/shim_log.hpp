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
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "exec/logs/folder_lock.hpp"
#include "exec/logs/last_end.hpp"
#include "exec/shim/line_sink.hpp"

namespace brood::exec {

/// How much is kept, and how.
struct LogKeep {
  std::uint64_t bytes_max = 0;  ///< 0: no log.
  unsigned files = 2;           ///< At least 2.
  bool timestamps = false;      ///< Each line begins with the time.
};

struct LogOptions {
  std::string folder;
  LogKeep keep = {};
  /// Sockets of logs of the machine that the output goes to as well; empty: not.
  std::string journal = {};
  std::string syslog = {};
  LineSink::Source source = {};

  [[nodiscard]] bool takes_output() const {
    return keep.bytes_max > 0 || !journal.empty() || !syslog.empty();
  }
};

/// One thread at a time; lost() from any.
class LogWriter {
 public:
  /// Writes on behind what the folder holds; makes it, and the folder it is in, when there is something to
  /// write. The folder never holds more than `bytes_max` (plus a mark), of which all but the oldest file
  /// always.
  explicit LogWriter(LogOptions options);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// A run begins now. Text of an earlier run gets a line that says how that one ended. The log is in use
  /// from here on, see FolderLock.
  void begin_run();
  /// What is written from now on is kept so.
  void keep(const LogKeep& keep);
  void write(std::string_view text);
  /// The run that began is over; the times and the bytes that were lost are filled in here.
  void end_run(LastEnd end);
  /// Bytes that could not be written so far.
  [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  std::size_t put(std::string_view text);
  void note_time();
  bool maybe_make_room(bool& done_before) const;
  bool put_mark();
  bool make_folder();
  bool open_segment();
  bool become_segment(std::uint64_t base);
  [[nodiscard]] bool segment_is_gone() const;
  void drop_segments(std::size_t keep) const;

  std::string folder_;
  std::string parent_;
  std::size_t files_ = 2;
  std::uint64_t segment_max_ = 1;
  FolderLock parent_lock_;
  FolderLock lock_;
  int fd_ = -1;
  std::uint64_t base_ = 0;
  std::uint64_t size_ = 0;
  bool line_open_ = false;
  int last_errno_ = 0;
  std::int64_t started_ms_ = 0;
  std::int64_t noted_ms_ = 0;  ///< When the time was last noted; 0: not in this segment.
  std::uint64_t unmarked_ = 0;
  std::atomic<std::uint64_t> lost_{0};
};

/// A thread that copies a pipe to a LogWriter until its end, and then writes down how the run ended.
class LogPump {
 public:
  /// `pipe` is -1 where no output is kept: then only the end is.
  LogPump(int pipe, const LogOptions& options);
  /// The program runs. Nothing is read or written before.
  void begin();
  /// What is read from now on is kept so. Not for one that began without a log. For the thread that made
  /// this.
  void keep(const LogKeep& keep);
  /// The program and all that could write is gone. Waits until everything is written, not longer than
  /// `limit`; the thread is joined then. After false it may hang on a disk, and the process must _exit. For
  /// the thread that made this. Without begin() nothing is written at all.
  bool finish(const ExitStatus& status, std::chrono::milliseconds limit);
  /// Bytes that did not get to one of the logs.
  [[nodiscard]] std::uint64_t lost() const;
  ~LogPump();
  LogPump(const LogPump&) = delete;
  LogPump& operator=(const LogPump&) = delete;

 private:
  void run();
  void copy_all();
  void take_over();
  void copy(std::string_view text);
  void write_timed(std::string_view text);

  int pipe_;
  bool to_file_;
  bool timestamps_;
  bool within_line_ = false;
  LogWriter writer_;
  std::vector<std::unique_ptr<LineSink>> sinks_;
  std::mutex mutex_;  // the following
  std::condition_variable changed_;
  bool begun_ = false;
  std::optional<LogKeep> keep_;  ///< Not taken over yet.
  std::optional<ExitStatus> status_;
  bool written_ = false;
  std::thread thread_;
};

}  // namespace brood::exec
