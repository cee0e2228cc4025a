#include "process/calls/gen_protocol.hpp"
#include "process/test_support.hpp"

namespace brood::process::testing {

class NamesTest : public RuntimeTest {
 protected:
  void SetUp() override { runtime.set_remote(&remote); }
};

TEST_F(NamesTest, AreTakenOnceAndFreeAfterTheEnd) {
  const Pid a = runtime.spawn(scripted(), {});
  const Pid b = runtime.spawn(scripted(), {});
  ASSERT_TRUE(runtime.register_name(Atom("server"), a));
  EXPECT_EQ(runtime.register_name(Atom("server"), b).error().code, Errc::already_exists);
  EXPECT_EQ(runtime.register_sink(Atom("server"), [](Incoming) {}).error().code, Errc::already_exists);
  EXPECT_EQ(runtime.whereis(Atom("server")), a);
  Gate ended;
  runtime.monitor(a, [&](const ExitReason&) { ended.open(); });
  runtime.exit(a, ExitReason::shutdown());
  ASSERT_TRUE(ended.wait());
  EXPECT_EQ(runtime.whereis(Atom("server")), std::nullopt);
  EXPECT_TRUE(runtime.register_name(Atom("server"), b));
  runtime.unregister_name(Atom("server"));
  EXPECT_EQ(runtime.whereis(Atom("server")), std::nullopt);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(NamesTest, OfDeadProcessesAndReservedOnesAreRefused) {
  EXPECT_EQ(runtime.register_name(Atom("x"), Pid{here, 77, 0, 3}).error().code, Errc::no_such_child);
  const Pid a = runtime.spawn(scripted(), {});
  EXPECT_EQ(runtime.register_name(Atom("undefined"), a).error().code, Errc::invalid_argument);
  EXPECT_EQ(runtime.register_name(Atom(""), a).error().code, Errc::invalid_argument);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(NamesTest, AreReachedBySendsAndCalls) {
  Channel<std::string> seen;
  const Pid a = runtime.spawn(
      scripted({.info = [&](Context&, Message m) { seen.put(encoded_to_string(m.to_bytes())); }}), {});
  ASSERT_TRUE(runtime.register_name(Atom("server"), a));
  EXPECT_TRUE(runtime.send_named({Atom("server"), here}, encoded("one")));
  EXPECT_EQ(seen.take(), "one");
  runtime.on_send_named(far_pid(1), Atom("server"), encoded("two"));
  EXPECT_EQ(seen.take(), "two");
  EXPECT_EQ(
      text(runtime.call_and_wait(NamedProcess{Atom("server"), here}, Message::encoded(encoded("hi")), 5s)),
      "hi");
  EXPECT_EQ(
      text(runtime.call_and_wait(NamedProcess{Atom("nobody"), here}, Message::encoded(encoded("hi")), 5s)),
      "error: no_such_child");
  runtime.on_send_named(far_pid(1), Atom("nobody"), encoded("lost"));
  EXPECT_EQ(runtime.stats().dropped, 2U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(NamesTest, OfFunctionsTakeMessagesAndAnswerCalls) {
  Channel<std::string> seen;
  ASSERT_TRUE(runtime.register_sink(Atom("sink"), [&](Incoming incoming) {
    const GenMessage gen = read_gen_message(incoming.term);
    if (gen.kind == GenMessage::Kind::call) return runtime.reply(gen.from, encoded("answer"));
    seen.put(to_string(incoming.from) + " " + encoded_to_string(incoming.term));
  }));
  runtime.on_send_named(far_pid(1), Atom("sink"), encoded("two"));
  EXPECT_EQ(seen.take(), to_string(far_pid(1)) + " two");
  EXPECT_EQ(
      text(runtime.call_and_wait(NamedProcess{Atom("sink"), here}, Message::encoded(encoded("hi")), 5s)),
      "answer");
  EXPECT_EQ(runtime.whereis(Atom("sink")), std::nullopt) << "no process";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(NamesTest, AMonitorOfAFunctionFiresOnlyWhenTheNameGoes) {
  ASSERT_TRUE(runtime.register_sink(Atom("sink"), [](Incoming) {}));
  runtime.on_monitor_named(far_pid(1), Atom("sink"), far_ref(1));
  runtime.on_monitor_named(far_pid(1), Atom("sink"), far_ref(2));
  runtime.on_demonitor(far_pid(1), far_ref(2));
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.unregister_name(Atom("sink"));
  const auto fired = remote.next("monitor_exit");
  EXPECT_EQ(fired.ref, far_ref(1));
  EXPECT_EQ(fired.name, Atom("sink"));
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(NamesTest, AThrowingFunctionHurtsNobody) {
  ASSERT_TRUE(runtime.register_sink(Atom("sink"), [](Incoming) { throw std::runtime_error("x"); }));
  runtime.on_send_named(far_pid(1), Atom("sink"), encoded("two"));
  runtime.stop(patience);  // before what its processes use
}

}  // namespace brood::process::testing
