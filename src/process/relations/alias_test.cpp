// Aliases of C++ processes: who may send to one, and until when.
#include "process/calls/gen_protocol.hpp"
#include "process/test_support.hpp"

namespace brood::process::testing {

class AliasesOf : public ProbeTest {
 protected:
  Ref alias_of(Probe& probe, AliasUntil until = AliasUntil::explicit_unalias) {
    Ref alias;
    in(probe, [&](Context& c) { alias = c.alias(until); });
    return alias;
  }
  /// What a process has seen once all that was sent to it before has come.
  std::string next(Probe& probe) {
    (void)runtime.send(probe.pid, message("last"));
    return *probe.seen.take();
  }
};

TEST_F(AliasesOf, AProcessLeadToItFromEverywhere) {
  Probe& a = make();
  Probe& b = make();
  const Ref alias = alias_of(a);
  EXPECT_TRUE(runtime.send(alias, message("outside")));
  EXPECT_EQ(a.seen.take(), "info: outside");
  in(b, [&](Context& c) { EXPECT_TRUE(c.send(alias, message("beside"))); });
  EXPECT_EQ(a.seen.take(), "info: beside");
  runtime.on_send_alias(far_pid(1), alias, encoded("{from,afar}"));
  EXPECT_EQ(a.seen.take(), "info: {from,afar}");
  EXPECT_TRUE(runtime.send(alias, Message::of(std::string("typed"))));
  EXPECT_EQ(a.seen.take(), "info: <<\"typed\">>");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AProcessAreCalledAndCastTo) {
  Channel<std::string> casts;
  Channel<Ref> made;
  const Pid pid = runtime.spawn(
      scripted({.start =
                    [&](Context& c) {
                      made.put(c.alias());
                      return Result<void>();
                    },
                .cast = [&](Context&, Message m) { casts.put(encoded_to_string(m.to_bytes())); }}),
      {});
  const Ref alias = *made.take();
  EXPECT_EQ(text(runtime.call_and_wait(alias, message("hello"), patience)), "hello");
  EXPECT_TRUE(runtime.cast(alias, message("there")));
  EXPECT_EQ(casts.take(), "there");
  // From another node: gen_server:call with it as the address.
  runtime.on_send_alias(far_pid(1), alias, make_gen_call(make_from(far_pid(1), far_ref(9)), encoded("far")));
  EXPECT_EQ(encoded_to_string(read_reply(remote.next("send_alias").term)->answer), "far");
  runtime.exit(pid, ExitReason::shutdown());
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AProcessEndWithUnalias) {
  Probe& a = make();
  const Ref alias = alias_of(a);
  in(a, [&](Context& c) {
    EXPECT_TRUE(c.unalias(alias));
    EXPECT_FALSE(c.unalias(alias));
  });
  EXPECT_EQ(runtime.send(alias, message("late")).error().code, Errc::no_such_child);
  runtime.on_send_alias(far_pid(1), alias, encoded("late"));
  EXPECT_EQ(text(runtime.call_and_wait(alias, message("late"), patience)), "error: no_such_child");
  EXPECT_EQ(next(a), "info: last");
  EXPECT_EQ(runtime.stats().dropped, 3U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AProcessAreItsOwnToEnd) {
  Probe& a = make();
  Probe& b = make();
  const Ref alias = alias_of(a);
  in(b, [&](Context& c) { EXPECT_FALSE(c.unalias(alias)); });
  in(b, [&](Context& c) { EXPECT_FALSE(c.unalias(far_ref(1))); });
  EXPECT_TRUE(runtime.send(alias, message("still")));
  EXPECT_EQ(a.seen.take(), "info: still");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AProcessForAReplyTakeOneMessage) {
  Probe& a = make();
  const Ref alias = alias_of(a, AliasUntil::reply);
  // What is sent while the process is busy comes to it after the first one, too late.
  in(a, [&](Context&) {
    EXPECT_TRUE(runtime.send(alias, message("first")));
    EXPECT_TRUE(runtime.send(alias, message("second")));
  });
  EXPECT_EQ(a.seen.take(), "info: first");
  EXPECT_EQ(next(a), "info: last");
  EXPECT_FALSE(runtime.send(alias, message("third")));
  in(a, [&](Context& c) { EXPECT_FALSE(c.unalias(alias)); });
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AProcessEndWithIt) {
  Probe& a = make();
  const Ref alias = alias_of(a);
  runtime.exit(a.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(a.seen.take(), "exit: boom");
  EXPECT_EQ(runtime.send(alias, message("late")).error().code, Errc::no_such_child);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AProcessThatEndsGiveCallersAnAnswer) {
  Probe& a = make();
  const Ref alias = alias_of(a);
  Channel<std::string> answer;
  in(a, [&](Context& c) {
    runtime.call(alias, message("x"), patience, [&](const CallResult& result) { answer.put(text(result)); });
    c.stop(ExitReason::normal());
  });
  EXPECT_EQ(answer.take(), "error: no_such_child");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AMonitorEndWhenItIsGivenUp) {
  Probe& a = make();
  Ref ref;
  in(a, [&](Context& c) { ref = c.monitor(far_pid(5), MonitorAliasUntil::demonitor); });
  EXPECT_EQ(remote.next("monitor").ref, ref);
  runtime.on_send_alias(far_pid(5), ref, encoded("one"));
  runtime.on_send_alias(far_pid(5), ref, encoded("two"));
  EXPECT_EQ(a.seen.take(), "info: one");
  EXPECT_EQ(a.seen.take(), "info: two");
  in(a, [&](Context& c) { c.demonitor(ref); });
  EXPECT_EQ(remote.next("demonitor").ref, ref);
  runtime.on_send_alias(far_pid(5), ref, encoded("late"));
  EXPECT_EQ(next(a), "info: last");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AMonitorEndWhenItFires) {
  Probe& a = make();
  Ref ref;
  in(a, [&](Context& c) { ref = c.monitor(far_pid(5), MonitorAliasUntil::demonitor); });
  in(a, [&](Context&) {  // busy: what comes now comes in this order
    runtime.on_monitor_exit(a.pid, ref, encoded("gone"));
    runtime.on_send_alias(far_pid(5), ref, encoded("late"));
  });
  EXPECT_EQ(a.seen.take(), "down: " + to_string(far_pid(5)) + " gone");
  EXPECT_EQ(next(a), "info: last");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AMonitorEndWithTheNode) {
  Probe& a = make();
  Ref ref;
  in(a, [&](Context& c) {
    ref = c.monitor(NamedProcess{Atom("x"), there}, MonitorAliasUntil::reply_demonitor);
  });
  runtime.on_node_down(there);
  EXPECT_EQ(*a.seen.take(), "down: " + to_string(Pid{}) + " noconnection");
  runtime.on_send_alias(far_pid(5), ref, encoded("late"));
  EXPECT_EQ(next(a), "info: last");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AMonitorForAReplyEndItToo) {
  Probe& a = make();
  Ref ref;
  in(a, [&](Context& c) { ref = c.monitor(far_pid(5), MonitorAliasUntil::reply_demonitor); });
  EXPECT_EQ(remote.next("monitor").ref, ref);
  runtime.on_send_alias(far_pid(5), ref, encoded("answer"));
  EXPECT_EQ(a.seen.take(), "info: answer");
  EXPECT_EQ(remote.next("demonitor").ref, ref);
  // Of before the demonitor; it must not be told.
  runtime.on_monitor_exit(a.pid, ref, encoded("gone"));
  runtime.on_send_alias(far_pid(5), ref, encoded("late"));
  EXPECT_EQ(next(a), "info: last");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AMonitorMayOutliveIt) {
  Probe& a = make();
  Probe& b = make();
  Ref ref;
  in(a, [&](Context& c) { ref = c.monitor(b.pid, MonitorAliasUntil::explicit_unalias); });
  runtime.exit(b.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(a.seen.take(), "down: " + to_string(b.pid) + " boom");
  EXPECT_TRUE(runtime.send(ref, message("still")));
  EXPECT_EQ(a.seen.take(), "info: still");
  in(a, [&](Context& c) { EXPECT_TRUE(c.unalias(ref)); });
  EXPECT_FALSE(runtime.send(ref, message("late")));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(AliasesOf, AProcessCountTowardsItsMailbox) {
  RuntimeOptions small = options();
  small.mailbox_messages_max = 2;
  Runtime tight(here, 4, small);
  Gate made, begin, busy, go_on;
  Ref alias;
  Channel<std::string> seen;
  Script script;
  script.start = [&](Context& c) {
    alias = c.alias(AliasUntil::reply);
    made.open();
    begin.wait();
    return Result<void>();
  };
  script.info = [&](Context&, Message m) {
    seen.put(encoded_to_string(m.to_bytes()));
    if (seen.size() == 1) return;
    busy.open();
    go_on.wait();
  };
  const Pid pid = tight.spawn(scripted(std::move(script)), {});
  ASSERT_TRUE(made.wait());
  EXPECT_TRUE(tight.send(alias, message("one")));
  EXPECT_TRUE(tight.send(alias, message("dropped")));
  EXPECT_EQ(tight.send(alias, message("refused")).error().code, Errc::mailbox_full);
  begin.open();
  ASSERT_TRUE(eventually([&] { return seen.size() == 1; }));
  EXPECT_TRUE(tight.send(pid, message("two")));
  ASSERT_TRUE(busy.wait());
  // Nothing counts any more, what was dropped neither.
  EXPECT_TRUE(tight.send(pid, message("three")));
  EXPECT_TRUE(tight.send(pid, message("four")));
  EXPECT_FALSE(tight.send(pid, message("five")));
  go_on.open();
  EXPECT_EQ(tight.stop(patience), 0U);
  runtime.stop(patience);  // before what its processes use
}

}  // namespace brood::process::testing
