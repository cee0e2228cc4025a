#include <atomic>

#include "process/test_support.hpp"

namespace brood::process::testing {

class Lend : public RuntimeTest {
 protected:
  /// Answers with the thread that it runs on.
  static Script tells_its_thread(bool is_quick) {
    return {.call = [](Context&, Message) { return encode_term(thread_term()); }, .is_quick = is_quick};
  }
  static Term thread_term() {
    return Term(std::uint64_t{std::hash<std::thread::id>{}(std::this_thread::get_id())});
  }
  std::string ask(const Pid& pid, std::chrono::milliseconds timeout = 20s) {
    return text(runtime.ask(pid, message("x"), timeout).get());
  }
  Pid spawn_quick(std::function<Result<EncodedTerm>(Context&, Message)> call, SpawnOptions options = {}) {
    const Pid pid = runtime.spawn(scripted({.call = std::move(call), .is_quick = true}), std::move(options));
    return pid;
  }
  const std::string mine = to_string(thread_term());
};

TEST_F(Lend, ACallRunsAnIdleQuickProcessOnItsOwnThreadAndNoOther) {
  const Pid quick = runtime.spawn(scripted(tells_its_thread(true)), {});
  const Pid slow = runtime.spawn(scripted(tells_its_thread(false)), {});
  EXPECT_TRUE(eventually([&] { return ask(quick) == mine; })) << "once it has started and is idle";
  EXPECT_EQ(ask(quick), mine);
  EXPECT_NE(ask(slow), mine);
  Channel<std::string> without;
  runtime.call(quick, message("x"), 20s, [&](CallResult r) { without.put(text(r)); });
  EXPECT_NE(without.take(), mine) << "a thread that does not lend itself";
  runtime.stop(patience);
}

TEST_F(Lend, AHandlerThatCallsAQuickProcessLendsNoThread) {
  const Pid quick = runtime.spawn(scripted(tells_its_thread(true)), {});
  std::atomic<bool> ran_here = true;
  const Pid outer = spawn_quick([&](Context& context, Message) -> Result<EncodedTerm> {
    const std::string own = to_string(thread_term());
    const auto answer = context.call(quick, message("x"), 20s).get();
    ran_here = text(answer) == own;
    return encode_term(thread_term());
  });
  EXPECT_TRUE(eventually([&] { return ask(outer) == mine; }));
  EXPECT_FALSE(ran_here) << "one process at a time on one thread";
  runtime.stop(patience);
}

TEST_F(Lend, AQuickProcessThatCallsItselfIsToldOfTheCircle) {
  const Pid pid = spawn_quick([](Context& context, Message) -> Result<EncodedTerm> {
    const auto answer = context.call(context.self(), message("x"), 20s).get();
    return encode_term(Term::atom(to_string(answer.error().code)));
  });
  EXPECT_EQ(ask(pid), "deadlock");
  EXPECT_EQ(ask(pid), "deadlock");
  runtime.stop(patience);
}

TEST_F(Lend, ManyThreadsCallAFewProcessesAndEachCallIsHandledOnceAndAlone) {
  constexpr int threads = 8, each = 2000, processes = 3;
  std::vector<Pid> pids;
  std::vector<int> handled(processes, 0);  // of each its own
  for (int i = 0; i < processes; ++i)
    pids.push_back(
        spawn_quick([&count = handled[std::size_t(i)]](Context&, Message m) -> Result<EncodedTerm> {
          ++count;
          return m.to_bytes();
        }));
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> all;
    for (int t = 0; t < threads; ++t)
      all.emplace_back([&, t] {
        for (int i = 0; i < each; ++i)
          if (ask(pids[std::size_t(t + i) % processes]) != "x") ++failed;
      });
  }
  EXPECT_EQ(failed, 0);
  runtime.stop(patience);
  EXPECT_EQ(handled[0] + handled[1] + handled[2], threads * each);
}

TEST_F(Lend, ItsCrashEndsItAndNotItsCaller) {
  Channel<std::string> ended;
  SpawnOptions options;
  options.on_exit = [&](const ExitReason& reason) { ended.put(reason.text()); };
  const Pid pid = spawn_quick(
      [](Context&, Message) -> Result<EncodedTerm> { throw std::runtime_error("bad"); }, std::move(options));
  EXPECT_EQ(ask(pid), "error: died");
  EXPECT_NE(ended.take()->find("bad"), std::string::npos);
  EXPECT_EQ(ask(pid), "error: no_such_child");
  runtime.stop(patience);
}

TEST_F(Lend, OneThatBlocksAllTheSameHoldsUpItsCallerAloneAndIsSeen) {
  Gate inside, release;
  Channel<bool> stuck;
  SpawnOptions options;
  options.on_stuck = [&](bool is_stuck) { stuck.put(is_stuck); };
  const Pid pid = spawn_quick(
      [&](Context&, Message m) -> Result<EncodedTerm> {
        inside.open();
        release.wait();
        return m.to_bytes();
      },
      std::move(options));
  std::string answer;
  std::thread caller([&] { answer = ask(pid, 60s); });
  ASSERT_TRUE(inside.wait());
  EXPECT_EQ(stuck.take(), true);
  const Pid other = runtime.spawn(scripted(), {});
  EXPECT_EQ(ask(other), "x");
  EXPECT_EQ(ask(pid, 50ms), "error: timeout") << "another caller waits no longer than it said";
  release.open();
  caller.join();
  EXPECT_EQ(answer, "x");
  EXPECT_EQ(stuck.take(), false);
  runtime.stop(patience);
}

TEST_F(Lend, TheEndDoesNotWaitForAHandlerThatBlocksOnALentThread) {
  Gate inside, release;
  std::string answer;
  std::thread caller;
  {
    Runtime ends(here, 4, options());
    const Pid pid = ends.spawn(scripted({.call = [&](Context&, Message m) -> Result<EncodedTerm> {
                                           inside.open();
                                           release.wait();
                                           return m.to_bytes();
                                         },
                                         .is_quick = true}),
                               {});
    caller = std::thread([&] { answer = text(ends.ask(pid, message("x"), 60s).get()); });
    ASSERT_TRUE(inside.wait());
    EXPECT_EQ(ends.stop(50ms), 1U);
  }
  release.open();
  caller.join();
  EXPECT_EQ(answer, "error: node_lost");
}

TEST_F(Lend, TheEndComesWhileThreadsLendThemselves) {
  const Pid pid = spawn_quick([](Context&, Message m) -> Result<EncodedTerm> { return m.to_bytes(); });
  std::atomic<bool> over = false;
  {
    std::vector<std::jthread> all;
    std::atomic<int> answered = 0;
    for (int t = 0; t < 4; ++t)
      all.emplace_back([&] {
        while (!over && ask(pid) == "x") ++answered;
      });
    EXPECT_TRUE(eventually([&] { return answered > 1000; }));
    runtime.stop(patience);
    over = true;
  }
  EXPECT_NE(ask(pid), "x");
}

}  // namespace brood::process::testing
