// StderrLog: writes the log's lines to stderr as text, "2026-01-31 12:00:00.000 info ...", in local time.
//
// It may wait as long as stderr's reader does: it is called by the log's own thread only. What the system
// refuses to write (a full disk, a reader that has gone) is counted, and told once it writes again.
//
// One thread.
#pragma once

#include <brood/log.hpp>
#include <string>

namespace brood::app {

class StderrLog {
 public:
  explicit StderrLog(bool color, int fd = 2) : fd_(fd), color_(color) {}
  void write(const LogLine& line);

 private:
  [[nodiscard]] bool put(std::string_view text);

  int fd_;
  bool color_;
  bool cut_ = false;  ///< The last line was written in part.
  std::uint64_t unwritten_ = 0;
  int error_ = 0;  ///< Why.
};

[[nodiscard]] LogSink log_to_stderr(bool color);
/// Lines for stdout, by a thread of their own as those of the log: who starts a node reads "is up" there, and
/// may read no further.
void say_on_stdout(std::string line);
/// A program may be started with its standard streams closed. What it opens first, a socket or a log, would
/// then be taken for one of them.
void open_standard_streams();
/// Whether stderr takes a short text without making the writer wait. For a handler of a crash too.
[[nodiscard]] bool stderr_takes_text(int wait_ms) noexcept;

}  // namespace brood::app
