#include <atomic>

#include "process/test_support.hpp"

namespace brood::process::testing {

class Links : public ProbeTest {};
class Monitors : public ProbeTest {};

TEST_F(Links, AnAbnormalEndTakesTheOtherWithIt) {
  Probe& a = make();
  Probe& b = make();
  in(a, [&](Context& c) { c.link(b.pid); });
  runtime.exit(b.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(b.seen.take(), "exit: boom");
  EXPECT_EQ(a.seen.take(), "exit: boom");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, NobodyEndsAProcessOfTheNodeItself) {
  Channel<std::string> seen;
  SpawnOptions options;
  options.is_system = true;
  options.on_exit = [&](const ExitReason& reason) { seen.put("exit: " + reason.text()); };
  Gate linked;
  const Pid friend_of_all = far_pid(4);
  const Pid system = runtime.spawn(scripted({.info =
                                                 [&](Context& context, Message) {
                                                   context.link(friend_of_all);
                                                   linked.open();
                                                 }}),
                                   std::move(options));
  // A link that the other side makes, one of its own, and signals without any.
  Probe& other = make();
  in(other, [&](Context& c) { c.link(system); });
  runtime.exit(other.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(other.seen.take(), "exit: boom");
  ASSERT_TRUE(runtime.send(system, message("link")));
  ASSERT_TRUE(linked.wait());
  runtime.on_exit(friend_of_all, system, encoded("boom"));
  runtime.on_exit2(far_pid(9), system, encoded("kill"));
  runtime.on_exit2(far_pid(9), system, encoded("shutdown"));
  runtime.on_link(far_pid(9), system);
  runtime.on_node_down(there);
  EXPECT_EQ(text(runtime.call_and_wait(system, message("there"), 5s)), "there");
  runtime.exit(system, ExitReason::shutdown());
  EXPECT_EQ(seen.take(), "exit: shutdown") << "the node does end it";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, ANormalEndDoesNot) {
  Probe& a = make();
  Probe& b = make();
  in(a, [&](Context& c) { c.link(b.pid); });
  in(b, [&](Context& c) { c.stop(ExitReason::normal()); });
  EXPECT_EQ(b.seen.take(), "exit: normal");
  in(a, [](Context&) {});
  EXPECT_TRUE(runtime.is_alive(a.pid));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, WhoTrapsGetsAMessage) {
  Probe& a = make(true);
  Probe& b = make();
  in(a, [&](Context& c) { c.link(b.pid); });
  runtime.exit(b.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(a.seen.take(), "info: {'EXIT'," + to_string(Term(b.pid)) + ",boom}");
  EXPECT_TRUE(runtime.is_alive(a.pid));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, ToADeadProcessGiveNoproc) {
  Probe& a = make(true);
  const Pid dead{here, 4000, 0, 3};
  in(a, [&](Context& c) { c.link(dead); });
  EXPECT_EQ(a.seen.take(), "info: {'EXIT'," + to_string(Term(dead)) + ",noproc}");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, AfterUnlinkNothingArrives) {
  Probe& a = make();
  Probe& b = make();
  in(a, [&](Context& c) {
    c.link(b.pid);
    c.unlink(b.pid);
  });
  runtime.exit(b.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(b.seen.take(), "exit: boom");
  in(a, [](Context&) {});
  EXPECT_TRUE(runtime.is_alive(a.pid));
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, AreMadeAgainAfterUnlink) {
  Probe& a = make();
  Probe& b = make();
  in(a, [&](Context& c) {
    c.link(b.pid);
    c.unlink(b.pid);
    c.link(b.pid);
  });
  runtime.exit(b.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(a.seen.take(), "exit: boom");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, ElsewhereUseTheLinkProtocol) {
  Probe& a = make(true);
  in(a, [&](Context& c) { c.link(far_pid(5)); });
  EXPECT_EQ(remote.next("link").to, far_pid(5));
  in(a, [&](Context& c) { c.unlink(far_pid(5)); });
  const auto unlink = remote.next("unlink");
  EXPECT_NE(unlink.id, 0U);
  runtime.on_exit(far_pid(5), a.pid, encoded("boom"));  // sent before it read the unlink
  runtime.on_link(far_pid(5), a.pid);                   // also
  in(a, [](Context&) {});
  EXPECT_EQ(a.seen.size(), 0U);
  in(a, [&](Context& c) { c.link(far_pid(6)); });
  EXPECT_EQ(remote.next("link").to, far_pid(6));
  runtime.on_exit(far_pid(6), a.pid, encoded("boom"));
  EXPECT_EQ(a.seen.take(), "info: {'EXIT'," + to_string(Term(far_pid(6))) + ",boom}");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, FromElsewhereEndWithTheProcess) {
  Probe& a = make();
  runtime.on_link(far_pid(5), a.pid);
  runtime.on_link(far_pid(6), a.pid);
  runtime.on_unlink(far_pid(6), a.pid, 77);
  EXPECT_EQ(remote.next("unlink_ack").id, 77U);
  runtime.exit(a.pid, ExitReason(Term::atom("boom")));
  const auto exit = remote.next("exit");
  EXPECT_EQ(exit.to, far_pid(5));
  EXPECT_EQ(encoded_to_string(exit.term), "boom");
  EXPECT_EQ(a.seen.take(), "exit: boom");
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, FromElsewhereToNobodyAreAnsweredNoproc) {
  runtime.on_link(far_pid(5), Pid{here, 4000, 0, 3});
  EXPECT_EQ(encoded_to_string(remote.next("exit").term), "noproc");
  runtime.on_unlink(far_pid(5), Pid{here, 4000, 0, 3}, 5);
  EXPECT_EQ(remote.next("unlink_ack").id, 5U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, EndWithNoconnectionWhenTheNodeIsLost) {
  Probe& a = make();
  Probe& b = make(true);
  in(a, [&](Context& c) { c.link(far_pid(5)); });
  runtime.on_link(far_pid(6), b.pid);
  runtime.on_node_down(there);
  EXPECT_EQ(a.seen.take(), "exit: noconnection");
  EXPECT_EQ(b.seen.take(), "info: {'EXIT'," + to_string(Term(far_pid(6))) + ",noconnection}");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Links, ExitSignalsFromElsewhereFollowOtp) {
  Probe& traps = make(true);
  Probe& plain = make();
  runtime.on_exit2(far_pid(5), plain.pid, encoded("normal"));
  in(plain, [](Context&) {});
  EXPECT_TRUE(runtime.is_alive(plain.pid)) << "normal is ignored";
  runtime.on_exit2(far_pid(5), plain.pid, encoded("boom"));
  EXPECT_EQ(plain.seen.take(), "exit: boom");
  runtime.on_exit2(far_pid(5), traps.pid, encoded("killed"));
  EXPECT_EQ(traps.seen.take(), "info: {'EXIT'," + to_string(Term(far_pid(5))) + ",killed}")
      << "killed can be trapped";
  runtime.on_exit2(far_pid(5), traps.pid, encoded("kill"));
  EXPECT_EQ(traps.seen.take(), "exit: killed") << "kill cannot";
  Probe& unlinked = make();
  runtime.on_exit(far_pid(5), unlinked.pid, encoded("boom"));
  in(unlinked, [](Context&) {});
  EXPECT_TRUE(runtime.is_alive(unlinked.pid)) << "an exit over no link is ignored";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, OfANameOfThisNodeWatchTheProcessThatHasIt) {
  Probe& a = make();
  Probe& b = make();
  ASSERT_TRUE(runtime.register_name(Atom("server"), b.pid));
  Channel<std::string> told;
  in(a, [&](Context& c) { c.monitor(NamedProcess{Atom("server"), here}); });
  runtime.monitor_named({Atom("server"), here}, [&](const ExitReason& reason) { told.put(reason.text()); });
  runtime.exit(b.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(a.seen.take(), "down: " + to_string(Pid{}) + " boom");
  EXPECT_EQ(told.take(), "boom");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, OfANameThatNobodyHasGiveNoproc) {
  Probe& a = make();
  in(a, [&](Context& c) { c.monitor(NamedProcess{Atom("nobody"), here}); });
  EXPECT_EQ(a.seen.take(), "down: " + to_string(Pid{}) + " noproc");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, OfANameElsewhereGoThereAndEndWithWhatComesBack) {
  Probe& a = make();
  const NamedProcess server{Atom("server"), there};
  Ref ref;
  in(a, [&](Context& c) { ref = c.monitor(server); });
  const auto asked = remote.next("monitor_named");
  EXPECT_EQ(asked.name, Atom("server"));
  EXPECT_EQ(asked.ref, ref);
  runtime.on_monitor_exit(a.pid, ref, encoded("boom"));
  EXPECT_EQ(a.seen.take(), "down: " + to_string(Pid{}) + " boom");

  in(a, [&](Context& c) { ref = c.monitor(server); });
  remote.next("monitor_named");
  in(a, [&](Context& c) { c.demonitor(ref); });
  EXPECT_EQ(remote.next("demonitor_named").ref, ref);

  in(a, [&](Context& c) { c.monitor(server); });
  remote.next("monitor_named");
  runtime.on_node_down(there);
  EXPECT_EQ(a.seen.take(), "down: " + to_string(Pid{}) + " noconnection");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, TellOfTheEndOnce) {
  Probe& a = make();
  Probe& b = make();
  in(a, [&](Context& c) { (void)c.monitor(b.pid); });
  runtime.exit(b.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(a.seen.take(), "down: " + to_string(b.pid) + " boom");
  in(a, [](Context&) {});
  EXPECT_EQ(a.seen.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, OfADeadProcessAnswerNoproc) {
  Probe& a = make();
  const Pid dead{here, 4000, 0, 3};
  in(a, [&](Context& c) { (void)c.monitor(dead); });
  EXPECT_EQ(a.seen.take(), "down: " + to_string(dead) + " noproc");
  Channel<std::string> outside_seen;
  runtime.monitor(dead, [&](const ExitReason& reason) { outside_seen.put(reason.text()); });
  EXPECT_EQ(outside_seen.take(), "noproc");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, DemonitoredOnesNeverFire) {
  Probe& a = make();
  Probe& b = make();
  in(a, [&](Context& c) { c.demonitor(c.monitor(b.pid)); });
  const Ref ref = runtime.monitor(b.pid, [](const ExitReason&) { FAIL(); });
  runtime.demonitor(ref);
  runtime.exit(b.pid, ExitReason::shutdown());
  EXPECT_EQ(b.seen.take(), "exit: shutdown");
  in(a, [](Context&) {});
  EXPECT_EQ(a.seen.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, FromOutsideTellOfTheEnd) {
  Probe& a = make();
  Channel<std::string> seen;
  runtime.monitor(a.pid, [&](const ExitReason& reason) { seen.put(reason.text()); });
  runtime.exit(a.pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(seen.take(), "boom");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, ElsewhereFireThroughTheNetwork) {
  Probe& a = make();
  Channel<std::string> seen;
  const Ref mine = runtime.monitor(far_pid(5), [&](const ExitReason& reason) { seen.put(reason.text()); });
  EXPECT_EQ(remote.next("monitor").ref, mine);
  in(a, [&](Context& c) { (void)c.monitor(far_pid(5)); });
  const auto asked = remote.next("monitor");
  runtime.on_monitor_exit(asked.from, asked.ref, encoded("boom"));
  EXPECT_EQ(a.seen.take(), "down: " + to_string(far_pid(5)) + " boom");
  runtime.on_monitor_exit(asked.from, asked.ref, encoded("again"));
  runtime.on_node_down(there);
  EXPECT_EQ(seen.take(), "noconnection");
  in(a, [](Context&) {});
  EXPECT_EQ(a.seen.size(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, OfAnotherNodeEndWithNoconnection) {
  Probe& a = make();
  in(a, [&](Context& c) { (void)c.monitor(far_pid(5)); });
  runtime.on_node_down(there);
  EXPECT_EQ(a.seen.take(), "down: " + to_string(far_pid(5)) + " noconnection");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, FromElsewhereAreAnswered) {
  Probe& a = make();
  ASSERT_TRUE(runtime.register_name(Atom("a"), a.pid));
  runtime.on_monitor(far_pid(5), a.pid, far_ref(1));
  runtime.on_monitor_named(far_pid(5), Atom("a"), far_ref(2));
  runtime.on_monitor(far_pid(5), a.pid, far_ref(3));
  runtime.on_demonitor(far_pid(5), far_ref(3));
  in(a, [](Context&) {});
  runtime.exit(a.pid, ExitReason(Term::atom("boom")));
  const auto first = remote.next("monitor_exit");
  EXPECT_EQ(first.ref, far_ref(1));
  EXPECT_EQ(first.name, Atom());
  const auto second = remote.next("monitor_exit");
  EXPECT_EQ(second.ref, far_ref(2));
  EXPECT_EQ(second.name, Atom("a"));
  EXPECT_EQ(encoded_to_string(second.term), "boom");
  EXPECT_EQ(a.seen.take(), "exit: boom");
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, FromElsewhereOfNobodyAreAnsweredNoprocAtOnce) {
  runtime.on_monitor(far_pid(5), Pid{here, 4000, 0, 3}, far_ref(1));
  EXPECT_EQ(encoded_to_string(remote.next("monitor_exit").term), "noproc");
  runtime.on_monitor_named(far_pid(5), Atom("nobody"), far_ref(2));
  const auto named = remote.next("monitor_exit");
  EXPECT_EQ(named.name, Atom("nobody"));
  EXPECT_EQ(encoded_to_string(named.term), "noproc");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Monitors, OfALostNodesWatchersAreForgotten) {
  Probe& a = make();
  runtime.on_monitor(far_pid(5), a.pid, far_ref(1));
  runtime.on_node_down(there);
  runtime.exit(a.pid, ExitReason::shutdown());
  EXPECT_EQ(a.seen.take(), "exit: shutdown");
  EXPECT_EQ(remote.waiting(), 0U);
  runtime.stop(patience);  // before what its processes use
}

}  // namespace brood::process::testing
