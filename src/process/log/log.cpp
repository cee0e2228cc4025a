#include "process/log/log.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ctime>

#include "process/log/log_queue.hpp"

namespace brood::log {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds exit_patience{1000};

constinit std::atomic<LogLevel> least_level{LogLevel::warning};

void to_stderr(const LogLine& line) {
  const std::string text = fmt::format("brood: {}: {}\n", to_string(line.level), line.text);
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

std::atomic<LogQueue*> made_queue{nullptr};

/// Never destroyed: other threads may write until the very end.
LogQueue& queue() {
  static LogQueue* const only = [] {
    auto* made = new LogQueue;
    made->set_sink(to_stderr);
    std::atexit([] { queue().close(exit_patience); });
    made_queue = made;
    return made;
  }();
  return *only;
}

}  // namespace

bool enabled(LogLevel level) noexcept {
  return level >= least_level.load(std::memory_order_relaxed);
}

void write(LogLevel level, std::string text) noexcept {
  queue().push(level, std::move(text));
}

void count_dropped() noexcept {
  queue().count_dropped();
}

void use_default_sink() {
  set_log_sink(to_stderr, LogLevel::warning);
}

void wait_in_crash(milliseconds bound) noexcept {
  const LogQueue* const made = made_queue;
  if (made == nullptr) return;
  constexpr timespec pause{0, 2'000'000};
  for (milliseconds waited(0); made->waiting() > 0 && waited < bound; waited += milliseconds(2)) {
    (void)::nanosleep(&pause, nullptr);
  }
}

}  // namespace brood::log

namespace brood::inline v0 {

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      return "off";
  }
  return "?";
}

void set_log_sink(LogSink sink, LogLevel least) {
  const bool none = !sink;
  log::queue().set_sink(std::move(sink));
  log::least_level = none ? LogLevel::off : least;
}

void set_log_level(LogLevel least) {
  log::least_level = least;
}

bool flush_log(std::chrono::milliseconds bound) {
  return log::queue().flush(bound);
}

std::uint64_t log_lines_dropped() noexcept {
  return log::queue().dropped();
}

}  // namespace brood::inline v0
