#include "apps/brood/top/terminal.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace brood::app::live {
namespace {

void put(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

Press press_of(std::string_view bytes) {
  if (bytes == "\x1b[A" || bytes == "\x1bOA") return {Key::up};
  if (bytes == "\x1b[B" || bytes == "\x1bOB") return {Key::down};
  if (bytes == "\x1b[5~") return {Key::page_up};
  if (bytes == "\x1b[6~") return {Key::page_down};
  if (bytes == "\x1b[H" || bytes == "\x1bOH" || bytes == "\x1b[1~") return {Key::home};
  if (bytes == "\x1b[F" || bytes == "\x1bOF" || bytes == "\x1b[4~") return {Key::end};
  if (bytes.size() == 1 && bytes[0] != '\x1b') return {Key::letter, bytes[0]};
  return {};
}

constexpr std::string_view whole_screen = "\x1b[?1049h\x1b[?25l";  // a screen of its own, no cursor
constexpr std::string_view as_before = "\x1b[?25h\x1b[?1049l";
constexpr std::array ends{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

// For a signal that ends the program: only what a handler of one may do.
termios before_all{};

void put_back_and_end(int signal) {
  put(as_before);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_all);
  ::raise(signal);  // which has its default again
}

}  // namespace

bool Terminal::is_there() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

Terminal::Terminal() {
  ::tcgetattr(STDIN_FILENO, &before_);
  before_all = before_;
  for (const int signal : ends) {
    struct sigaction was {};
    struct sigaction put_back {};
    put_back.sa_handler = put_back_and_end;
    put_back.sa_flags = SA_RESETHAND;
    if (::sigaction(signal, nullptr, &was) == 0 && was.sa_handler == SIG_DFL)
      ::sigaction(signal, &put_back, nullptr);
  }
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  put(whole_screen);
}

Terminal::~Terminal() {
  put(as_before);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  for (const int signal : ends) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == put_back_and_end)
      ::signal(signal, SIG_DFL);
  }
}

Size Terminal::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

void Terminal::show(const std::string& frame) const {
  // Each line up to its end is written over, so that nothing flickers.
  std::string out = "\x1b[H";
  for (const char c : frame) {
    if (c == '\n') {
      out += "\x1b[K\r\n";
    } else {
      out += c;
    }
  }
  put(out + "\x1b[K\x1b[J");
}

Press Terminal::key(std::chrono::milliseconds most) const {
  pollfd waits{STDIN_FILENO, POLLIN, 0};
  const int ready = ::poll(&waits, 1, static_cast<int>(most.count()));
  if (ready <= 0) return {};
  char bytes[8];
  const auto count = ::read(STDIN_FILENO, bytes, sizeof bytes);
  if (count < 0 && errno == EINTR) return {};
  if (count <= 0) return {Key::letter, 'q'};
  return press_of({bytes, static_cast<std::size_t>(count)});
}

}  // namespace brood::app::live
