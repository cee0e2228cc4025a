// Where the lines of brood's log go.
//
// By default a program that uses the library sees warnings and errors on its stderr, as "brood: warning:
// ...", and nothing on its stdout: what keeps a cluster from coming together must not be silent, and
// everything else is for whoever asks for it.
//
// A line never holds up the code that writes it. Lines wait in a queue of 1 MiB for one thread, the only one
// that ever calls the sink. While the sink is slower than the lines come, those that do not fit are dropped
// and counted, and a line says how many were once there is room again.
//
// Thread rule: every function may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };
/// "debug", "info", ...
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;

struct LogLine {
  LogLevel level = LogLevel::info;
  std::chrono::system_clock::time_point time;  ///< When it was written, not when the sink is called.
  std::string_view text;                       ///< Without a line break at its end. Valid during the call.
};

/// Runs on the log's own thread, one call at a time. It may block and may throw (the line is then lost). It
/// must not write to the log itself, for each line would make another one.
using LogSink = std::function<void(const LogLine&)>;

/// Gives the lines of `least` and above to `sink` from now on; an empty sink takes none. What waits goes to
/// the former sink first. When this returns the former sink is called no more, unless it has been busy with
/// one line for a second by then. Called by a sink, it does not wait.
void set_log_sink(LogSink sink, LogLevel least = LogLevel::info);
/// The same sink, other lines.
void set_log_level(LogLevel least);

/// Waits until the sink has had every line so far; false when that takes longer than `bound`. A program that
/// ends does this by itself, with a second.
bool flush_log(std::chrono::milliseconds bound = std::chrono::milliseconds(1000));
/// How many lines were dropped since the program began.
[[nodiscard]] std::uint64_t log_lines_dropped() noexcept;

}  // namespace brood::inline v0

#pragma GCC visibility pop
