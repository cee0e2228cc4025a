// Calls between nodes that carry their watch: one message each way, and still no caller waits for a callee
// that has ended.
#include "process/calls/gen_protocol.hpp"
#include "process/test_support.hpp"

namespace brood::process::testing {

class WatchedCalls : public RuntimeTest {
 protected:
  void SetUp() override {
    remote.watches = true;
    runtime.set_remote(&remote);
  }
  /// A call from another node, as it arrives here.
  static EncodedTerm call_term(const Ref& ref, const std::string& request) {
    Bytes term(1, '\x83');
    put_call_head(term, far_pid(9), ref, true);
    return EncodedTerm(term.append(encoded(request), 1));
  }
  /// Calls out; the reference by which the answer is to come.
  Ref call_far(Channel<std::string>& done, std::chrono::milliseconds timeout = 1h) {
    runtime.call(far_pid(5), message("hello"), timeout, [&done](CallResult r) { done.put(text(r)); });
    const auto sent = remote.next("send");
    const GenMessage gen = read_gen_message(sent.term);
    EXPECT_EQ(encoded_to_string(gen.payload), "hello");
    const auto from = read_from(gen.from);
    EXPECT_TRUE(from && from->alias && from->watched);
    tag_ = from ? Bytes(from->tag) : Bytes();
    return from && from->alias ? *from->alias : Ref{};
  }
  void answer(const Pid& by, const Ref& ref, const std::string& text) {
    runtime.on_send_alias(by, ref, make_gen_reply(tag_, encoded(text)));
  }
  /// The next thing sent is word to the caller of `ref` that it will have no answer.
  void expect_end(const Ref& ref, const std::string& reason) {
    const auto told = remote.next("monitor_exit");
    EXPECT_EQ(told.ref, ref);
    EXPECT_EQ(told.to, far_pid(9));
    EXPECT_EQ(encoded_to_string(told.term), reason);
  }
  static Script taker(Channel<EncodedTerm>& callers) {
    return {.call = [&callers](Context& context, Message) -> Result<EncodedTerm> {
              callers.put(context.take_caller());
              return EncodedTerm{};
            },
            .info = [](Context& context, Message) { context.stop(ExitReason(Term::atom("enough"))); }};
  }

 private:
  Bytes tag_;
};

TEST_F(WatchedCalls, AreOneMessageEachWay) {
  Channel<std::string> done;
  const Ref ref = call_far(done);
  answer(far_pid(5), ref, "world");
  EXPECT_EQ(done.take(), "world");
  EXPECT_EQ(remote.waiting(), 0U) << "the callee's node knows that it has answered";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(WatchedCalls, AreTakenBackWhenTheCalleesNodeDoesNotKnowOfTheirEnd) {
  Channel<std::string> done;
  Ref ref = call_far(done);
  answer(Pid{NodeName("third@127.0.0.1"), 1, 0, 1}, ref, "forwarded");
  EXPECT_EQ(done.take(), "forwarded");
  EXPECT_EQ(remote.next("demonitor").ref, ref);
  ref = call_far(done, 10ms);
  EXPECT_EQ(done.take(), "error: timeout");
  EXPECT_EQ(remote.next("demonitor").ref, ref);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(WatchedCalls, EndAsTheirCalleeEnds) {
  Channel<std::string> done;
  runtime.on_monitor_exit(Pid{here, 0, 0, 3}, call_far(done), encoded("noproc"));
  EXPECT_EQ(done.take(), "error: no_such_child");
  call_far(done);
  runtime.on_node_up(there);
  runtime.on_node_down(there);
  EXPECT_EQ(done.take(), "error: node_lost");
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(WatchedCalls, ToNobodyAreToldSo) {
  const Pid gone = runtime.spawn(scripted(), {});
  runtime.exit(gone, ExitReason::shutdown());
  ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  runtime.on_send(far_pid(9), gone, call_term(far_ref(1), "x"));
  expect_end(far_ref(1), "noproc");
  runtime.on_send_named(far_pid(9), Atom("nobody"), call_term(far_ref(2), "x"));
  expect_end(far_ref(2), "noproc");
  runtime.on_send(far_pid(9), gone, make_gen_call(make_from(far_pid(9), far_ref(3)), encoded("x")));
  EXPECT_EQ(remote.waiting(), 0U) << "whoever has a monitor learns of it by that";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(WatchedCalls, AreAnsweredAndLeaveNothingBehind) {
  const Pid pid = runtime.spawn(scripted(), {});
  runtime.on_send(far_pid(9), pid, call_term(far_ref(1), "ping"));
  const auto sent = remote.next("send_alias");
  EXPECT_EQ(sent.ref, far_ref(1));
  EXPECT_EQ(encoded_to_string(*take_reply_answer(sent.term)), "ping");
  runtime.exit(pid, ExitReason::shutdown());
  ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(WatchedCalls, EndWithAHandlerThatThrowsAndWithWhatWaitsBehindIt) {
  Gate release;
  const Pid pid = runtime.spawn(scripted({.call = [&](Context&, Message) -> Result<EncodedTerm> {
                                  release.wait();
                                  throw std::runtime_error("boom");
                                }}),
                                {});
  runtime.on_send(far_pid(9), pid, call_term(far_ref(1), "first"));
  runtime.on_send(far_pid(9), pid, call_term(far_ref(2), "second"));
  release.open();
  expect_end(far_ref(1), "{exception,<<\"boom\">>}");
  expect_end(far_ref(2), "noproc");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(WatchedCalls, TakenForLaterEndWithTheProcessUnlessTheyWereAnswered) {
  Channel<EncodedTerm> callers;
  const Pid pid = runtime.spawn(scripted(taker(callers)), {});
  runtime.on_send(far_pid(9), pid, call_term(far_ref(1), "x"));
  runtime.on_send(far_pid(9), pid, call_term(far_ref(2), "x"));
  const auto first = callers.take();
  ASSERT_TRUE(first && callers.take());
  runtime.reply(*first, encoded("later"));
  EXPECT_EQ(remote.next("send_alias").ref, far_ref(1));
  ASSERT_TRUE(runtime.send(pid, message("stop")));
  expect_end(far_ref(2), "enough");
  ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(WatchedCalls, TakenForLaterAreForgottenWhenTheCallerGivesUpOrItsNodeIsLost) {
  Channel<EncodedTerm> callers;
  const Pid pid = runtime.spawn(scripted(taker(callers)), {});
  runtime.on_send(far_pid(9), pid, call_term(far_ref(1), "x"));
  runtime.on_send(far_pid(9), pid, call_term(far_ref(2), "x"));
  ASSERT_TRUE(callers.take() && callers.take());
  runtime.on_demonitor(far_pid(9), far_ref(1));
  runtime.on_node_down(there);
  ASSERT_TRUE(runtime.send(pid, message("stop")));
  ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

}  // namespace brood::process::testing
