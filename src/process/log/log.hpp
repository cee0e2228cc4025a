// The log as brood's own code writes it: log::info("{} is up", name). A line costs its formatting and a short
// lock; nothing waits for whoever reads it. See brood/log.hpp for where lines go.
//
// Thread rule: any thread; wait_in_crash() in a signal handler.
#pragma once

#include <fmt/format.h>

#include <brood/log.hpp>
#include <chrono>
#include <string>

namespace brood::log {

[[nodiscard]] bool enabled(LogLevel level) noexcept;
void write(LogLevel level, std::string text) noexcept;
/// A line could not be made.
void count_dropped() noexcept;

template <typename... Args>
void line(LogLevel level, fmt::format_string<Args...> format, Args&&... args) noexcept {
  if (!enabled(level)) return;
  try {
    write(level, fmt::format(format, std::forward<Args>(args)...));
  } catch (...) {
    count_dropped();
  }
}

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) noexcept {
  line(LogLevel::debug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) noexcept {
  line(LogLevel::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) noexcept {
  line(LogLevel::warning, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) noexcept {
  line(LogLevel::error, format, std::forward<Args>(args)...);
}

/// What a program has that gave no sink: warnings and errors on stderr.
void use_default_sink();
/// Waits until everything is written, at most for `bound`. Takes no lock and no memory: for a handler of a
/// crash, whose thread may hold any lock.
void wait_in_crash(std::chrono::milliseconds bound) noexcept;

}  // namespace brood::log
