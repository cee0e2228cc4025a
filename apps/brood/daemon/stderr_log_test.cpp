#include "apps/brood/daemon/stderr_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

namespace brood::app {
namespace stderr_log_test {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK), 0); }
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int in() const { return ends_[1]; }
  std::string take() const {
    std::array<char, 65536> buffer{};
    const ssize_t count = ::read(ends_[0], buffer.data(), buffer.size());
    return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
  }

 private:
  std::array<int, 2> ends_{};
};

LogLine line(std::string_view text, LogLevel level = LogLevel::info) {
  return {level, std::chrono::system_clock::time_point(std::chrono::milliseconds(1'000'000'123)), text};
}

TEST(StderrLog, ALineHasItsTimeItsLevelAndItsText) {
  const Pipe pipe;
  StderrLog log(false, pipe.in());
  log.write(line("n1 is here"));
  const std::string text = pipe.take();
  EXPECT_TRUE(text.starts_with("1970-01-1")) << text;
  EXPECT_TRUE(text.ends_with(".123 info n1 is here\n")) << text;
}

TEST(StderrLog, ATextFromOutsideMakesNoLineOfItsOwnAndMovesNoCursor) {
  const Pipe pipe;
  StderrLog log(false, pipe.in());
  log.write(line("name\n2026-01-31 all is well\033[2J"));
  const std::string text = pipe.take();
  EXPECT_TRUE(text.ends_with("info name\n    2026-01-31 all is well\\x1b[2J\n")) << text;
}

TEST(StderrLog, AsJsonEachLineIsOneObjectWhateverItsText) {
  const Pipe pipe;
  StderrLog log(true, pipe.in(), LogForm::json);
  log.write(line("two \"lines\"\nof \xff bytes", LogLevel::warning));
  const std::string text = pipe.take();
  ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  const auto object = nlohmann::json::parse(text);
  EXPECT_EQ(object["time"], "1970-01-12T13:46:40.123Z");
  EXPECT_EQ(object["level"], "warning");
  EXPECT_EQ(object["message"], "two \"lines\"\nof \xef\xbf\xbd bytes");
}

TEST(StderrLog, ForTheJournalEachLineHasItsPriority) {
  const Pipe pipe;
  StderrLog log(true, pipe.in(), LogForm::journal);
  log.write(line("one\ntwo\033[m", LogLevel::error));
  log.write(line("three"));
  EXPECT_EQ(pipe.take(), "<3>one\n<3>    two\\x1b[m\n<6>three\n");
}

TEST(StderrLog, TheJournalIsKnownByItsStream) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_EQ(log_form("auto"), LogForm::text);
  ::setenv("JOURNAL_STREAM", "1:1", 1);
  EXPECT_EQ(log_form("auto"), LogForm::text) << "another stream: stderr was sent elsewhere";
  struct stat here {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &here), 0);
  ::setenv("JOURNAL_STREAM", (std::to_string(here.st_dev) + ":" + std::to_string(here.st_ino)).c_str(), 1);
  EXPECT_EQ(log_form("auto"), LogForm::journal);
  EXPECT_EQ(log_form("text"), LogForm::text);
  ::unsetenv("JOURNAL_STREAM");
}

TEST(StderrLog, WhatAFullDiskRefusedIsToldWhenThereIsRoomAgain) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const Pipe pipe;
  StderrLog log(false, full);
  log.write(line("one"));
  log.write(line("two"));
  ASSERT_GE(::dup2(pipe.in(), full), 0);
  log.write(line("three"));
  const std::string text = pipe.take();
  EXPECT_NE(text.find("warning 2 lines of the log could not be written: No space left on device\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("info three\n")) << text;
  ::close(full);
}

TEST(StderrLog, AReaderThatHasGoneEndsNothing) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  ::close(ends[0]);
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  StderrLog log(true, ends[1]);
  log.write(line("one"));
  log.write(line("two", LogLevel::error));
  ::signal(SIGPIPE, before);
  ::close(ends[1]);
}

}  // namespace stderr_log_test
}  // namespace brood::app
