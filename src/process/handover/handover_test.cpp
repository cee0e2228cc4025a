// Moves of plain processes, within one runtime: freezing, packing, restoring, and taking it all back.
#include "process/handover/handover_test_support.hpp"
#include "process/process.hpp"

namespace brood::process {
namespace {

using namespace testing;
using handover_test::add;
using handover_test::all;
using handover_test::Ledger;
using handover_test::note;

TEST_F(Moves, FreezingLetsTheRunningHandlerFinish) {
  Gate entered, leave;
  std::atomic<int> handled{0};
  const Pid pid = runtime.spawn(scripted({.info =
                                              [&](Context&, Message) {
                                                entered.open();
                                                (void)leave.wait();
                                                ++handled;
                                              }}),
                                {});
  ASSERT_TRUE(runtime.send(pid, message("one")));
  ASSERT_TRUE(runtime.send(pid, message("two")));
  ASSERT_TRUE(entered.wait());
  Channel<Result<void>> frozen;
  mover.handover.freeze(pid, patience, [&](Result<void> result) { frozen.put(std::move(result)); });
  EXPECT_FALSE(frozen.take(50ms).has_value());
  leave.open();
  EXPECT_EQ(words(*frozen.take()), "ok");
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(words(mover.freeze(pid)), "busy");
  EXPECT_EQ(words(mover.thaw(pid)), "ok");
  EXPECT_TRUE(eventually([&] { return handled == 2; }));
  EXPECT_EQ(words(mover.thaw(pid)), "ok") << "harmless for one that runs";
}

TEST_F(Moves, AHandlerThatDoesNotEndPutsTheMoveOff) {
  Gate entered, leave;
  std::atomic<int> handled{0};
  const Pid pid = runtime.spawn(scripted({.info =
                                              [&](Context&, Message) {
                                                entered.open();
                                                (void)leave.wait();
                                                ++handled;
                                              }}),
                                {});
  ASSERT_TRUE(runtime.send(pid, message("one")));
  ASSERT_TRUE(entered.wait());
  EXPECT_EQ(words(mover.freeze(pid, 20ms)), "timeout");
  ASSERT_TRUE(runtime.send(pid, message("two")));
  leave.open();
  EXPECT_TRUE(eventually([&] { return handled == 2; })) << "it goes on as before";
  EXPECT_EQ(words(mover.freeze(pid)), "ok");
}

TEST_F(Moves, AProcessThatIsNotThereOrEndsIsSaidToBe) {
  EXPECT_EQ(words(mover.freeze(far_pid(1))), "no_such_child");
  const Pid pid = ledger();
  runtime.exit(pid, ExitReason::killed());
  ASSERT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
  EXPECT_EQ(words(mover.freeze(pid)), "no_such_child");
  EXPECT_EQ(mover.capture(pid).error().code, Errc::no_such_child);
  EXPECT_EQ(words(mover.thaw(pid)), "no_such_child");
  EXPECT_EQ(words(mover.open(pid)), "no_such_child");
  EXPECT_EQ(words(mover.discard(pid)), "no_such_child");
  EXPECT_EQ(words(mover.become_stub(pid, far_pid(1))), "no_such_child");
  EXPECT_EQ(mover.end_with_state(pid, ExitReason::shutdown()).error().code, Errc::no_such_child);
}

TEST_F(Moves, StepsOutOfOrderAreRefused) {
  const Pid pid = ledger();
  EXPECT_EQ(mover.capture(pid).error().code, Errc::invalid_argument);
  EXPECT_EQ(words(mover.become_stub(pid, far_pid(1))), "invalid_argument");
  EXPECT_EQ(words(mover.discard(pid)), "invalid_argument");
  EXPECT_EQ(words(mover.open(pid)), "ok") << "it is open";
  ASSERT_TRUE(mover.freeze(pid));
  EXPECT_EQ(words(mover.open(pid)), "invalid_argument");
  EXPECT_EQ(words(mover.become_stub(pid, far_pid(1))), "invalid_argument") << "nothing was captured";
  ASSERT_TRUE(mover.capture(pid));
  EXPECT_EQ(mover.capture(pid).error().code, Errc::invalid_argument);
}

TEST_F(Moves, WhatAProcessHasPostedItselfIsRunBeforeItFreezes) {
  Probe& probe = make();
  Gate entered, leave;
  std::vector<int> order;
  probe.post([&] {
    entered.open();
    (void)leave.wait();
  });
  ASSERT_TRUE(entered.wait());
  ASSERT_TRUE(runtime.send(probe.pid, message("before")));
  probe.post([&] { probe.seen.put("job"); });
  ASSERT_TRUE(runtime.send(probe.pid, message("behind")));
  Channel<Result<void>> frozen;
  mover.handover.freeze(probe.pid, patience, [&](Result<void> result) { frozen.put(std::move(result)); });
  leave.open();
  ASSERT_EQ(words(*frozen.take()), "ok");
  EXPECT_EQ(probe.seen.take(), "info: before");
  EXPECT_EQ(probe.seen.take(), "job");
  EXPECT_EQ(probe.seen.size(), 0U);
  probe.post([&] { probe.seen.put("late job"); });
  EXPECT_EQ(mover.capture(probe.pid).error().code, Errc::busy) << "a job cannot move";
  ASSERT_TRUE(mover.thaw(probe.pid));
  EXPECT_EQ(probe.seen.take(), "info: behind");
  EXPECT_EQ(probe.seen.take(), "late job");
}

TEST_F(Moves, MailQueuesInOrderAndComesWhenItGoesOn) {
  const Pid pid = ledger();
  ASSERT_TRUE(mover.freeze(pid));
  std::vector<std::int64_t> expected;
  for (std::int64_t i = 0; i < 10'000; ++i) {
    expected.push_back(i);
    // Typed, encoded, and as plain messages.
    ASSERT_TRUE(i % 3 == 0   ? runtime.cast(pid, Message::of(note{i}))
                : i % 3 == 1 ? runtime.cast(pid, Message::encoded(encode(note{i})))
                             : runtime.send(pid, Message::of(note{i})));
  }
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value()) << parcel.error().message;
  EXPECT_EQ(parcel->mail.size(), 10'000U);
  ASSERT_TRUE(mover.thaw(pid));
  EXPECT_EQ(seen(pid), expected);
}

TEST_F(Moves, TenThousandMessagesMoveInOrder) {
  const Pid pid = ledger();
  ASSERT_TRUE(runtime.cast(pid, Message::of(note{-5})));
  ASSERT_TRUE(mover.freeze(pid));
  std::vector<std::int64_t> expected{-5};
  for (std::int64_t i = 0; i < 10'000; ++i) {
    expected.push_back(i);
    ASSERT_TRUE(runtime.cast(pid, Message::of(note{i})));
  }
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  // What comes after the capture is forwarded.
  for (std::int64_t i = 10'000; i < 11'000; ++i) {
    expected.push_back(i);
    ASSERT_TRUE(runtime.cast(pid, Message::of(note{i})));
  }
  const auto target = mover.restore(make_behaviour<Ledger>({}), *decode_parcel(encode_parcel(*parcel)));
  ASSERT_TRUE(target.has_value()) << target.error().message;
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  EXPECT_TRUE(eventually([&] { return seen(*target).size() == expected.size(); }));
  EXPECT_EQ(seen(*target), expected);
}

TEST_F(Moves, ACaptureThatIsTooLargeIsRefusedAndChangesNothing) {
  const Pid pid = ledger();
  ASSERT_TRUE(mover.freeze(pid));
  for (std::int64_t i = 0; i < 10; ++i) ASSERT_TRUE(runtime.cast(pid, Message::of(note{i})));
  const auto many = mover.capture(pid, {.target = {}, .mail_max = 9});
  EXPECT_EQ(many.error().code, Errc::limit_exceeded);
  EXPECT_NE(many.error().message.find("9 unread messages"), std::string::npos);
  const auto large = mover.capture(pid, {.target = {}, .bytes_max = 60});
  EXPECT_EQ(large.error().code, Errc::limit_exceeded);
  EXPECT_NE(large.error().message.find("60 bytes"), std::string::npos);
  EXPECT_TRUE(mover.capture(pid, {.target = {}, .mail_max = 10}).has_value());
  ASSERT_TRUE(mover.thaw(pid));
  EXPECT_EQ(seen(pid).size(), 10U);
}

TEST_F(Moves, CallsThatNoHandlerSawAreAnsweredByTheTarget) {
  const Pid pid = ledger();
  ASSERT_TRUE(mover.freeze(pid));
  Channel<CallResult> answers;
  runtime.call(pid, Message::of(add{7}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  EXPECT_EQ(parcel->open_calls(), 1U);
  runtime.call(pid, Message::of(add{8}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  const auto target = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(pid, *target));
  runtime.call(pid, Message::of(add{9}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  EXPECT_FALSE(answers.take(30ms).has_value()) << "nothing runs before it is opened";
  ASSERT_TRUE(mover.open(*target));
  EXPECT_EQ(text(*answers.take()), "7");
  EXPECT_EQ(text(*answers.take()), "8");
  EXPECT_EQ(text(*answers.take()), "9");
  EXPECT_EQ(seen(*target), (std::vector<std::int64_t>{7, 8, 9}));
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
  const auto late = runtime.call_and_wait(pid, Message::of(add{1}), patience);
  EXPECT_EQ(late.error().code, Errc::no_such_child);
}

TEST_F(Moves, TheStubEndsAsMovedAndItsLinksSeeNormal) {
  Probe& watcher = make();
  Probe& linked = make(true);
  const Pid pid = ledger();
  in(watcher, [&](Context& context) { (void)context.monitor(pid); });
  in(linked, [&](Context& context) { context.link(pid); });
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  const auto target = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  Gate ended;
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(mover.become_stub(pid, *target, {.keep_at_least = 50ms, .on_end = [&] { ended.open(); }}));
  EXPECT_TRUE(runtime.is_alive(pid));
  EXPECT_TRUE(ended.wait());
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 50ms);
  EXPECT_EQ(watcher.seen.take(),
            "down: " + to_string(pid) + " {shutdown,{moved," + to_string(*target) + "}}");
  EXPECT_EQ(linked.seen.take(), "info: {'EXIT'," + to_string(pid) + ",normal}");
}

TEST_F(Moves, ADeferredReplyIsGivenByTheTarget) {
  const Pid pid = ledger();
  Channel<CallResult> answers;
  runtime.call(pid, Message::of(handover_test::later{}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  ASSERT_TRUE(runtime.call_and_wait(pid, Message::of(add{4}), patience));
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  EXPECT_EQ(parcel->callers.size(), 1U);
  const auto target = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  EXPECT_FALSE(answers.take(30ms).has_value());
  EXPECT_TRUE(runtime.is_alive(pid)) << "the stub waits for the answer";
  ASSERT_TRUE(runtime.cast(*target, Message::of(handover_test::answer{})));
  EXPECT_EQ(text(*answers.take()), "1");
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Moves, APromiseThatWasPackedIsStillGoodWhereTheMoveIsTakenBack) {
  const Pid pid = ledger();
  Channel<CallResult> answers;
  runtime.call(pid, Message::of(handover_test::later{}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  EXPECT_EQ(seen(pid).size(), 0U);
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  const auto target = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.discard(*target));
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(*target); }));
  EXPECT_FALSE(answers.take(30ms).has_value()) << "the end of the target answers nobody";
  ASSERT_TRUE(mover.thaw(pid));
  ASSERT_TRUE(runtime.cast(pid, Message::of(handover_test::answer{})));
  EXPECT_EQ(text(*answers.take()), "0");
}

/// Holds promises that are no part of its state: one of its own, one that the test answers.
class Forgetful : public Worker {
 public:
  struct own {};
  struct given {};
  struct ping {};
  using handles = messages<own, given, ping>;
  void on(ping) {}
  static inline Promise<std::int64_t> elsewhere;
  Later<std::int64_t> on(own) {
    auto [out, promise] = defer<std::int64_t>();
    own_ = promise;
    return out;
  }
  Later<std::int64_t> on(given) {
    auto [out, promise] = defer<std::int64_t>();
    elsewhere = promise;
    return out;
  }
  std::int64_t save() const { return 1; }
  void restore(std::int64_t) {}

 private:
  Promise<std::int64_t> own_;
};

TEST_F(Moves, PromisesThatWereNotSavedAreDroppedOrAnsweredFromHere) {
  const Pid pid = runtime.spawn(make_behaviour<Forgetful>({}), {});
  Channel<CallResult> own, given;
  runtime.call(pid, Message::of(Forgetful::own{}), patience,
               [&](CallResult result) { own.put(std::move(result)); });
  runtime.call(pid, Message::of(Forgetful::given{}), patience,
               [&](CallResult result) { given.put(std::move(result)); });
  ASSERT_TRUE(runtime.call_and_wait(pid, Message::of(Forgetful::ping{}), patience));
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  EXPECT_EQ(parcel->callers.size(), 0U);
  const auto target = mover.restore(make_behaviour<Forgetful>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(own.size(), 0U);
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  const auto dropped = own.take();
  ASSERT_TRUE(dropped && dropped->has_value());
  EXPECT_EQ(brood::detail::error_in_reply(**dropped)->code, Errc::died);
  EXPECT_EQ(given.size(), 0U);
  EXPECT_TRUE(Forgetful::elsewhere.set(5));
  Forgetful::elsewhere = {};
  EXPECT_EQ(text(*given.take()), "5");
}

/// Answers what it took over while it is restored, and can refuse.
class Hasty : public Worker {
 public:
  struct ping {};
  using handles = messages<handover_test::later, ping>;
  void on(ping) {}
  static inline std::atomic<int> mode{0};  // 1: refuses, 2: throws
  Later<std::int64_t> on(handover_test::later) {
    auto [out, promise] = defer<std::int64_t>();
    promise_ = promise;
    return out;
  }
  Promise<std::int64_t> save() const { return promise_; }
  Result<void> restore(Promise<std::int64_t> promise) {
    if (mode == 1) return Error{Errc::conflict, "the disk of this node is full"};
    if (mode == 2) throw std::runtime_error("boom");
    promise.set(42);
    return {};
  }

 private:
  Promise<std::int64_t> promise_;
};

TEST_F(Moves, WhatIsAnsweredInRestoreLeavesWhenTheMoveIsFinal) {
  const Pid pid = runtime.spawn(make_behaviour<Hasty>({}), {});
  Channel<CallResult> answers;
  runtime.call(pid, Message::of(handover_test::later{}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  ASSERT_TRUE(runtime.call_and_wait(pid, Message::of(Hasty::ping{}), patience));
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  // Refused, in its words; the caller notices nothing.
  Hasty::mode = 1;
  const auto refused = mover.restore(make_behaviour<Hasty>({}), *parcel);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(refused.error().message, "the disk of this node is full");
  Hasty::mode = 2;
  const auto thrown = mover.restore(make_behaviour<Hasty>({}), *parcel);
  ASSERT_FALSE(thrown.has_value());
  EXPECT_EQ(thrown.error().code, Errc::start_failed);
  EXPECT_NE(thrown.error().message.find("restore threw"), std::string::npos);
  EXPECT_NE(thrown.error().message.find("boom"), std::string::npos);
  Hasty::mode = 0;
  const auto target = mover.restore(make_behaviour<Hasty>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  EXPECT_FALSE(answers.take(30ms).has_value());
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  EXPECT_EQ(text(*answers.take()), "42");
}

TEST_F(Moves, AStateThatDoesNotFitIsRefused) {
  Parcel parcel;
  parcel.saved = {0, encoded("nonsense").octets()};
  const auto refused = mover.restore(make_behaviour<Ledger>({}), parcel);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::type_mismatch);
  EXPECT_NE(refused.error().message.find("nonsense"), std::string::npos);
}

TEST_F(Moves, ADiscardedTargetRunsNothingAndTheSourceHandlesAll) {
  std::atomic<int> terminated{0}, destroyed{0}, exited{0};
  struct Tell {
    std::atomic<int>* count;
    ~Tell() { ++*count; }
  };
  const Pid pid = ledger();
  ASSERT_TRUE(mover.freeze(pid));
  Channel<CallResult> answers;
  runtime.call(pid, Message::of(add{1}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  parcel->saved = {};
  const auto tell = std::make_shared<Tell>(Tell{&destroyed});
  destroyed = 0;
  SpawnOptions options;
  options.on_exit = [&](const ExitReason&) { ++exited; };
  auto behaviour =
      scripted({.call = [tell](Context&, Message) { return Result<EncodedTerm>(encoded("wrong")); },
                .terminate = [&, tell](Context&, const ExitReason&) { ++terminated; }});
  const auto target = mover.restore(std::move(behaviour), *parcel, std::move(options));
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.discard(*target));
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(*target); }));
  EXPECT_EQ(tell.use_count(), 1) << "the worker is gone";
  EXPECT_EQ(terminated, 0);
  EXPECT_EQ(exited, 0);
  EXPECT_EQ(answers.size(), 0U);
  ASSERT_TRUE(mover.thaw(pid));
  EXPECT_EQ(text(*answers.take()), "1");
  EXPECT_EQ(words(mover.discard(pid)), "invalid_argument");
}

}  // namespace
}  // namespace brood::process
