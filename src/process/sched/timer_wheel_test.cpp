#include "process/sched/timer_wheel.hpp"

#include <random>
#include <thread>

#include "process/test_support.hpp"

namespace brood::process::testing {

namespace {

struct Probe final : TimerNode {
  Probe(std::chrono::milliseconds d, std::function<void(Probe&)> f) : delay(d), on_fire(std::move(f)) {}
  void fire() override { on_fire(*this); }
  void wheel_stopped() override { stopped = true; }
  std::chrono::milliseconds delay;
  std::chrono::steady_clock::time_point added = std::chrono::steady_clock::now();
  std::function<void(Probe&)> on_fire;
  bool stopped = false;
};

}  // namespace

TEST(TimerWheel, FiresEachOnceAndNeverEarly) {
  std::atomic<int> fired{0};
  std::atomic<bool> early{false};
  std::vector<boost::intrusive_ptr<Probe>> timers;
  TimerWheel wheel;
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    timers.emplace_back(new Probe(std::chrono::milliseconds(random() % 120), [&](Probe& p) {
      if (std::chrono::steady_clock::now() < p.added + p.delay) early = true;
      ++fired;
    }));
    wheel.add(timers.back(), timers.back()->delay);
  }
  EXPECT_TRUE(eventually([&] { return fired == 2000; })) << fired;
  EXPECT_FALSE(early);
  wheel.stop();
  EXPECT_EQ(fired, 2000);
}

TEST(TimerWheel, FiresAfterMoreThanOneRound) {
  Gate fired;
  TimerWheel wheel;
  const boost::intrusive_ptr<Probe> timer(new Probe(4200ms, [&](Probe& p) {
    EXPECT_GE(std::chrono::steady_clock::now(), p.added + p.delay);
    fired.open();
  }));
  wheel.add(timer, timer->delay);
  EXPECT_TRUE(fired.wait());
}

TEST(TimerWheel, CancelledOnesDoNotFireAndStoppedOnesAreTold) {
  TimerWheel wheel;
  const boost::intrusive_ptr<Probe> cancelled(new Probe(20ms, [](Probe&) { FAIL(); }));
  const boost::intrusive_ptr<Probe> late(new Probe(1h, [](Probe&) { FAIL(); }));
  Gate fired;
  const boost::intrusive_ptr<Probe> last(new Probe(40ms, [&](Probe&) { fired.open(); }));
  wheel.add(cancelled, cancelled->delay);
  wheel.add(late, late->delay);
  wheel.add(last, last->delay);
  EXPECT_TRUE(wheel.cancel(*cancelled));
  EXPECT_FALSE(wheel.cancel(*cancelled));
  EXPECT_TRUE(fired.wait());
  EXPECT_FALSE(wheel.cancel(*last));
  wheel.stop();
  EXPECT_TRUE(late->stopped);
  EXPECT_FALSE(cancelled->stopped);
}

TEST(TimerWheel, ManyThreadsAddAndCancelAtOnceAndNoneIsForgotten) {
  constexpr int threads = 4;
  constexpr int each = 5000;
  TimerWheel wheel;
  std::atomic<int> fired{0};
  std::atomic<int> cancelled{0};
  std::vector<std::jthread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < each; ++i) {
        const boost::intrusive_ptr<Probe> timer(
            new Probe(std::chrono::milliseconds(random() % 30), [&](Probe&) { ++fired; }));
        wheel.add(timer, timer->delay);
        if (i % 2 == 0) cancelled += wheel.cancel(*timer) ? 1 : 0;
      }
    });
  all.clear();
  EXPECT_TRUE(eventually([&] { return fired + cancelled == threads * each; })) << fired << " " << cancelled;
}

// Others' timers keep the wheel asleep until later: one that is due sooner wakes it.
TEST(TimerWheel, OneThatIsDueSoonerIsNotLate) {
  TimerWheel wheel;
  const boost::intrusive_ptr<Probe> late(new Probe(1h, [](Probe&) { FAIL(); }));
  wheel.add(late, late->delay);
  for (int i = 0; i < 200; ++i) {
    Gate fired;
    const boost::intrusive_ptr<Probe> timer(new Probe(1ms, [&](Probe&) { fired.open(); }));
    std::jthread([&] { wheel.add(timer, timer->delay); }).join();
    ASSERT_TRUE(fired.wait(2s)) << i;  // the wheel would look by itself after 3.7 s
  }
}

}  // namespace brood::process::testing
