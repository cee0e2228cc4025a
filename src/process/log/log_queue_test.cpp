#include "process/log/log_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "process/log/log_capture.hpp"

namespace brood::log {
namespace log_queue_test {

using namespace std::chrono_literals;

/// A sink that stands still until it is let go.
class StuckSink {
 public:
  LogSink sink() {
    return [this](const LogLine& line) {
      if (!std::exchange(entered_, true)) stuck_.set_value();
      go_.wait();
      const std::lock_guard guard(mutex_);
      lines_.emplace_back(line.text);
    };
  }
  void await_stuck() { stuck_.get_future().wait(); }
  void let_go() { release_.set_value(); }
  std::vector<std::string> lines() {
    const std::lock_guard guard(mutex_);
    return lines_;
  }

 private:
  bool entered_ = false;
  std::promise<void> stuck_;
  std::promise<void> release_;
  std::shared_future<void> go_{release_.get_future().share()};
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST(LogQueue, LinesComeToTheSinkInTheirOrder) {
  std::vector<std::string> got;
  LogQueue queue;
  queue.set_sink([&](const LogLine& line) { got.emplace_back(line.text); });
  for (int i = 0; i < 1000; ++i) queue.push(LogLevel::info, std::to_string(i));
  ASSERT_TRUE(queue.flush(10s));
  ASSERT_EQ(got.size(), 1000U);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], std::to_string(i));
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(LogQueue, AStuckSinkHoldsNobodyAndWhatWasDroppedIsToldWhereItIsMissing) {
  StuckSink stuck;
  LogQueue queue(100'000);
  queue.set_sink(stuck.sink());
  queue.push(LogLevel::info, "first");
  stuck.await_stuck();
  for (int i = 0; i < 100'000; ++i) queue.push(LogLevel::info, "line " + std::to_string(i));
  EXPECT_GT(queue.dropped(), 90'000U);
  EXPECT_FALSE(queue.flush(10ms));
  stuck.let_go();
  ASSERT_TRUE(queue.flush(10s));
  queue.push(LogLevel::info, "after");
  ASSERT_TRUE(queue.flush(10s));
  const auto lines = stuck.lines();
  ASSERT_EQ(lines.size() + queue.dropped(), 100'000U + 3U) << "the first, the last, and what is told between";
  EXPECT_EQ(
      lines[lines.size() - 2],
      fmt::format("{} lines of the log were dropped: written faster than they were taken", queue.dropped()));
  EXPECT_EQ(lines.back(), "after");
}

TEST(LogQueue, AQueueThatWasFullTakesLinesAgainWhenHalfOfItIsFree) {
  std::promise<void> once;
  std::shared_future<void> go(once.get_future());
  std::vector<std::string> got;
  LogQueue queue(3000);
  queue.set_sink([&, go](const LogLine& line) {
    go.wait();
    got.emplace_back(line.text);
  });
  for (int i = 0; i < 100; ++i) queue.push(LogLevel::info, "x");
  const auto dropped = queue.dropped();
  EXPECT_GT(dropped, 0U);
  queue.push(LogLevel::info, "still full");
  EXPECT_EQ(queue.dropped(), dropped + 1);
  once.set_value();
  ASSERT_TRUE(queue.flush(10s));
  queue.push(LogLevel::info, "free");
  ASSERT_TRUE(queue.flush(10s));
  EXPECT_EQ(queue.dropped(), dropped + 1);
  EXPECT_EQ(got.back(), "free");
}

TEST(LogQueue, AnEndIsNotHeldByAStuckSinkWhichIsCalledNoMore) {
  StuckSink stuck;
  const auto since = std::chrono::steady_clock::now();
  {
    LogQueue queue;
    queue.set_sink(stuck.sink());
    queue.push(LogLevel::info, "first");
    stuck.await_stuck();
    queue.push(LogLevel::info, "second");
    queue.close(20ms);
    EXPECT_EQ(queue.dropped(), 1U);
    queue.push(LogLevel::info, "too late");
    EXPECT_EQ(queue.waiting(), 1U) << "what the sink works on";
  }
  EXPECT_LT(std::chrono::steady_clock::now() - since, 5s);
  stuck.let_go();
  while (stuck.lines().empty()) std::this_thread::yield();
  EXPECT_EQ(stuck.lines().size(), 1U);
}

TEST(LogQueue, CloseWritesWhatWaits) {
  std::vector<std::string> got;
  LogQueue queue;
  queue.set_sink([&](const LogLine& line) { got.emplace_back(line.text); });
  for (int i = 0; i < 100; ++i) queue.push(LogLevel::info, "x");
  queue.close(10s);
  EXPECT_EQ(got.size(), 100U);
}

TEST(LogQueue, ASinkThatThrowsLosesItsLineAlone) {
  std::vector<std::string> got;
  LogQueue queue;
  queue.set_sink([&](const LogLine& line) {
    if (line.text == "bad") throw std::runtime_error("no");
    got.emplace_back(line.text);
  });
  queue.push(LogLevel::info, "bad");
  queue.push(LogLevel::info, "good");
  ASSERT_TRUE(queue.flush(10s));
  EXPECT_EQ(got, std::vector<std::string>{"good"});
}

TEST(LogQueue, AFormerSinkIsCalledNoMoreWhileOthersGoOnWriting) {
  LogQueue queue;
  std::atomic<bool> end = false;
  std::thread other([&] {
    while (!end) queue.push(LogLevel::info, "x");
  });
  for (int i = 0; i < 100; ++i) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    queue.set_sink([raw = alive.get()](const LogLine&) { EXPECT_TRUE(*raw); });
    queue.set_sink({});
    *alive = false;
  }
  end = true;
  other.join();
}

TEST(LogQueue, ASinkMaySetAnother) {
  std::vector<std::string> got;
  LogQueue queue;
  queue.set_sink([&](const LogLine&) {
    EXPECT_FALSE(queue.flush(10s));
    queue.set_sink([&](const LogLine& line) { got.emplace_back(line.text); });
  });
  queue.push(LogLevel::info, "one");
  queue.push(LogLevel::info, "two");
  ASSERT_TRUE(queue.flush(10s));
  EXPECT_EQ(got, std::vector<std::string>{"two"});
}

TEST(Log, LinesBelowTheLevelAreNotMade) {
  LogCapture log(LogLevel::warning);
  info("quiet {}", 1);
  warn("loud {}", 2);
  EXPECT_EQ(log.text(), "warning: loud 2\n");
  set_log_level(LogLevel::debug);
  debug("all");
  EXPECT_EQ(log.text(), "warning: loud 2\ndebug: all\n");
}

TEST(Log, AnEmptySinkTakesNothing) {
  set_log_sink({});
  EXPECT_FALSE(enabled(LogLevel::error));
  use_default_sink();
}

TEST(Log, ByDefaultWarningsAndErrorsGoToStderrAndNothingToStdout) {
  use_default_sink();
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  info("an info");
  warn("a warning");
  error("an error");
  EXPECT_TRUE(flush_log());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "brood: warning: a warning\nbrood: error: an error\n");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

TEST(Log, ACrashWaitsForTheLinesButNotForever) {
  LogCapture log;
  info("a line");
  wait_in_crash(10s);
  const auto since = std::chrono::steady_clock::now();
  wait_in_crash(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - since, 5s);
  EXPECT_EQ(log.lines(), 1);
}

}  // namespace log_queue_test
}  // namespace brood::log
