// StderrLog: writes the log's lines to stderr, in one of three forms:
//
//   text      2026-01-31 12:00:00.000 info n1 is up          local time
//   json      {"time":"2026-01-31T11:00:00.000Z","level":"info","message":"n1 is up"}
//   journal   <6>n1 is up                                    the level as systemd's journal reads it
//
// It may wait as long as stderr's reader does: it is called by the log's own thread only. What the system
// refuses to write (a full disk, a reader that has gone) is counted, and told once it writes again.
//
// One thread.
#pragma once

#include <brood/log.hpp>
#include <cstdint>
#include <string>

namespace brood::app {

enum class LogForm : std::uint8_t { text, json, journal };
/// That of a name in fleet::log_formats(); of "auto": `journal` where stderr goes to systemd's journal, else
/// text.
[[nodiscard]] LogForm log_form(const std::string& name);

class StderrLog {
 public:
  explicit StderrLog(bool color, int fd = 2, LogForm form = LogForm::text)
      : fd_(fd), color_(color), form_(form) {}
  void write(const LogLine& line);

 private:
  [[nodiscard]] bool put(std::string_view text);
  [[nodiscard]] std::string composed(const LogLine& line, LogLevel level, std::string_view text) const;

  int fd_;
  bool color_;
  LogForm form_;
  bool cut_ = false;  ///< The last line was written in part.
  std::uint64_t unwritten_ = 0;
  int error_ = 0;  ///< Why.
};

[[nodiscard]] LogSink log_to_stderr(bool color, LogForm form);
/// Lines for stdout, by a thread of their own as those of the log: who starts a node reads "is up" there, and
/// may read no further.
void say_on_stdout(std::string line);
/// A program may be started with its standard streams closed. What it opens first, a socket or a log, would
/// then be taken for one of them.
void open_standard_streams();
/// Whether stderr takes a short text without making the writer wait. For a handler of a crash too.
[[nodiscard]] bool stderr_takes_text(int wait_ms) noexcept;

}  // namespace brood::app
