#include <atomic>

#include "process/test_support.hpp"

namespace brood::process::testing {

using Spawning = RuntimeTest;

namespace {

/// Writes down what happens to a process.
struct Log {
  Channel<std::string> lines;
  SpawnOptions options() {
    SpawnOptions out;
    out.on_started = [this](const Result<void>& r) {
      lines.put(r ? "started" : "start failed: " + std::string(to_string(r.error().code)));
    };
    out.on_exit = [this](const ExitReason& reason) { lines.put("exit: " + reason.text()); };
    return out;
  }
  Script script() {
    return {.terminate = [this](Context&, const ExitReason& reason) {
      lines.put("terminate: " + reason.text());
    }};
  }
};

}  // namespace

TEST_F(Spawning, StartThenExitAreToldOnceEach) {
  Log log;
  const Pid pid = runtime.spawn(scripted(log.script()), log.options());
  EXPECT_EQ(log.lines.take(), "started");
  EXPECT_TRUE(runtime.is_alive(pid));
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_EQ(log.lines.take(), "terminate: shutdown");
  EXPECT_EQ(log.lines.take(), "exit: shutdown");
  EXPECT_FALSE(runtime.is_alive(pid));
  EXPECT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  EXPECT_EQ(log.lines.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

/// Writes down its roles, and what its context says then.
struct Told final : Behaviour {
  explicit Told(Channel<std::string>& to) : lines(to) {}
  Result<void> start(Context& given) override {
    context = &given;
    return {};
  }
  Result<EncodedTerm> call(Message) override { return encode_term(Term::atom("ok")); }
  void cast(Message) override { lines.put("cast as " + std::string(to_string(context->role()))); }
  void info(Message) override {}
  void down(const Down&) override {}
  void terminate(const ExitReason&) override {}
  void role_changed(Role role) override {
    lines.put(std::string(to_string(role)) + " " + std::to_string(context->identity().epoch_clock));
    EXPECT_EQ(context->role(), role);
  }
  Channel<std::string>& lines;
  Context* context = nullptr;
};

TEST_F(Spawning, ARoleIsToldBehindWhatWasSentBefore) {
  Channel<std::string> lines;
  SpawnOptions options;
  options.identity.role = Role::passive;
  const Pid pid = runtime.spawn(std::make_unique<Told>(lines), std::move(options));
  ASSERT_TRUE(runtime.cast(pid, Message::encoded(encode_term(Term::atom("a")))));
  runtime.set_role(pid, {Role::active, 7, true, [&] { lines.put("done"); }});
  ASSERT_TRUE(runtime.cast(pid, Message::encoded(encode_term(Term::atom("b")))));
  runtime.set_role(pid, {Role::passive, 8, false, [&] { lines.put("done untold"); }});
  for (const char* line : {"cast as passive", "active 7", "done", "cast as active", "done untold"})
    EXPECT_EQ(lines.take(), line);
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  runtime.set_role(pid, {Role::active, 9, true, [&] { lines.put("of one that has ended"); }});
  EXPECT_EQ(lines.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, KilledEndsWithoutTerminate) {
  Log log;
  Script script = log.script();
  script.start = [](Context& context) {
    context.trap_exit(true);
    return Result<void>();
  };
  const Pid pid = runtime.spawn(scripted(std::move(script)), log.options());
  EXPECT_EQ(log.lines.take(), "started");
  runtime.exit(pid, ExitReason::killed());
  EXPECT_EQ(log.lines.take(), "exit: killed");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, AKillWhileAHandlerRunsActsWhenItReturns) {
  Log log;
  Gate inside, release;
  Script script = log.script();
  script.cast = [&](Context&, Message) {
    inside.open();
    release.wait();
    log.lines.put("handler returned");
  };
  const Pid pid = runtime.spawn(scripted(std::move(script)), log.options());
  ASSERT_TRUE(runtime.cast(pid, message("x")));
  ASSERT_TRUE(inside.wait());
  runtime.exit(pid, ExitReason::killed());
  release.open();
  EXPECT_EQ(log.lines.take(), "started");
  EXPECT_EQ(log.lines.take(), "handler returned");
  EXPECT_EQ(log.lines.take(), "exit: killed");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, AFailedStartIsToldAndNoExitFollows) {
  Log log;
  const auto refuse = [](Context&) { return Result<void>(Errc::type_mismatch, "no"); };
  const Pid pid = runtime.spawn(scripted({.start = refuse}), log.options());
  EXPECT_EQ(log.lines.take(), "start failed: type_mismatch");
  EXPECT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  EXPECT_FALSE(runtime.is_alive(pid));
  EXPECT_EQ(log.lines.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, AnExceptionInTheStartIsAFailedStart) {
  Log log;
  runtime.spawn(scripted({.start = [](Context&) -> Result<void> { throw std::runtime_error("boom"); }}),
                log.options());
  EXPECT_EQ(log.lines.take(), "start failed: start_failed");
  runtime.spawn(scripted({.start = [](Context&) -> Result<void> { throw 42; }}), log.options());
  EXPECT_EQ(log.lines.take(), "start failed: start_failed");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, AnExceptionInAHandlerEndsTheProcessOnly) {
  Log log;
  Script script = log.script();
  script.cast = [](Context&, Message) { throw std::runtime_error("boom"); };
  script.info = [](Context&, Message) { throw 42; };
  const Pid first = runtime.spawn(scripted(script), log.options());
  ASSERT_TRUE(runtime.cast(first, message("x")));
  EXPECT_EQ(log.lines.take(), "started");
  EXPECT_EQ(log.lines.take(), "terminate: {exception,<<\"boom\">>}");
  EXPECT_EQ(log.lines.take(), "exit: {exception,<<\"boom\">>}");
  const Pid second = runtime.spawn(scripted(script), log.options());
  ASSERT_TRUE(runtime.send(second, message("x")));
  EXPECT_EQ(log.lines.take(), "started");
  EXPECT_EQ(log.lines.take(), "terminate: {exception,<<\"not a std::exception\">>}");
  EXPECT_EQ(log.lines.take(), "exit: {exception,<<\"not a std::exception\">>}");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, AnExceptionInTerminateIsSwallowed) {
  Log log;
  const Pid pid = runtime.spawn(
      scripted({.terminate = [](Context&, const ExitReason&) { throw std::runtime_error("too late"); }}),
      log.options());
  EXPECT_EQ(log.lines.take(), "started");
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_EQ(log.lines.take(), "exit: shutdown");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, StopInAHandlerEndsItAfterTheReply) {
  Log log;
  const Pid pid = runtime.spawn(scripted({.call = [](Context& context, Message m) -> Result<EncodedTerm> {
                                  context.stop(ExitReason::normal());
                                  return m.to_bytes();
                                }}),
                                log.options());
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("bye"), 5s)), "bye");
  EXPECT_EQ(log.lines.take(), "started");
  EXPECT_EQ(log.lines.take(), "exit: normal");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, AnExitOvertakesUnreadMessages) {
  Log log;
  Gate inside, release;
  std::atomic<int> handled{0};
  Script script = log.script();
  script.cast = [&](Context&, Message) {
    if (handled++ == 0) {
      inside.open();
      release.wait();
    }
  };
  const Pid pid = runtime.spawn(scripted(std::move(script)), log.options());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(runtime.cast(pid, message("x")));
  ASSERT_TRUE(inside.wait());
  runtime.exit(pid, ExitReason::shutdown());
  release.open();
  EXPECT_EQ(log.lines.take(), "started");
  EXPECT_EQ(log.lines.take(), "terminate: shutdown");
  EXPECT_EQ(log.lines.take(), "exit: shutdown");
  EXPECT_EQ(handled, 1);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, AnOldPidNeverReachesANewProcess) {
  Log log;
  const Pid old = runtime.spawn(scripted(), log.options());
  EXPECT_EQ(log.lines.take(), "started");
  runtime.exit(old, ExitReason::shutdown());
  EXPECT_EQ(log.lines.take(), "exit: shutdown");
  ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  Pid fresh = runtime.spawn(scripted(), {});
  EXPECT_EQ(fresh.id, old.id);
  EXPECT_NE(fresh.serial, old.serial);
  EXPECT_FALSE(runtime.is_alive(old));
  EXPECT_FALSE(runtime.send(old, message("x")).has_value());
  EXPECT_EQ(text(runtime.call_and_wait(old, message("x"), 1s)), "error: no_such_child");
  fresh.creation += 1;
  EXPECT_EQ(text(runtime.call_and_wait(fresh, message("x"), 1s)), "error: no_such_child")
      << "another start's pid";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, ManyProcessesStartAndEnd) {
  std::atomic<int> started{0}, exited{0};
  constexpr int count = 20000;
  std::vector<Pid> pids;
  for (int i = 0; i < count; ++i) {
    SpawnOptions spawn;
    spawn.on_started = [&](const Result<void>& r) { started += r ? 1 : 0; };
    spawn.on_exit = [&](const ExitReason&) { ++exited; };
    pids.push_back(runtime.spawn(scripted(), std::move(spawn)));
  }
  EXPECT_TRUE(eventually([&] { return started == count; }));
  EXPECT_EQ(runtime.process_count(), static_cast<std::size_t>(count));
  for (const Pid& pid : pids) runtime.exit(pid, ExitReason::shutdown());
  EXPECT_TRUE(eventually([&] { return exited == count && runtime.process_count() == 0; }));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, TimersFireInOrderAndCancelledOnesDoNot) {
  Channel<std::string> seen;
  runtime.spawn(scripted({.start =
                              [](Context& context) {
                                context.send_after(60ms, message("third"));
                                context.send_after(20ms, message("first"));
                                const TimerId second = context.send_after(40ms, message("second"));
                                context.cancel(second);
                                context.send_after(0ms, message("now"));
                                return Result<void>();
                              },
                          .info = [&](Context&, Message m) { seen.put(encoded_to_string(m.to_bytes())); }}),
                {});
  EXPECT_EQ(seen.take(), "now");
  EXPECT_EQ(seen.take(), "first");
  EXPECT_EQ(seen.take(), "third");
  EXPECT_EQ(seen.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Spawning, PostedJobsRunOnTheProcessAndAreDroppedAfterItsEnd) {
  Channel<std::string> seen;
  Log log;
  std::function<void(std::function<void()>)> post;
  const Pid pid = runtime.spawn(scripted({.start =
                                              [&](Context& context) {
                                                post = context.poster();
                                                return Result<void>();
                                              }}),
                                log.options());
  EXPECT_EQ(log.lines.take(), "started");
  post([&] { seen.put(brood::detail::current_context() == nullptr ? "outside" : "inside"); });
  EXPECT_EQ(seen.take(), "inside");
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_EQ(log.lines.take(), "exit: shutdown");
  auto token = std::make_shared<int>(1);
  post([token] {});
  EXPECT_EQ(token.use_count(), 1) << "dropped at once";
  runtime.stop(patience);  // before what its processes use
}

TEST(SpawningLate, APosterMayOutliveItsRuntime) {
  std::function<void(std::function<void()>)> post;
  Gate ready;
  {
    Runtime runtime(here, 3, {.threads = 2});
    runtime.spawn(scripted({.start =
                                [&](Context& context) {
                                  post = context.poster();
                                  ready.open();
                                  return Result<void>();
                                }}),
                  {});
    ASSERT_TRUE(ready.wait());
  }
  post([] { FAIL(); });
}

}  // namespace brood::process::testing
