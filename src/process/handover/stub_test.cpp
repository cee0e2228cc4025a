// Stubs of processes that have moved to another node, with callers of a third one: what goes over the
// network.
#include "process/handover/handover_test_support.hpp"

namespace brood::process {
namespace stub_test {

using namespace testing;
using handover_test::add;
using handover_test::Ledger;
using handover_test::note;

const NodeName otp{"otp@127.0.0.1"};
const Pid otp_caller{otp, 50, 0, 9};
const Pid new_pid = far_pid(900);

Ref otp_ref(std::uint32_t id) {
  return Ref{otp, 9, {id, 0, 0}};
}

/// {'$gen_call', {Pid, [alias | Ref]}, Message} as OTP sends it, or with a tag of older releases.
EncodedTerm otp_call(std::uint32_t id, BytesView request, bool by_alias = true) {
  if (by_alias) return make_gen_call(make_from(otp_caller, otp_ref(id)), request);
  EncodedTerm from;
  TermWriter writer(from);
  writer.version();
  writer.tuple(2);
  writer.pid(otp_caller);
  writer.ref(otp_ref(id));
  return make_gen_call(from, request);
}

class Stubs : public ProbeTest {
 protected:
  /// Monitors, as gen_server:call does, and calls.
  void call_from_otp(const Pid& pid, std::uint32_t id, BytesView request, bool by_alias = true) {
    runtime.on_monitor(otp_caller, pid, otp_ref(id));
    runtime.on_send(otp_caller, pid, otp_call(id, request, by_alias));
  }
  /// A ledger that is a stub of a process on the other node.
  Pid moved(StubOptions options = {}) {
    const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
    EXPECT_TRUE(mover.pack(pid).has_value());
    EXPECT_TRUE(mover.become_stub(pid, new_pid, std::move(options)));
    EXPECT_EQ(remote.next("monitor").to, new_pid);
    return pid;
  }
  /// The next thing asked that is no demonitor: calls that are over are taken back at the new process too.
  FakeRemote::Asked next_but_demonitor(const std::string& what) {
    for (;;) {
      auto asked = remote.take();
      if (!asked || asked->what != "demonitor") {
        EXPECT_TRUE(asked && asked->what == what) << (asked ? asked->what : "nothing");
        return asked.value_or(FakeRemote::Asked{});
      }
    }
  }
  /// What the new process answers to the call that reached it.
  void answer_there(const GenFrom& caller, BytesView answer) {
    ASSERT_TRUE(caller.alias.has_value());
    EXPECT_EQ(caller.pid.node, here) << "the answer takes the way back";
    runtime.on_send_alias(new_pid, *caller.alias, make_gen_reply(caller.tag, answer));
  }
  Mover mover{runtime.handover()};
};

TEST_F(Stubs, ForwardInOrderWhatComes) {
  const Pid pid = moved({.keep_at_least = patience});
  ASSERT_TRUE(runtime.send(pid, Message::of(note{1})));
  ASSERT_TRUE(runtime.cast(pid, Message::of(note{2})));
  runtime.on_send(otp_caller, pid, encoded("plain"));
  const auto first = remote.next("send");
  EXPECT_EQ(first.to, new_pid);
  EXPECT_EQ(first.from, pid);
  EXPECT_EQ(encoded_to_string(first.term), "{note,1}");
  EXPECT_EQ(encoded_to_string(remote.next("send").term), "{'$gen_cast',{note,2}}");
  EXPECT_EQ(encoded_to_string(remote.next("send").term), "plain");
}

TEST_F(Stubs, AnErlangCallersCallReturnsBeforeItsMonitorFires) {
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  ASSERT_TRUE(mover.freeze(pid));
  call_from_otp(pid, 1, encoded("{add,1}"));
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  ASSERT_EQ(parcel->mail.size(), 1U);
  call_from_otp(pid, 2, encoded("{add,2}"), false);
  ASSERT_TRUE(mover.become_stub(pid, new_pid));
  EXPECT_EQ(remote.next("monitor").to, new_pid);
  // The second one is forwarded, the first was in the parcel.
  const auto forwarded = remote.next("send");
  const auto gen = read_gen_message(forwarded.term);
  EXPECT_EQ(encoded_to_string(gen.payload), "{add,2}");
  answer_there(*read_from(parcel->mail[0].caller), encoded("1"));
  const auto answered = remote.next("send_alias");
  EXPECT_EQ(answered.ref, otp_ref(1));
  EXPECT_EQ(answered.from, pid) << "as the old process, so that its end cannot overtake it";
  runtime.on_demonitor(otp_caller, otp_ref(1));
  ASSERT_TRUE(eventually([&] { return runtime.is_alive(pid); }));
  answer_there(*read_from(gen.from), encoded("2"));
  const auto second = remote.next("send");
  EXPECT_EQ(second.to, otp_caller);
  EXPECT_EQ(second.from, pid);
  runtime.on_demonitor(otp_caller, otp_ref(2));
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
  EXPECT_EQ(remote.next("demonitor").to, new_pid);
  EXPECT_EQ(remote.waiting(), 0U) << "no monitor of a caller fired";
}

TEST_F(Stubs, TheEndIsToldToWhoeverElseWatches) {
  const Pid watcher{otp, 51, 0, 9};
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  runtime.on_monitor(watcher, pid, otp_ref(9));
  runtime.on_link(watcher, pid);
  ASSERT_TRUE(mover.pack(pid).has_value());
  ASSERT_TRUE(mover.become_stub(pid, new_pid));
  remote.next("monitor");
  remote.next("demonitor");
  const auto link = remote.next("exit");
  EXPECT_EQ(encoded_to_string(link.term), "normal");
  const auto down = remote.next("monitor_exit");
  EXPECT_EQ(down.ref, otp_ref(9));
  EXPECT_EQ(encoded_to_string(down.term), "{shutdown,{moved," + to_string(new_pid) + "}}");
}

TEST_F(Stubs, WaitWhileTheWayIsFullAndLoseNothing) {
  // Long enough for all casts: without any mail it ends when that is over.
  const auto keep = 300ms;
  const Pid pid = moved({.keep_at_least = keep});
  remote.busy = true;
  for (std::int64_t i = 0; i < 100; ++i) ASSERT_TRUE(runtime.cast(pid, Message::of(note{i})));
  // It does not end with mail that it could not forward.
  Probe& probe = make();
  const auto over = std::chrono::steady_clock::now() + keep + 50ms;
  while (std::chrono::steady_clock::now() < over) in(probe, [](Context&) {});
  EXPECT_TRUE(runtime.is_alive(pid));
  EXPECT_EQ(remote.waiting(), 0U);
  remote.busy = false;
  for (std::int64_t i = 0; i < 100; ++i)
    EXPECT_EQ(encoded_to_string(remote.next("send").term), "{'$gen_cast',{note," + std::to_string(i) + "}}");
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Stubs, ACallerThatGivesUpOrIsLostIsWaitedForNoMore) {
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  runtime.on_node_up(otp);
  ASSERT_TRUE(mover.freeze(pid));
  call_from_otp(pid, 1, encoded("{add,1}"));
  call_from_otp(pid, 2, encoded("{add,2}"));
  ASSERT_TRUE(mover.capture(pid).has_value());
  ASSERT_TRUE(mover.become_stub(pid, new_pid));
  remote.next("monitor");
  runtime.on_demonitor(otp_caller, otp_ref(1));
  EXPECT_EQ(remote.next("demonitor").to, new_pid) << "the new process is told, as by any caller";
  EXPECT_TRUE(runtime.is_alive(pid));
  runtime.on_node_down(otp);
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Stubs, ACallThatCarriesItsWatchIsWaitedForToo) {
  const Pid caller{otp, 0, 0, 9};
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  runtime.on_node_up(otp);
  ASSERT_TRUE(mover.freeze(pid));
  Bytes term(1, '\x83');
  put_call_head(term, caller, otp_ref(5), true);
  term.append(encoded("{add,5}"), 1);
  runtime.on_send(caller, pid, EncodedTerm(term));
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  ASSERT_EQ(parcel->mail.size(), 1U);
  ASSERT_TRUE(mover.become_stub(pid, new_pid));
  remote.next("monitor");
  answer_there(*read_from(parcel->mail[0].caller), encoded("5"));
  EXPECT_EQ(remote.next_after("demonitor", "send_alias").ref, otp_ref(5));
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); })) << "answered from here: nobody tells more";
}

