// Moves of plain processes, where they meet something else: timers, exits, links, aliases, ends, a further
// move.
#include "process/handover/handover_test_support.hpp"
#include "process/process.hpp"

namespace brood::process {
namespace handover_edges_test {

using namespace testing;
using handover_test::add;
using handover_test::all;
using handover_test::Ledger;
using handover_test::note;

TEST_F(Moves, TimersGoOnWhereTheyWere) {
  Channel<std::string> seen;
  Gate set;
  TimerId cancelled;
  const Pid pid = runtime.spawn(
      scripted({.start =
                    [&](Context& context) {
                      (void)context.send_after(1ms, message("due"));
                      (void)context.send_after(400ms, message("later"));
                      cancelled = context.send_after(500ms, message("cancelled"));
                      set.open();
                      return Result<void>();
                    },
                .info = [&](Context&, Message m) { seen.put("here: " + encoded_to_string(m.to_bytes())); }}),
      {});
  ASSERT_TRUE(set.wait());
  ASSERT_TRUE(mover.freeze(pid));
  // One falls due while it is frozen, unless it was handled before.
  Result<Parcel> parcel;
  ASSERT_TRUE(eventually([&] {
    parcel = mover.capture(pid);
    if (!parcel || parcel->timers.size() == 2) return true;
    EXPECT_TRUE(mover.thaw(pid) && mover.freeze(pid));
    return false;
  }));
  ASSERT_TRUE(parcel.has_value()) << parcel.error().message;
  EXPECT_EQ(parcel->mail.size() + seen.size(), 1U);
  EXPECT_LE(parcel->timers[0].left, 400ms);
  EXPECT_GT(parcel->timers[0].left, 50ms);
  EXPECT_EQ(parcel->timers[1].id, cancelled.value);
  // Taken back: they fire here, in their time.
  ASSERT_TRUE(mover.thaw(pid));
  EXPECT_EQ(seen.take(), "here: due");
  ASSERT_TRUE(mover.freeze(pid));
  const auto again = mover.capture(pid);
  ASSERT_TRUE(again.has_value());
  ASSERT_EQ(again->timers.size(), 2U);
  const auto target = mover.restore(scripted({.start =
                                                  [&](Context& context) {
                                                    (void)context.send_after(1ms, message("of_a_new_one"));
                                                    return Result<void>();
                                                  },
                                              .info =
                                                  [&](Context& context, Message m) {
                                                    context.cancel(cancelled);
                                                    seen.put(encoded_to_string(m.to_bytes()));
                                                  }}),
                                    *again);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  EXPECT_EQ(seen.take(), "later") << "it has the timers it had, not those of a new one";
  EXPECT_FALSE(seen.take(200ms).has_value()) << "its number is still good to cancel it";
}

TEST_F(Moves, ExitsEndAFrozenProcessAtOnce) {
  std::atomic<int> terminated{0};
  Channel<std::string> ended;
  const auto frozen = [&] {
    SpawnOptions options;
    options.on_exit = [&](const ExitReason& reason) { ended.put(reason.text()); };
    const Pid pid = runtime.spawn(scripted({.terminate = [&](Context&, const ExitReason&) { ++terminated; }}),
                                  std::move(options));
    EXPECT_TRUE(mover.freeze(pid));
    EXPECT_TRUE(runtime.send(pid, message("unread")));
    EXPECT_TRUE(mover.capture(pid).has_value());
    return pid;
  };
  const Pid first = frozen();
  runtime.exit(first, ExitReason::killed());
  EXPECT_EQ(ended.take(), "killed");
  EXPECT_EQ(terminated, 0);
  EXPECT_EQ(words(mover.thaw(first)), "no_such_child");
  const Pid second = frozen();
  runtime.exit(second, ExitReason::shutdown());
  EXPECT_EQ(ended.take(), "shutdown");
  EXPECT_EQ(terminated, 1);
  // A freezing one too, and its request is told.
  Gate entered, leave;
  const Pid third = runtime.spawn(scripted({.info =
                                                [&](Context&, Message) {
                                                  entered.open();
                                                  (void)leave.wait();
                                                }}),
                                  {});
  ASSERT_TRUE(runtime.send(third, message("go")));
  ASSERT_TRUE(entered.wait());
  Channel<Result<void>> answers;
  runtime.exit(third, ExitReason::killed());
  mover.handover.freeze(third, patience, [&](Result<void> result) { answers.put(std::move(result)); });
  leave.open();
  EXPECT_EQ(words(*answers.take()), "no_such_child");
}

TEST_F(Moves, CallsInAParcelDoNotEndAsIfNobodyHadSeenThem) {
  const Pid pid = ledger();
  ASSERT_TRUE(mover.freeze(pid));
  Channel<CallResult> packed, later;
  runtime.call(pid, Message::of(add{1}), patience, [&](CallResult result) { packed.put(std::move(result)); });
  ASSERT_TRUE(mover.capture(pid).has_value());
  runtime.call(pid, Message::of(add{2}), patience, [&](CallResult result) { later.put(std::move(result)); });
  runtime.exit(pid, ExitReason::killed());
  EXPECT_EQ(packed.take()->error().code, Errc::died) << "a target may handle it";
  EXPECT_EQ(later.take()->error().code, Errc::no_such_child) << "nobody else has it";
}

TEST_F(Moves, TrappedExitsAndDownsAreMailAndMove) {
  Probe& probe = make(true);
  Probe& linked = make();
  Probe& watched = make();
  Probe& witness = make();
  in(probe, [&](Context& context) {
    context.link(linked.pid);
    (void)context.monitor(watched.pid);
  });
  // It is told after the process is.
  in(witness, [&](Context& context) {
    (void)context.monitor(linked.pid);
    (void)context.monitor(watched.pid);
  });
  ASSERT_TRUE(mover.freeze(probe.pid));
  runtime.exit(linked.pid, ExitReason::error("e", "x"));
  ASSERT_TRUE(witness.seen.take().has_value());
  runtime.exit(watched.pid, ExitReason::killed());
  ASSERT_TRUE(witness.seen.take().has_value());
  const auto parcel = mover.capture(probe.pid);
  ASSERT_TRUE(parcel.has_value());
  EXPECT_TRUE(parcel->traps_exits);
  EXPECT_EQ(parcel->mail.size(), 2U);
  EXPECT_EQ(probe.seen.size(), 0U);
  Channel<std::string> seen;
  const auto target =
      mover.restore(scripted({.info = [&](Context&, Message m) { seen.put(encoded_to_string(m.to_bytes())); },
                              .down =
                                  [&](Context&, const Down& down) {
                                    seen.put("down: " + to_string(down.pid) + " " + down.reason.text());
                                  }}),
                    *decode_parcel(encode_parcel(*parcel)));
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(probe.pid, *target));
  ASSERT_TRUE(mover.open(*target));
  EXPECT_EQ(seen.take(), "{'EXIT'," + to_string(linked.pid) + ",{e,<<\"x\">>}}");
  EXPECT_EQ(seen.take(), "down: " + to_string(watched.pid) + " killed");
}

TEST_F(Moves, AWorkerWithoutStateMovesWithItsMail) {
  Channel<std::string> seen;
  const auto script = [&](const char* where) {
    return scripted(
        {.info = [&seen, where](Context&, Message m) { seen.put(where + encoded_to_string(m.to_bytes())); }});
  };
  const Pid pid = runtime.spawn(script("old "), {});
  ASSERT_TRUE(mover.freeze(pid));
  ASSERT_TRUE(runtime.send(pid, message("one")));
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  EXPECT_FALSE(parcel->has_state());
  const auto target = mover.restore(script("new "), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  EXPECT_EQ(seen.take(), "new one");
}

TEST_F(Moves, AliasesAndExitsLeadToTheNewProcess) {
  Probe& probe = make();
  Ref alias;
  in(probe, [&](Context& context) { alias = context.alias(); });
  const auto parcel = mover.pack(probe.pid);
  ASSERT_TRUE(parcel.has_value());
  Channel<std::string> seen;
  SpawnOptions options;
  options.on_exit = [&](const ExitReason& reason) { seen.put("exit: " + reason.text()); };
  const auto target = mover.restore(
      scripted({.info = [&](Context&, Message m) { seen.put(encoded_to_string(m.to_bytes())); }}), *parcel,
      std::move(options));
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(probe.pid, *target, {.keep_at_least = patience}));
  ASSERT_TRUE(mover.open(*target));
  ASSERT_TRUE(runtime.send(alias, message("by_alias")));
  EXPECT_EQ(seen.take(), "by_alias");
  probe.post([&] { seen.put("a job of a worker that is no more"); });
  Probe& other = make();
  ASSERT_TRUE(runtime.send(probe.pid, message("last")));
  EXPECT_EQ(seen.take(), "last");
  // exit/2 of another node's process.
  runtime.on_exit2(far_pid(9), probe.pid, encoded("bye"));
  EXPECT_EQ(seen.take(), "exit: bye");
  (void)other;
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(probe.pid); })) << "its target has ended";
}

