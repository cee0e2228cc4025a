#include <atomic>

#include "process/calls/gen_protocol.hpp"
#include "process/test_support.hpp"

namespace brood::process::testing {

class Calls : public RuntimeTest {
 protected:
  void SetUp() override { runtime.set_remote(&remote); }
  /// Starts a call to a process of another node and returns what was sent for it.
  struct Sent {
    Ref ref;
    EncodedTerm from;
  };
  Sent call_far(Channel<std::string>& done, std::chrono::milliseconds timeout = 1h) {
    runtime.call(far_pid(5), message("hello"), timeout, [&done](CallResult r) { done.put(text(r)); });
    const auto monitor = remote.next("monitor");
    EXPECT_EQ(monitor.to, far_pid(5));
    const auto sent = remote.next("send");
    const GenMessage gen = read_gen_message(sent.term);
    EXPECT_EQ(gen.kind, GenMessage::Kind::call);
    EXPECT_EQ(encoded_to_string(gen.payload), "hello");
    const auto from = read_from(gen.from);
    EXPECT_TRUE(from && from->alias && *from->alias == monitor.ref && from->pid == monitor.from);
    return {monitor.ref, gen.from};
  }
  bool waits(const Pid& process) { return !runtime.follow_waits(process).waits.empty(); }
  EncodedTerm reply_term(const Sent& sent, const std::string& answer) {
    return make_gen_reply(read_from(sent.from)->tag, encoded(answer));
  }
};

TEST_F(Calls, AreAnsweredWithTheHandlersValue) {
  const Pid pid = runtime.spawn(scripted(), {});
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("{hello,1}"), 5s)), "{hello,1}");
  Channel<std::string> done;
  runtime.call(pid, message("async"), 5s, [&](CallResult r) { done.put(text(r)); });
  EXPECT_EQ(done.take(), "async");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, AHandlersErrorIsTheAnswerErrorCodeText) {
  const Pid pid = runtime.spawn(scripted({.call = [](Context&, Message) -> Result<EncodedTerm> {
                                  return Error{Errc::conflict, "not now"};
                                }}),
                                {});
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("x"), 5s)), "{error,{conflict,<<\"not now\">>}}");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, TimeOutAndTheLateAnswerIsDropped) {
  Gate release;
  std::atomic<int> done{0};
  const Pid pid = runtime.spawn(scripted({.call = [&](Context&, Message m) -> Result<EncodedTerm> {
                                  release.wait();
                                  return m.to_bytes();
                                }}),
                                {});
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("x"), 10ms)), "error: timeout");
  Channel<std::string> results;
  runtime.call(pid, message("x"), 10ms, [&](CallResult r) {
    ++done;
    results.put(text(r));
  });
  EXPECT_EQ(results.take(), "error: timeout");
  release.open();
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("'still alive'"), 5s)), "'still alive'");
  EXPECT_EQ(done, 1);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ToADeadProcessFailAtOnce) {
  const Pid nobody{here, 999, 0, 3};
  EXPECT_EQ(text(runtime.call_and_wait(nobody, message("x"), 5s)), "error: no_such_child");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, AtTheEndTheRunningOneDiedAndTheUnreadOnesFoundNobody) {
  Gate inside, release;
  const Pid pid = runtime.spawn(scripted({.call = [&](Context&, Message) -> Result<EncodedTerm> {
                                  inside.open();
                                  release.wait();
                                  throw std::runtime_error("boom");
                                }}),
                                {});
  Channel<std::string> running, unread;
  runtime.call(pid, message("a"), 1h, [&](CallResult r) {
    EXPECT_EQ(encoded_to_string(r.error().detail), "{exception,<<\"boom\">>}");
    running.put(text(r));
  });
  ASSERT_TRUE(inside.wait());
  runtime.call(pid, message("b"), 1h, [&](CallResult r) { unread.put(text(r)); });
  release.open();
  EXPECT_EQ(running.take(), "error: died");
  EXPECT_EQ(unread.take(), "error: no_such_child");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ATakenCallerIsAnsweredLaterFromAnyThread) {
  Channel<EncodedTerm> callers;
  const Pid pid = runtime.spawn(scripted({.call = [&](Context& context, Message) -> Result<EncodedTerm> {
                                  callers.put(context.take_caller());
                                  return EncodedTerm{};
                                }}),
                                {});
  Channel<std::string> done;
  runtime.call(pid, message("x"), 1h, [&](CallResult r) { done.put(text(r)); });
  const auto caller = callers.take();
  ASSERT_TRUE(caller);
  EXPECT_EQ(done.size(), 0U);
  runtime.reply(*caller, encoded("later"));
  EXPECT_EQ(done.take(), "later");
  runtime.reply(*caller, encoded("again"));
  EXPECT_EQ(done.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ATakenCallerLearnsOfTheProcessEnd) {
  Channel<EncodedTerm> callers;
  const Pid pid = runtime.spawn(scripted({.call = [&](Context& context, Message) -> Result<EncodedTerm> {
                                  callers.put(context.take_caller());
                                  return EncodedTerm{};
                                }}),
                                {});
  Channel<std::string> done;
  runtime.call(pid, message("x"), 1h, [&](CallResult r) { done.put(text(r)); });
  ASSERT_TRUE(callers.take());
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_EQ(done.take(), "error: died");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, AFullMailboxRefuses) {
  Gate inside, release;
  RuntimeOptions small = options();
  small.mailbox_messages_max = 3;
  small.mailbox_bytes_max = 1000;
  Runtime tight(here, 3, small);
  const Pid pid = tight.spawn(scripted({.cast =
                                            [&](Context&, Message) {
                                              inside.open();
                                              release.wait();
                                            }}),
                              {});
  ASSERT_TRUE(tight.cast(pid, message("first")));
  ASSERT_TRUE(inside.wait());
  EXPECT_EQ(tight.cast(pid, Message::encoded(encode(std::string(2000, 'x')))).error().code,
            Errc::mailbox_full);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(tight.cast(pid, message("x")));
  EXPECT_EQ(tight.cast(pid, message("x")).error().code, Errc::mailbox_full);
  EXPECT_EQ(text(tight.call_and_wait(pid, message("x"), 5s)), "error: mailbox_full");
  EXPECT_GE(tight.stats().dropped, 3U);
  release.open();
  EXPECT_TRUE(eventually([&] { return tight.cast(pid, message("x")).has_value(); }));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, InACircleFailWithDeadlock) {
  std::optional<Pid> first;
  Gate ready;
  const Pid second = runtime.spawn(scripted({.call = [&](Context& context, Message m) -> Result<EncodedTerm> {
                                     ready.wait();
                                     EXPECT_TRUE(eventually([&] { return waits(*first); }));
                                     const auto answer = context.call(*first, std::move(m), 10s).get();
                                     return encode(Atom(to_string(answer.error().code)));
                                   }}),
                                   {});
  first = runtime.spawn(scripted({.call = [&](Context& context, Message m) -> Result<EncodedTerm> {
                          return context.call(second, std::move(m), 10s).get();
                        }}),
                        {});
  ready.open();
  EXPECT_EQ(text(runtime.call_and_wait(*first, message("x"), 5s)), "deadlock");
  const Pid self = runtime.spawn(scripted({.call = [&](Context& context, Message m) -> Result<EncodedTerm> {
                                   return context.call(context.self(), std::move(m), 10s).get();
                                 }}),
                                 {});
  EXPECT_EQ(text(runtime.call_and_wait(self, message("x"), 5s)).substr(0, 16), "{error,{deadlock");
  runtime.stop(patience);  // before what its processes use
}

// The waiter may not have woken by then.
TEST_F(Calls, WhoeverHasAnsweredMayAskBackAtOnce) {
  Gate may_answer;
  const Pid asked = runtime.spawn(scripted({.call = [&](Context&, Message m) -> Result<EncodedTerm> {
                                    may_answer.wait();
                                    return m.to_bytes();
                                  }}),
                                  {});
  const auto answer = runtime.ask(asked, message("x"), 10s);
  const Pid waiter = runtime.spawn(
      scripted({.call = [&](Context&, Message) -> Result<EncodedTerm> { return answer.get(); }}), {});
  Channel<bool> may_ask;
  (void)answer.then([&](const Result<EncodedTerm>&) {
    may_ask.put(runtime.begin_wait(asked, waiter) != WaitBegun::circle);
  });
  const auto whole = runtime.ask(waiter, message("y"), 10s);
  ASSERT_TRUE(eventually([&] { return waits(waiter); }));
  EXPECT_EQ(runtime.begin_wait(asked, waiter), WaitBegun::circle);
  may_answer.open();
  EXPECT_TRUE(may_ask.take());
  EXPECT_EQ(text(whole.get()), "x");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, WaitsThatOthersTellOfAreInTheCircleToo) {
  const Pid near = runtime.spawn(scripted(), {});
  const Pid other = runtime.spawn(scripted(), {});
  EXPECT_EQ(runtime.begin_wait(near, near), WaitBegun::circle);
  EXPECT_EQ(runtime.begin_wait(far_pid(1), near), WaitBegun::here);
  EXPECT_EQ(runtime.begin_wait(near, other), WaitBegun::here);
  EXPECT_EQ(runtime.begin_wait(other, far_pid(1)), WaitBegun::circle)
      << "far waits for near, and near for other";
  EXPECT_EQ(runtime.begin_wait(other, far_pid(2)), WaitBegun::away);
  EXPECT_EQ(runtime.begin_wait(near, far_pid(2)), WaitBegun::away) << "it waits for somebody else now";
  runtime.end_wait(near, other);
  EXPECT_EQ(runtime.begin_wait(far_pid(2), far_pid(1)), WaitBegun::circle)
      << "an end that comes late changes nothing";
  runtime.end_wait(near, far_pid(2));
  EXPECT_EQ(runtime.begin_wait(far_pid(2), far_pid(1)), WaitBegun::away);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, FromElsewhereAreAnsweredByAlias) {
  const Pid pid = runtime.spawn(scripted(), {});
  const EncodedTerm from = make_from(far_pid(9), far_ref(44));
  runtime.on_send(far_pid(9), pid, make_gen_call(from, encoded("ping")));
  const auto sent = remote.next("send_alias");
  EXPECT_EQ(sent.ref, far_ref(44));
  EXPECT_EQ(encoded_to_string(read_reply(sent.term)->answer), "ping");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, FromElsewhereWithAPlainTagAreAnsweredByPid) {
  const Pid pid = runtime.spawn(scripted(), {});
  const EncodedTerm from = encode_term(Term::tuple({far_pid(9), far_ref(44)}));
  runtime.on_send(far_pid(9), pid, make_gen_call(from, encoded("ping")));
  const auto sent = remote.next("send");
  EXPECT_EQ(sent.to, far_pid(9));
  EXPECT_EQ(*decode_term(sent.term), Term::tuple({far_ref(44), Term::atom("ping")}));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ToElsewhereAreAnsweredByAliasAndDemonitor) {
  Channel<std::string> done;
  const Sent sent = call_far(done);
  runtime.on_send_alias(far_pid(5), sent.ref, reply_term(sent, "world"));
  EXPECT_EQ(done.take(), "world");
  EXPECT_EQ(remote.next("demonitor").ref, sent.ref);
  runtime.on_send_alias(far_pid(5), sent.ref, reply_term(sent, "late"));
  EXPECT_EQ(done.size(), 0U);
  EXPECT_EQ(runtime.stats().dropped, 1U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, AnAnswerThatCannotBeReadIsSaidToBeSo) {
  Channel<std::string> done;
  const auto sent = call_far(done);
  Bytes deep;  // [[[...]]]
  for (int i = 0; i < 1000; ++i) deep.append("l\0\0\0\1", 5);
  deep.append(1001, 'j');
  runtime.on_send_alias(far_pid(5), sent.ref, make_gen_reply(read_from(sent.from)->tag, '\x83' + deep));
  EXPECT_EQ(done.take(), "error: malformed");
  runtime.stop(patience);
}

TEST_F(Calls, ToElsewhereAreAnsweredByPidFromOldPeers) {
  Channel<std::string> done;
  const Sent sent = call_far(done);
  runtime.on_send(far_pid(5), read_from(sent.from)->pid, reply_term(sent, "world"));
  EXPECT_EQ(done.take(), "world");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ToElsewhereEndAsTheirCalleeEnds) {
  const std::pair<const char*, const char*> cases[] = {
      {"noproc", "error: no_such_child"}, {"boom", "error: died"}, {"noconnection", "error: unreachable"}};
  for (const auto& [reason, expected] : cases) {
    Channel<std::string> done;
    const Sent sent = call_far(done);
    runtime.on_monitor_exit(read_from(sent.from)->pid, sent.ref, encoded(reason));
    EXPECT_EQ(done.take(), expected);
    EXPECT_EQ(remote.waiting(), 0U) << "a monitor that fired is not taken back";
  }
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ANodeThatWasConnectedAndIsLostIsNodeLost) {
  Channel<std::string> done;
  call_far(done);
  runtime.on_node_up(there);
  runtime.on_node_down(there);
  EXPECT_EQ(done.take(), "error: node_lost");
  call_far(done);
  runtime.on_node_down(there);
  EXPECT_EQ(done.take(), "error: unreachable") << "never connected this time";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ToElsewhereTimeOut) {
  Channel<std::string> done;
  const Sent sent = call_far(done, 10ms);
  EXPECT_EQ(done.take(), "error: timeout");
  EXPECT_EQ(remote.next("demonitor").ref, sent.ref);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ToANameElsewhere) {
  Channel<std::string> done;
  runtime.call_named({Atom("server"), there}, encoded("hello"), 1h, [&](CallResult r) { done.put(text(r)); });
  const auto monitor = remote.next("monitor_named");
  EXPECT_EQ(monitor.name, Atom("server"));
  const auto sent = remote.next("send_named");
  const GenMessage gen = read_gen_message(sent.term);
  runtime.on_send_alias(far_pid(1), monitor.ref, make_gen_reply(read_from(gen.from)->tag, encoded("yes")));
  EXPECT_EQ(done.take(), "yes");
  EXPECT_EQ(remote.next("demonitor_named").ref, monitor.ref);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, WithoutNetworkAreUnreachable) {
  runtime.set_remote(nullptr);
  EXPECT_EQ(text(runtime.call_and_wait(far_pid(5), message("x"), 5s)), "error: unreachable");
  EXPECT_EQ(runtime.send(far_pid(5), message("x")).error().code, Errc::unreachable);
  EXPECT_EQ(runtime.stats().dropped, 1U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ToANodeThatTakesNothingAreBusyAndLeaveNothingBehind) {
  remote.busy = true;
  EXPECT_EQ(text(runtime.call_and_wait(far_pid(5), message("x"), 5s)), "error: busy");
  EXPECT_EQ(
      text(runtime.call_and_wait(NamedProcess{Atom("server"), there}, Message::encoded(encoded("x")), 5s)),
      "error: busy");
  EXPECT_EQ(runtime.send(far_pid(5), message("x")).error().code, Errc::busy);
  EXPECT_EQ(runtime.cast(far_pid(5), message("x")).error().code, Errc::busy);
  EXPECT_EQ(runtime.send_named({Atom("server"), there}, encoded("x")).error().code, Errc::busy);
  EXPECT_EQ(remote.waiting(), 0U) << "the callee never heard of the calls";
  remote.busy = false;
  EXPECT_TRUE(runtime.send(far_pid(5), message("x")));
  remote.next("send");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, AFullMailboxAnswersACallerElsewhere) {
  RuntimeOptions small = options();
  small.mailbox_messages_max = 0;
  Runtime tight(here, 3, small);
  tight.set_remote(&remote);
  const Pid pid = tight.spawn(scripted(), {});
  tight.on_send(far_pid(9), pid, make_gen_call(make_from(far_pid(9), far_ref(44)), encoded("ping")));
  const auto sent = remote.next("send_alias");
  EXPECT_EQ(encoded_to_string(read_reply(sent.term)->answer).substr(0, 21), "{error,{mailbox_full,");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, MalformedMessagesAreCounted) {
  const Pid pid = runtime.spawn(scripted(), {});
  runtime.on_send(far_pid(9), pid, EncodedTerm());
  runtime.on_send(far_pid(9), pid, EncodedTerm("\x05"));
  Bytes cut = make_gen_call(make_from(far_pid(9), far_ref(44)), encoded("ping")).octets();
  cut.resize(cut.size() - 3);
  runtime.on_send(far_pid(9), pid, EncodedTerm(cut));
  EXPECT_EQ(runtime.stats().malformed, 3U);
  runtime.reply("rubbish", encoded("x"));
  EXPECT_EQ(runtime.stats().malformed, 4U);
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("x"), 5s)), "x");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Calls, ManyAtOnceEachEndOnce) {
  std::vector<Pid> pids;
  for (int i = 0; i < 10; ++i) pids.push_back(runtime.spawn(scripted(), {}));
  std::atomic<int> done{0};
  constexpr int threads = 3, each = 3000;
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < each; ++i)
        runtime.call(pids[static_cast<std::size_t>(i) % pids.size()], Message::of(std::int64_t{i}), 30s,
                     [&](CallResult r) {
                       EXPECT_TRUE(r.has_value());
                       ++done;
                     });
    });
  for (auto& caller : callers) caller.join();
  EXPECT_TRUE(eventually([&] { return done == threads * each; })) << done;
  runtime.stop(patience);  // before what its processes use
}

}  // namespace brood::process::testing
