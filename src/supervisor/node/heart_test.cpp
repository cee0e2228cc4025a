#include "supervisor/node/heart.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

namespace brood::supervisor {
namespace heart_test {

using std::chrono::milliseconds;

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(Heart, BeatsWhileNothingIsWrong) {
  std::atomic<int> beats = 0;
  Heart heart({milliseconds(80), [&] { ++beats; }, [](bool) {}, [] {}});
  heart.start();
  EXPECT_TRUE(eventually([&] { return beats >= 5; }));
}

TEST(Heart, WhatItIsToldAfterItWasStoppedDoesNoHarm) {
  int fences = 0;
  Heart heart({milliseconds(80), [] {}, [&](bool) { ++fences; }, [] {}});
  heart.start();
  heart.stop();
  heart.gap_handled();
  heart.stop();
  EXPECT_EQ(fences, 0);
}

// A child process is stopped and woken: only there can the whole program sleep.
TEST(Heart, AfterASleepItFencesBeforeItBeatsAgainAndGoesOnWhenTold) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto say = [&](char c) { (void)!write(pipe_ends[1], &c, 1); };
    std::atomic<bool> gap = false;
    Heart* self = nullptr;
    Heart heart({milliseconds(400), [&] { say(gap ? 'a' : 'b'); }, [&](bool on) { say(on ? 'F' : 'U'); },
                 [&] {
                   gap = true;
                   auto reader = Gaps::Cursor{};
                   say(self->take_longest_gap(reader) >= milliseconds(900) ? 'L' : 'S');
                   self->gap_handled();
                 }});
    self = &heart;
    heart.start();
    pause();
    _exit(0);
  }
  close(pipe_ends[1]);
  char c = 0;
  ASSERT_EQ(read(pipe_ends[0], &c, 1), 1);
  EXPECT_EQ(c, 'b');
  kill(child, SIGSTOP);
  const auto wake_at = std::chrono::steady_clock::now() + milliseconds(1000);
  std::this_thread::sleep_until(wake_at);  // not a wait: the pause itself is what is tested
  kill(child, SIGCONT);
  std::string seen;
  while (seen.find('a') == std::string::npos && read(pipe_ends[0], &c, 1) == 1) seen += c;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(pipe_ends[0]);
  const auto fenced = seen.find('F');
  ASSERT_NE(fenced, std::string::npos) << seen;
  EXPECT_EQ(seen.substr(fenced).find("FLUa"), 0U) << seen << ": L, it knows how long it slept";
}

/// Of a heart that beats every 100 ms and is told 5 ms after a beat that its gap was handled: how long until
/// the next one. A child process sleeps for it, as above.
milliseconds from_handled_to_beat() {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<std::int64_t> handled = 0;
    const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
    const auto beat = [&] {
      const std::int64_t since = handled == 0 ? 0 : now() - handled;
      (void)!write(pipe_ends[1], &since, sizeof since);
    };
    Heart* self = nullptr;
    Heart heart({milliseconds(1600), beat, [](bool) {},
                 [&] {
                   std::thread([&] {
                     std::this_thread::sleep_for(milliseconds(5));  // not a wait: a moment after a beat
                     handled = now();
                     self->gap_handled();
                   }).detach();
                 }});
    self = &heart;
    heart.start();
    pause();
    _exit(0);
  }
  close(pipe_ends[1]);
  std::int64_t since = 0;
  EXPECT_EQ(read(pipe_ends[0], &since, sizeof since), static_cast<ssize_t>(sizeof since));
  kill(child, SIGSTOP);
  std::this_thread::sleep_for(milliseconds(2000));  // not a wait: the pause itself is what is tested
  kill(child, SIGCONT);
  while (since == 0 && read(pipe_ends[0], &since, sizeof since) == sizeof since) {
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(pipe_ends[0]);
  return std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(since));
}

TEST(Heart, BeatsAtOnceWhenTheGapIsHandled) {
  auto best = from_handled_to_beat();
  for (int more = 0; more < 3 && best >= milliseconds(60); ++more)
    best = std::min(best, from_handled_to_beat());
  EXPECT_LT(best, milliseconds(60)) << "the next beat of its own would have come after 95 ms";
}

}  // namespace heart_test
}  // namespace brood::supervisor
