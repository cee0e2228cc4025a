// What `brood logs` makes of the text of logs: since when, of which run, of which child.
//
// Pure functions, but for local time; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brood::app {

/// A wall time in milliseconds since 1970: "90s", "10m", "2h", "1d" before now; "2026-11-28", "2026-11-28
/// 11:00[:05]", with a T for the blank if one likes, as this machine's time or with a Z as UTC; "11:00[:05]"
/// of today.
[[nodiscard]] std::optional<std::int64_t> time_of(const std::string& text, std::int64_t now_ms);

/// What the run before the last wrote; nullopt where the text has only one run. Runs are parted by the lines
/// that say how the one before ended.
[[nodiscard]] std::optional<std::string> previous_run(std::string_view text);

/// The last so many lines.
[[nodiscard]] std::string last_lines(const std::string& text, std::size_t lines);

/// Puts who wrote it before each line. Text comes in pieces; a line that is not complete is kept.
class LinePrefix {
 public:
  explicit LinePrefix(std::string prefix) : prefix_(std::move(prefix)) {}

  [[nodiscard]] std::string add(std::string_view text);
  /// No more comes: what is left, as a line.
  [[nodiscard]] std::string rest();

 private:
  std::string prefix_;  ///< Empty: text goes through as it is.
  std::string kept_;
};

}  // namespace brood::app
