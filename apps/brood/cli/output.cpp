#include "apps/brood/cli/output.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"

namespace brood::app {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      // Somebody else made our stdout non-blocking (a shared terminal): wait for it.
      pollfd ready{fd, POLLOUT, 0};
      (void)::poll(&ready, 1, -1);
      continue;
    }
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<std::size_t> terminal_width() {
  if (::isatty(STDOUT_FILENO) == 0) return std::nullopt;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    if (const auto value = std::strtoul(columns, nullptr, 10); value > 0) return value;
  }
  return 80;
}

}  // namespace

bool wants_color(When when, int fd) {
  if (when != When::automatic) return when == When::always;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(fd) != 0 && (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::strcmp(term, "dumb") != 0);
}

Output::Output(bool json, When color)
    : json_(json), color_(!json && wants_color(color, STDOUT_FILENO)), width_(terminal_width()) {}

void Output::remark(std::string_view text) const {
  if (!json_) (void)write_all(STDERR_FILENO, std::string(text) + "\n");
}

bool Output::shows_progress() const {
  return !json_ && ::isatty(STDERR_FILENO) != 0;
}

void Output::progress(std::string_view text) const {
  if (shows_progress()) (void)write_all(STDERR_FILENO, fmt::format("\r\x1b[K{}", text));
}

bool Output::flush() {
  const bool written = write_all(STDOUT_FILENO, buffer_);
  const int error = errno;
  buffer_.clear();
  if (!written && error != EPIPE) {
    failed_ = true;
    (void)write_all(STDERR_FILENO, fmt::format("brood: cannot write to stdout: {}\n", std::strerror(error)));
  }
  return written;
}

bool Output::wait(int milliseconds) const {
  pollfd reader{STDOUT_FILENO, 0, 0};  // no events asked for: only that the reader went away
  return ::poll(&reader, 1, milliseconds) <= 0 || (reader.revents & POLLERR) == 0;
}

bool Output::confirm(std::string_view question) {
  if (json_ || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) return false;
  (void)flush();
  (void)write_all(STDERR_FILENO, question);
  std::string answer;
  char byte = 0;
  while (answer.size() < 100) {
    const auto got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || byte == '\n') break;
    if (byte != '\r') answer += byte;
  }
  return answer == "yes";
}

int Output::show(const Trouble& trouble) {
  if (json_) {
    buffer_.clear();
    auto document = Json{{"error", error_json(trouble)}};
    if (!trouble.more.empty()) document.update(Json::parse(trouble.more));
    line(json_line(document));
    (void)flush();
  } else {
    (void)flush();
    (void)write_all(STDERR_FILENO, "brood: " + trouble.message + "\n");
  }
  return trouble.status;
}

}  // namespace brood::app