TEST_F(Stubs, CallersAreToldOfTheEndOfTheNewProcess) {
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  Channel<CallResult> answers;
  ASSERT_TRUE(mover.freeze(pid));
  call_from_otp(pid, 1, encoded("{add,1}"));
  runtime.call(pid, Message::of(add{2}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  ASSERT_TRUE(mover.capture(pid).has_value());
  ASSERT_TRUE(mover.become_stub(pid, new_pid));
  const auto watch = remote.next("monitor");
  runtime.on_monitor_exit(watch.from, watch.ref, encoded("{boom,1}"));
  const auto told = next_but_demonitor("monitor_exit");
  EXPECT_EQ(told.ref, otp_ref(1));
  EXPECT_EQ(told.from, pid);
  EXPECT_EQ(encoded_to_string(told.term), "{boom,1}");
  EXPECT_EQ(answers.take()->error().code, Errc::died);
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Stubs, TheLossOfTheNewNodeEndsTheCallsThroughThem) {
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  runtime.on_node_up(there);
  Channel<CallResult> answers;
  ASSERT_TRUE(mover.freeze(pid));
  call_from_otp(pid, 1, encoded("{add,1}"));
  runtime.call(pid, Message::of(add{2}), patience,
               [&](CallResult result) { answers.put(std::move(result)); });
  ASSERT_TRUE(mover.capture(pid).has_value());
  ASSERT_TRUE(mover.become_stub(pid, new_pid));
  remote.next("monitor");
  runtime.on_node_down(there);
  EXPECT_EQ(answers.take()->error().code, Errc::node_lost);
  EXPECT_EQ(encoded_to_string(next_but_demonitor("monitor_exit").term), "noconnection");
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Stubs, EndInTimeEvenWhereNobodyAnswers) {
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  ASSERT_TRUE(mover.freeze(pid));
  call_from_otp(pid, 1, encoded("{add,1}"));
  ASSERT_TRUE(mover.capture(pid).has_value());
  ASSERT_TRUE(mover.become_stub(pid, new_pid, {.keep_at_most = 50ms}));
  remote.next("monitor");
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
  EXPECT_EQ(next_but_demonitor("monitor_exit").ref, otp_ref(1));
}

TEST_F(Stubs, AreEndedByTheirOwner) {
  const Pid pid = moved({.keep_at_least = patience});
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Stubs, CallsOfAnErlangCallerComeBackWithTheProcess) {
  // Thawed, the source answers by itself, and what it had prepared for the move answers nobody.
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  ASSERT_TRUE(mover.freeze(pid));
  call_from_otp(pid, 1, encoded("{add,1}"));
  const auto parcel = mover.capture(pid);
  ASSERT_TRUE(parcel.has_value());
  ASSERT_TRUE(mover.thaw(pid));
  EXPECT_EQ(encoded_to_string(remote.next("send_alias").term).find("1}") != std::string::npos, true);
  answer_there(*read_from(parcel->mail[0].caller), encoded("2"));
  Probe& probe = make();
  in(probe, [](Context&) {});
  EXPECT_EQ(remote.waiting(), 0U);
}

TEST_F(Stubs, ADeferredCallOfAnErlangCallerMoves) {
  const Pid pid = runtime.spawn(make_behaviour<Ledger>({}), {});
  call_from_otp(pid, 1, encoded("later"));
  ASSERT_TRUE(runtime.call_and_wait(pid, Message::of(add{1}), patience));
  const auto parcel = mover.pack(pid);
  ASSERT_TRUE(parcel.has_value());
  ASSERT_EQ(parcel->callers.size(), 1U);
  ASSERT_TRUE(mover.become_stub(pid, new_pid));
  remote.next("monitor");
  EXPECT_TRUE(runtime.is_alive(pid));
  answer_there(*read_from(parcel->callers[0]), encoded("77"));
  EXPECT_EQ(remote.next("send_alias").ref, otp_ref(1));
  runtime.on_demonitor(otp_caller, otp_ref(1));
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

}  // namespace stub_test
}  // namespace brood::process
