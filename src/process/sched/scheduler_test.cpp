#include <atomic>
#include <set>

#include "process/test_support.hpp"

namespace brood::process::testing {

using Scheduling = RuntimeTest;

TEST_F(Scheduling, OneProcessHandlesOneMessageAtATimeInOrder) {
  std::vector<std::int64_t> seen;
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  Gate last;
  const Pid pid = runtime.spawn(scripted({.cast =
                                              [&](Context&, Message m) {
                                                if (inside.fetch_add(1) != 0) overlapped = true;
                                                const auto value = decode<std::int64_t>(m.to_bytes());
                                                seen.push_back(*value);
                                                inside.fetch_sub(1);
                                                if (*value == 4999) last.open();
                                              }}),
                                {});
  for (std::int64_t i = 0; i < 5000; ++i) ASSERT_TRUE(runtime.cast(pid, Message::of(i)));
  ASSERT_TRUE(last.wait());
  EXPECT_FALSE(overlapped);
  ASSERT_EQ(seen.size(), 5000U);
  for (std::int64_t i = 0; i < 5000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Scheduling, ManySendersLoseNothing) {
  std::atomic<int> count{0};
  constexpr int senders = 4, each = 5000, targets = 7;
  std::vector<Pid> pids;
  for (int i = 0; i < targets; ++i)
    pids.push_back(runtime.spawn(scripted({.cast = [&](Context&, Message) { ++count; }}), {}));
  std::vector<std::thread> threads;
  for (int s = 0; s < senders; ++s)
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i)
        EXPECT_TRUE(
            runtime.cast(pids[static_cast<std::size_t>(i + s) % pids.size()], Message::of(std::int64_t{i})));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return count == senders * each; })) << count;
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Scheduling, ABusyProcessDoesNotStarveOthers) {
  std::atomic<bool> stop{false};
  auto busy = [&](Context& context, Message) {
    if (!stop) (void)context.cast(context.self(), Message::of(std::int64_t{0}));
  };
  for (int i = 0; i < 4; ++i) {
    const Pid pid = runtime.spawn(scripted({.cast = busy}), {});
    ASSERT_TRUE(runtime.cast(pid, Message::of(std::int64_t{0})));
  }
  const Pid other = runtime.spawn(scripted(), {});
  for (int i = 0; i < 50; ++i) EXPECT_EQ(text(runtime.call_and_wait(other, message("hello"), 5s)), "hello");
  stop = true;
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Scheduling, TheNodeGoesOnWhenEveryThreadIsStuck) {
  Gate release;
  Channel<bool> stuck;
  constexpr int blockers = 3;  // one more than threads
  Channel<int> inside;
  for (int i = 0; i < blockers; ++i) {
    SpawnOptions spawn;
    spawn.on_stuck = [&](bool on) { stuck.put(on); };
    const Pid pid = runtime.spawn(scripted({.cast =
                                                [&](Context&, Message) {
                                                  inside.put(1);
                                                  release.wait();
                                                }}),
                                  std::move(spawn));
    ASSERT_TRUE(runtime.cast(pid, message("block")));
  }
  for (int i = 0; i < blockers; ++i) ASSERT_TRUE(inside.take());
  for (int i = 0; i < blockers; ++i) EXPECT_EQ(stuck.take(), true);
  EXPECT_EQ(runtime.stats().stuck, 3U);
  const Pid other = runtime.spawn(scripted(), {});
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(text(runtime.call_and_wait(other, message("hello"), 10s)), "hello");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  EXPECT_GE(runtime.stats().threads, 4U);
  release.open();
  for (int i = 0; i < blockers; ++i) EXPECT_EQ(stuck.take(), false);
  EXPECT_EQ(runtime.stats().stuck, 0U);
  EXPECT_TRUE(eventually([&] { return runtime.stats().threads == 2; })) << "the surplus threads retire";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Scheduling, BlockingCallsInHandlersAddThreads) {
  // A chain of ten processes, each waiting for the next: with two threads only this needs compensation.
  std::vector<Pid> chain;
  for (int i = 0; i < 10; ++i) {
    const std::optional<Pid> next = chain.empty() ? std::nullopt : std::optional(chain.back());
    chain.push_back(
        runtime.spawn(scripted({.call = [next](Context& context, Message m) -> Result<EncodedTerm> {
                        if (!next) return m.to_bytes();
                        return context.call(*next, std::move(m), 10s).get();
                      }}),
                      {}));
  }
  EXPECT_EQ(text(runtime.call_and_wait(chain.back(), message("deep"), 10s)), "deep");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Scheduling, TheRunningChildIsKnownOnItsThread) {
  SpawnOptions spawn;
  spawn.identity.supervisor = "bank";
  spawn.identity.child_id = "alice";
  Channel<std::string> seen;
  const auto look = [&] {
    const WorkerIdentity* who = Runtime::running_on_this_thread();
    seen.put(who == nullptr ? "nobody" : who->supervisor + "/" + to_string(who->child_id.term()));
  };
  const Pid pid = runtime.spawn(scripted({.start =
                                              [&](Context&) {
                                                look();
                                                return Result<void>();
                                              },
                                          .cast = [&](Context&, Message) { look(); }}),
                                std::move(spawn));
  ASSERT_TRUE(runtime.cast(pid, message("x")));
  EXPECT_EQ(seen.take(), "bank/<<\"alice\">>");
  EXPECT_EQ(seen.take(), "bank/<<\"alice\">>");
  EXPECT_EQ(Runtime::running_on_this_thread(), nullptr);
  runtime.stop(patience);  // before what its processes use
}

