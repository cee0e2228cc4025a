#include "node/net/network_loop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <future>

#include "process/sched/scheduler.hpp"
#include "process/test_support.hpp"

namespace brood::node {
namespace network_loop_test {

using namespace std::chrono_literals;
using process::Runtime;
using process::testing::eventually;
using process::testing::Gate;
using process::testing::here;
using process::testing::message;
using process::testing::scripted;
namespace asio = boost::asio;

class NetworkLoopTest : public ::testing::Test {
 protected:
  void SetUp() override { loop->start(); }
  void TearDown() override {
    runtime.stop(5s);
    loop->stop();
  }
  void lend() {
    runtime.set_poller(loop);
    loop->lend([this] { return runtime.wake_to_poll(); });
  }
  /// Runs something on the io_context; whether a thread of the runtime did it.
  bool polled_by_runtime() {
    std::promise<bool> done;
    asio::post(io, [&] { done.set_value(process::Scheduler::on_thread()); });
    return done.get_future().get();
  }
  static process::RuntimeOptions options() {
    process::RuntimeOptions out;
    out.threads = 2;
    return out;
  }

  asio::io_context io;
  std::shared_ptr<NetworkLoop> loop = std::make_shared<NetworkLoop>(io);
  Runtime runtime{here, 3, options()};
};

TEST_F(NetworkLoopTest, PollsByItselfUntilItIsLent) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(polled_by_runtime());
  lend();
  EXPECT_TRUE(eventually([&] { return polled_by_runtime(); }));
}

TEST_F(NetworkLoopTest, HandlersThatBlockDoNotHoldItUp) {
  lend();
  ASSERT_TRUE(eventually([&] { return polled_by_runtime(); }));
  Gate release;
  std::atomic<int> inside{0};
  const auto block = [&](Context&, Message) {
    ++inside;
    release.wait();
  };
  for (int i = 0; i < 2; ++i) {
    const Pid pid = runtime.spawn(scripted({.cast = block}), {});
    // From the network, so that who polls runs the handler itself.
    asio::post(io, [this, pid] { EXPECT_TRUE(runtime.cast(pid, message("x"))); });
  }
  ASSERT_TRUE(eventually([&] { return inside == 2; })) << "the second is not left behind the first";
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(polled_by_runtime());
  release.open();
  EXPECT_TRUE(eventually([&] { return polled_by_runtime(); })) << "it is lent again";
  runtime.stop(5s);  // before what its processes use
}

TEST_F(NetworkLoopTest, GoesOnByItselfWhenTheRuntimeStops) {
  lend();
  ASSERT_TRUE(eventually([&] { return polled_by_runtime(); }));
  runtime.stop(5s);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(polled_by_runtime());
}

TEST_F(NetworkLoopTest, WhatIsPushedWhileAThreadPollsIsRunAtOnce) {
  lend();
  const Pid first = runtime.spawn(scripted(), {});
  const Pid second = runtime.spawn(scripted(), {});
  std::atomic<bool> stop{false};
  std::thread network([&] {
    while (!stop) (void)polled_by_runtime();
  });
  std::thread other([&] {
    while (!stop) EXPECT_TRUE(runtime.call_and_wait(first, message("x"), 20s));
  });
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(runtime.call_and_wait(second, message("x"), 20s));
  stop = true;
  network.join();
  other.join();
  runtime.stop(5s);  // before what its processes use
}

TEST_F(NetworkLoopTest, APushMakesTheOnlyFreeThreadLeaveItsPoll) {
  lend();
  Gate release;
  std::atomic<bool> inside{false};
  const Pid blocked = runtime.spawn(scripted({.cast =
                                                  [&](Context&, Message) {
                                                    inside = true;
                                                    release.wait();
                                                  }}),
                                    {});
  const Pid pid = runtime.spawn(scripted(), {});
  ASSERT_TRUE(runtime.cast(blocked, message("x")));
  ASSERT_TRUE(eventually([&] { return inside.load(); }));
  // Nothing comes from the network: the other thread polls and would do so for ever.
  ASSERT_TRUE(eventually([&] { return polled_by_runtime(); }));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(runtime.call_and_wait(pid, message("x"), 2s)) << i;
  release.open();
  runtime.stop(5s);  // before what its processes use
}

TEST_F(NetworkLoopTest, OneMessageWakesSeveralProcessesAndAllRun) {
  lend();
  std::atomic<int> handled{0};
  std::vector<Pid> pids;
  for (int i = 0; i < 8; ++i)
    pids.push_back(runtime.spawn(scripted({.cast = [&](Context&, Message) { ++handled; }}), {}));
  constexpr int rounds = 2000;
  for (int i = 0; i < rounds; ++i) {
    asio::post(io, [&] {
      for (const Pid& pid : pids) EXPECT_TRUE(runtime.cast(pid, message("x")));
    });
    if (i % 100 == 0) {
      ASSERT_TRUE(eventually([&] { return handled == 8 * (i + 1); })) << handled << " of " << 8 * (i + 1);
    }
  }
  EXPECT_TRUE(eventually([&] { return handled == 8 * rounds; })) << handled;
}

TEST_F(NetworkLoopTest, NobodyPollsOnceItHasStopped) {
  lend();
  const Pid pid = runtime.spawn(scripted(), {});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(runtime.call_and_wait(pid, message("x"), 20s));
  loop->stop();
  std::atomic<bool> ran{false};
  asio::post(io, [&] { ran = true; });
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(runtime.call_and_wait(pid, message("x"), 20s));
  EXPECT_FALSE(ran);
}

}  // namespace network_loop_test
}  // namespace brood::node