TEST_F(Moves, TheStubFollowsAProcessThatMovesOn) {
  const Pid first = ledger();
  Channel<CallResult> answers;
  runtime.call(first, Message::of(handover_test::later{}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  EXPECT_EQ(seen(first).size(), 0U);
  Pid at = first;
  for (int hop = 0; hop < 3; ++hop) {
    const auto parcel = mover.pack(at);
    ASSERT_TRUE(parcel.has_value()) << parcel.error().message;
    const auto next = mover.restore(make_behaviour<Ledger>({}), *parcel);
    ASSERT_TRUE(next.has_value()) << next.error().message;
    ASSERT_TRUE(mover.become_stub(at, *next));
    ASSERT_TRUE(mover.open(*next));
    ASSERT_TRUE(runtime.cast(first, Message::of(note{hop})));
    at = *next;
  }
  EXPECT_TRUE(eventually([&] { return seen(at).size() == 3; }));
  ASSERT_TRUE(runtime.cast(at, Message::of(handover_test::answer{})));
  EXPECT_EQ(text(*answers.take()), "3");
  EXPECT_EQ(seen(at), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_TRUE(eventually([&] { return runtime.process_count() == 1; })) << "the stubs have gone";
}

TEST_F(Moves, CallersSeeTheEndOfTheNewProcess) {
  const Pid pid = ledger();
  Channel<CallResult> answers;
  runtime.call(pid, Message::of(handover_test::later{}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  EXPECT_EQ(seen(pid).size(), 0U);
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  const auto target = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  runtime.exit(*target, ExitReason::killed());
  const auto answer = answers.take();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error().code, Errc::died);
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Moves, ACallerThatGivesUpIsWaitedForNoMore) {
  const Pid pid = ledger();
  Channel<CallResult> answers;
  runtime.call(pid, Message::of(handover_test::later{}), 100ms,
               [&](CallResult result) { answers.put(std::move(result)); });
  EXPECT_EQ(seen(pid).size(), 0U);
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  const auto target = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(pid, *target));
  ASSERT_TRUE(mover.open(*target));
  EXPECT_EQ(answers.take()->error().code, Errc::timeout);
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Moves, AFencedNodePacksAndEndsNothingElse) {
  const Pid pid = ledger();
  ASSERT_TRUE(runtime.call_and_wait(pid, Message::of(add{1}), patience));
  runtime.set_fenced(true);
  ASSERT_TRUE(runtime.cast(pid, Message::of(note{2})));
  ASSERT_TRUE(mover.freeze(pid));
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  EXPECT_EQ(parcel->mail.size(), 1U);
  ASSERT_TRUE(mover.thaw(pid));
  runtime.set_fenced(false);
  EXPECT_EQ(seen(pid), (std::vector<std::int64_t>{1, 2}));
}

TEST_F(Moves, TheRuntimeStopsInTheMiddleOfMoves) {
  const Pid frozen = ledger();
  ASSERT_TRUE(mover.pack(frozen).has_value());
  const Pid source = ledger();
  const auto parcel = mover.pack(source);
  ASSERT_TRUE(parcel.has_value());
  const auto target = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover.become_stub(source, *target, {.keep_at_least = patience}));
  const auto waiting = mover.restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(waiting.has_value());
  EXPECT_EQ(runtime.stop(patience), 0U);
  EXPECT_EQ(runtime.process_count(), 0U);
}

}  // namespace handover_edges_test
}  // namespace brood::process
