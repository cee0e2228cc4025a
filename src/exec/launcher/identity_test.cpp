// Who may run programs as whom. That they do: tests/scenarios/program_options_test.py.
#include "exec/launcher/identity.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brood::exec {
namespace identity_test {

constexpr uid_t nobody = 65534;

/// The words of find_identity() in a process of that user.
std::string words_as(uid_t user, const ProgramOptions& options) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    std::string words = "cannot become that user";
    if (setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0) {
      const auto identity = find_identity(options);
      words = !identity ? identity.error().message : identity->changes() ? "changes" : "stays";
    }
    [[maybe_unused]] const auto n = write(pipe_ends[1], words.data(), words.size());
    _exit(0);
  }
  close(pipe_ends[1]);
  std::string words(1000, '\0');
  const ssize_t n = read(pipe_ends[0], words.data(), words.size());
  words.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  close(pipe_ends[0]);
  waitpid(child, nullptr, 0);
  return words;
}

TEST(Identity, OnlyRootMayGiveAnother) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another";
  EXPECT_EQ(words_as(nobody, {.user = "root"}),
            "user \"root\": this node runs as user 65534, and only root may run programs as others; leave "
            "user out, or "
            "run the node as root");
  EXPECT_NE(words_as(nobody, {.group = "root"}).find("group \"root\": this node runs as user"),
            std::string::npos);
  EXPECT_EQ(words_as(nobody, {.user = "nobody"}), "stays");
  EXPECT_EQ(words_as(0, {.user = "nobody"}), "changes");
}

TEST(Identity, WhoIsNotThereIsNamed) {
  const auto none = find_identity({.user = "no-such-user"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::start_failed);
  EXPECT_EQ(none.error().message, "user \"no-such-user\": there is none of that name on this machine");
  EXPECT_FALSE(find_identity({.group = "no-such-group"}));
  EXPECT_FALSE(find_identity({})->changes());
}

}  // namespace identity_test
}  // namespace brood::exec
