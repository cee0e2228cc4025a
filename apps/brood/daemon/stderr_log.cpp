#include "apps/brood/daemon/stderr_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
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

/// As syslog(3) counts them.
int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return 3;
    case LogLevel::warning:
      return 4;
    case LogLevel::info:
      return 6;
    case LogLevel::debug:
    case LogLevel::off:
      break;
  }
  return 7;
}

std::string json_time(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto since = duration_cast<milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(since / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, since % 1000);
}

std::string json_line(const LogLine& line, LogLevel level, std::string_view text) {
  const nlohmann::ordered_json object{
      {"time", json_time(line.time)}, {"level", to_string(level)}, {"message", text}};
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// Each line of it with the priority, for the journal takes them one by one.
std::string journal_lines(LogLevel level, std::string_view text) {
  const std::string prefix = fmt::format("<{}>", priority_of(level));
  std::string out = prefix;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += prefix;
  }
  return out + "\n";
}

/// stderr is the stream that systemd names in the environment (systemd.exec(5), $JOURNAL_STREAM).
bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat here {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &here) != 0) return false;
  return fmt::format("{}:{}", here.st_dev, here.st_ino) == stream;
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

std::string StderrLog::composed(const LogLine& line, LogLevel level, std::string_view text) const {
  if (form_ == LogForm::json) return json_line(line, level, text);
  if (form_ == LogForm::journal) return journal_lines(level, shown(text));
  const auto name = to_string(level);
  return color_ ? fmt::format("{} {}{}\033[m {}\n", time_text(line.time), color_of(level), name, shown(text))
                : fmt::format("{} {} {}\n", time_text(line.time), name, shown(text));
}

void StderrLog::write(const LogLine& line) {
  std::string out;
  if (cut_) out += '\n';
  if (unwritten_ > 0) {
    out += composed(line, LogLevel::warning,
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
  if (!put(composed(line, line.level, line.text))) ++unwritten_;
}

LogForm log_form(const std::string& name) {
  if (name == "json") return LogForm::json;
  if (name == "journal" || (name == "auto" && stderr_is_journal())) return LogForm::journal;
  return LogForm::text;
}

LogSink log_to_stderr(bool color, LogForm form) {
  return [log = std::make_shared<StderrLog>(color, STDERR_FILENO, form)](const LogLine& line) {
    log->write(line);
  };
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
