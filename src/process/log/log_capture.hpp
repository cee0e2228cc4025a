// LogCapture: what brood's log says while this lives, for tests.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>

#include "process/log/log.hpp"

namespace brood::log {

class LogCapture {
 public:
  explicit LogCapture(LogLevel least = LogLevel::info) {
    set_log_sink(
        [this](const LogLine& line) {
          const std::lock_guard guard(mutex_);
          text_ += fmt::format("{}: {}\n", brood::to_string(line.level), line.text);
        },
        least);
  }
  ~LogCapture() { use_default_sink(); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// "warning: ...\n", a line for each.
  [[nodiscard]] std::string text() const {
    (void)flush_log();
    const std::lock_guard guard(mutex_);
    return text_;
  }
  [[nodiscard]] long lines() const { return count("\n"); }
  [[nodiscard]] long count(const std::string& words) const {
    const std::string all = text();
    long found = 0;
    for (auto at = all.find(words); at != std::string::npos; at = all.find(words, at + 1)) ++found;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace brood::log