TEST(SchedulingStop, AStuckHandlerIsLeftBehindAndNothingOfItRunsAfterwards) {
  auto release = std::make_shared<Gate>();
  auto inside = std::make_shared<Gate>();
  auto returned = std::make_shared<Gate>();
  bool exited = false;
  CallResult result;
  std::thread caller;
  {
    Runtime runtime(here, 3, {.threads = 2, .stuck_after = 50ms});
    SpawnOptions spawn;
    spawn.on_exit = [&](const ExitReason&) { exited = true; };
    const Pid pid = runtime.spawn(scripted({.call = [=](Context&, Message) -> Result<EncodedTerm> {
                                    inside->open();
                                    release->wait();
                                    returned->open();
                                    return EncodedTerm{};
                                  }}),
                                  std::move(spawn));
    Channel<std::string> done;
    runtime.call(pid, message("x"), 1h, [&](CallResult r) { done.put(text(r)); });
    ASSERT_TRUE(inside->wait());
    EXPECT_EQ(runtime.stop(100ms), 1U);
    EXPECT_EQ(done.take(), "error: node_lost") << "the caller is not left waiting";
  }
  release->open();
  ASSERT_TRUE(returned->wait());
  EXPECT_FALSE(exited);
}

TEST(SchedulingStop, StopEndsEveryProcessWithShutdown) {
  Channel<std::string> ended;
  Runtime runtime(here, 3, {.threads = 2});
  for (int i = 0; i < 100; ++i) {
    SpawnOptions spawn;
    spawn.on_exit = [&](const ExitReason& reason) { ended.put(reason.text()); };
    runtime.spawn(scripted(), std::move(spawn));
  }
  EXPECT_TRUE(eventually([&] { return runtime.process_count() == 100; }));
  EXPECT_EQ(runtime.stop(patience), 0U);
  EXPECT_EQ(runtime.process_count(), 0U);
  Channel<std::string> refused;
  SpawnOptions spawn;
  spawn.on_started = [&](const Result<void>& r) {
    refused.put(r ? "ok" : std::string(to_string(r.error().code)));
  };
  runtime.spawn(scripted(), std::move(spawn));
  EXPECT_EQ(refused.take(), "stopped");
}

}  // namespace brood::process::testing
