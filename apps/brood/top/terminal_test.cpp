#include "apps/brood/top/terminal.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brood::app::live {
namespace terminal_test {

/// What comes from the terminal until `end` is in it, or nothing came for ten seconds.
std::string read_until(int terminal, const std::string& end) {
  std::string out;
  char bytes[256];
  pollfd waits{terminal, POLLIN, 0};
  while (out.find(end) == std::string::npos && poll(&waits, 1, 10'000) > 0) {
    const auto count = read(terminal, bytes, sizeof bytes);
    if (count <= 0) break;
    out.append(bytes, static_cast<std::size_t>(count));
  }
  return out;
}

TEST(Terminal, IsAsItWasAlsoWhenASignalEndsTheProgram) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    int terminal = -1;
    int other_end = -1;
    ASSERT_EQ(openpty(&terminal, &other_end, nullptr, nullptr, nullptr), 0);
    const pid_t child = fork();
    if (child == 0) {
      dup2(other_end, STDIN_FILENO);
      dup2(other_end, STDOUT_FILENO);
      const Terminal whole;
      for (;;) pause();
    }
    EXPECT_NE(read_until(terminal, "\x1b[?25l").find("\x1b[?1049h"), std::string::npos);
    kill(child, signal);
    EXPECT_NE(read_until(terminal, "\x1b[?1049l").find("\x1b[?25h"), std::string::npos);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), signal);
    termios now{};
    ASSERT_EQ(tcgetattr(terminal, &now), 0);
    EXPECT_NE(now.c_lflag & ICANON, 0U);
    EXPECT_NE(now.c_lflag & ECHO, 0U);
    close(terminal);
    close(other_end);
  }
}

}  // namespace terminal_test
}  // namespace brood::app::live
