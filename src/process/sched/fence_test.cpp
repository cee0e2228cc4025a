#include <atomic>

#include "process/test_support.hpp"

namespace brood::process::testing {

using FenceTest = RuntimeTest;

TEST_F(FenceTest, WhileFencedMessagesWaitAndNothingIsLost) {
  std::atomic<int> handled{0};
  const Pid pid = runtime.spawn(scripted({.cast = [&](Context&, Message) { ++handled; }}), {});
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("up"), 5s)), "up");
  runtime.set_fenced(true);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(runtime.cast(pid, message("x")));
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("x"), 50ms)), "error: timeout");
  EXPECT_EQ(handled, 0);
  runtime.set_fenced(false);
  EXPECT_TRUE(eventually([&] { return handled == 100; }));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(FenceTest, AStartWaitsToo) {
  runtime.set_fenced(true);
  Gate started;
  SpawnOptions spawn;
  spawn.on_started = [&](const Result<void>&) { started.open(); };
  runtime.spawn(scripted(), std::move(spawn));
  EXPECT_FALSE(started.wait(30ms));
  runtime.set_fenced(false);
  EXPECT_TRUE(started.wait());
  runtime.stop(patience);  // before what its processes use
}

TEST_F(FenceTest, AnOldBeatFencesAndANewOneOpens) {
  const Pid pid = runtime.spawn(scripted(), {});
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("x"), 5s)), "x");
  runtime.set_fence_limit(50ms);
  // The last beat gets too old: from some call on nothing is handled.
  EXPECT_TRUE(eventually([&] { return !runtime.call_and_wait(pid, message("x"), 40ms).has_value(); }));
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("x"), 40ms)), "error: timeout");
  runtime.set_fence_limit(1h);
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("y"), 5s)), "y");
  runtime.set_fence_limit(20ms);
  EXPECT_TRUE(eventually([&] { return !runtime.call_and_wait(pid, message("x"), 40ms).has_value(); }));
  std::atomic<bool> answered{false};
  runtime.call(pid, message("z"), 20s, [&](CallResult r) { answered = r.has_value(); });
  EXPECT_TRUE(eventually([&] {
    runtime.beat();
    return answered.load();
  }));
  runtime.set_fence_limit(0ms);
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("y"), 5s)), "y");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(FenceTest, OnlyKilledActsWhileFenced) {
  Channel<std::string> ended;
  const auto spawn = [&] {
    SpawnOptions out;
    out.on_exit = [&](const ExitReason& reason) { ended.put(reason.text()); };
    return runtime.spawn(scripted(), std::move(out));
  };
  const Pid a = spawn();
  const Pid b = spawn();
  EXPECT_EQ(text(runtime.call_and_wait(a, message("up"), 5s)), "up");
  EXPECT_EQ(text(runtime.call_and_wait(b, message("up"), 5s)), "up");
  runtime.set_fenced(true);
  ASSERT_TRUE(runtime.cast(a, message("unread")));
  runtime.exit(a, ExitReason::shutdown());
  runtime.exit(b, ExitReason::killed());
  EXPECT_EQ(ended.take(), "killed");
  EXPECT_TRUE(runtime.is_alive(a));
  runtime.exit(a, ExitReason::killed());
  EXPECT_EQ(ended.take(), "killed") << "also one that waits at the fence";
  runtime.set_fenced(false);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(FenceTest, WhatDoesNotHeedTheFenceGoesOn) {
  runtime.set_fenced(true);
  Channel<std::string> ended;
  SpawnOptions spawn;
  spawn.heeds_fence = false;
  spawn.on_exit = [&](const ExitReason& reason) { ended.put(reason.text()); };
  const Pid pid = runtime.spawn(scripted(), std::move(spawn));
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("up"), 5s)), "up");
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_EQ(ended.take(), "shutdown");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(FenceTest, StopEndsFencedProcesses) {
  bool terminated = false;
  Runtime other(here, 4, options());
  const Pid pid =
      other.spawn(scripted({.terminate = [&](Context&, const ExitReason&) { terminated = true; }}), {});
  EXPECT_EQ(text(other.call_and_wait(pid, message("up"), 5s)), "up");
  other.set_fenced(true);
  ASSERT_TRUE(other.cast(pid, message("unread")));
  EXPECT_EQ(other.stop(patience), 0U);
  EXPECT_EQ(other.process_count(), 0U);
  EXPECT_FALSE(terminated) << "no handler begins while fenced";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(FenceTest, OpenedAndClosedUnderLoadLosesNothing) {
  std::atomic<int> handled{0};
  std::vector<Pid> pids;
  for (int i = 0; i < 20; ++i)
    pids.push_back(runtime.spawn(scripted({.cast = [&](Context&, Message) { ++handled; }}), {}));
  constexpr int total = 40000;
  std::thread sender([&] {
    for (int i = 0; i < total; ++i)
      EXPECT_TRUE(
          runtime.cast(pids[static_cast<std::size_t>(i) % pids.size()], Message::of(std::int64_t{i})));
  });
  for (int i = 0; i < 300; ++i) {
    runtime.set_fenced(i % 2 == 0);
    std::this_thread::yield();
  }
  sender.join();
  runtime.set_fenced(false);
  EXPECT_TRUE(eventually([&] { return handled == total; })) << handled;
  runtime.stop(patience);  // before what its processes use
}

}  // namespace brood::process::testing
