#include "node/channel/ticker.hpp"

#include <gtest/gtest.h>

namespace brood::node {
namespace ticker_test {

using namespace std::chrono_literals;

const Clock::time_point start{1h};

TickAction at(Clock::duration sent_ago, Clock::duration silent_for) {
  return judge({start, start - sent_ago, start - silent_for, 8000ms});
}

TEST(Judge, SendsWithinAQuarterOfTheTimeOut) {
  EXPECT_EQ(at(0s, 0s), TickAction::none);
  EXPECT_EQ(at(1s, 0s), TickAction::none);
  // The next round comes half a second later.
  EXPECT_EQ(at(1500ms, 0s), TickAction::send);
}

TEST(Judge, GivesUpAfterTheTimeOutAndNotBefore) {
  EXPECT_EQ(at(0s, 7999ms), TickAction::none);
  EXPECT_EQ(at(0s, 8000ms), TickAction::none);
  EXPECT_EQ(at(0s, 8001ms), TickAction::give_up);
  EXPECT_EQ(at(1h, 8001ms), TickAction::give_up);
}

TEST(Judge, RoundsAreOftenEnough) {
  EXPECT_EQ(round_interval(8000ms), 500ms);
  EXPECT_EQ(round_interval(60s), 1000ms);
  EXPECT_EQ(round_interval(4ms), 1ms);
}

TEST(Ticker, RunsRoundsUntilItIsStoppedAndIsNotLateOnAnIdleMachine) {
  std::mutex mutex;
  std::condition_variable changed;
  int rounds = 0;
  Ticker ticker;
  ticker.start([&](Clock::time_point, bool) {
    const std::scoped_lock lock(mutex);
    ++rounds;
    changed.notify_all();
    return 1ms;
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return rounds >= 5; }));
  lock.unlock();
  ticker.stop();
  const int after = rounds;
  ticker.wake();
  EXPECT_EQ(rounds, after);
}

TEST(Ticker, WakeBringsARoundBeforeItsTime) {
  std::mutex mutex;
  std::condition_variable changed;
  int rounds = 0;
  Ticker ticker;
  ticker.start([&](Clock::time_point, bool) {
    const std::scoped_lock lock(mutex);
    ++rounds;
    changed.notify_all();
    return 3600s;
  });
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, 10s, [&] { return rounds == 1; }));
  lock.unlock();
  ticker.wake();
  lock.lock();
  EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return rounds == 2; }));
}

}  // namespace ticker_test
}  // namespace brood::node
