#include "apps/brood/daemon/stderr_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <memory>
#include <system_error>

#include "process/log/log_queue.hpp"

namespace brood::app {
namespace {

std::string_view color_of(LogLevel level) {
  switch (level) {
    case LogLevel::info:
      return "\033[32m";
    case LogLevel::warning:
      return "\033[33m\033[1m";
    case LogLevel::error:
      return "\033[31m\033[1m";
    case LogLevel::debug:
    case LogLevel::off:
      break;
  }
  return "\033[36m";
}

std::string time_text(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto since = duration_cast<milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(since / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, since % 1000);
}

// Names and reasons come from other programs: no line of theirs may look like one of ours, and nothing of it
// may act on a terminal. What is more than a line is set in.
std::string shown(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\n    ";
    } else if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

/// Waits for a reader that is slow. 0, or why it cannot be written.
int write_as_it_drains(int fd, std::string_view& text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      // Whoever shares the pipe with us may have made it so.
      pollfd ready{fd, POLLOUT, 0};
      (void)::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

bool StderrLog::put(std::string_view text) {
  const auto whole = text.size();
  error_ = write_as_it_drains(fd_, text);
  if (error_ != 0 && text.size() < whole) cut_ = true;
  return error_ == 0;
}

void StderrLog::write(const LogLine& line) {
  const auto compose = [&](LogLevel level, std::string_view text) {
    const auto name = to_string(level);
    return color_
               ? fmt::format("{} {}{}\033[m {}\n", time_text(line.time), color_of(level), name, shown(text))
               : fmt::format("{} {} {}\n", time_text(line.time), name, shown(text));
  };
  std::string out;
  if (cut_) out += '\n';
  if (unwritten_ > 0) {
    out += compose(LogLevel::warning,
                   fmt::format("{} of the log could not be written: {}",
                               unwritten_ == 1 ? "1 line" : fmt::format("{} lines", unwritten_),
                               std::generic_category().message(error_)));
  }
  if (!out.empty()) {
    if (!put(out)) {
      ++unwritten_;
      return;
    }
    cut_ = false;
    unwritten_ = 0;
  }
  if (!put(compose(line.level, line.text))) ++unwritten_;
}

LogSink log_to_stderr(bool color) {
  return [log = std::make_shared<StderrLog>(color)](const LogLine& line) { log->write(line); };
}

void say_on_stdout(std::string line) {
  // Never destroyed: its thread may be stuck in a write.
  static auto* const lines = [] {
    auto* made = new log::LogQueue;
    made->set_sink([](const LogLine& said) {
      const std::string text = std::string(said.text) + "\n";
      std::string_view rest = text;
      (void)write_as_it_drains(STDOUT_FILENO, rest);
    });
    return made;
  }();
  lines->push(LogLevel::info, std::move(line));
}

void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)!::open("/dev/null", O_RDWR);
  }
}

bool stderr_takes_text(int wait_ms) noexcept {
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&ready, 1, wait_ms) > 0 && (ready.revents & POLLOUT) != 0;
}

}  // namespace brood::app
