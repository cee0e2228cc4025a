// Peers that break rules, fall silent or come twice.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/post.hpp>
#include <future>
#include <sstream>

#include "node/channel/dist_header.hpp"
#include "node/net/wire.hpp"
#include "node/test_support.hpp"
#include "process/log/log_capture.hpp"

namespace brood::node {
namespace hostile_test {

using namespace test;

Bytes frame(BytesView body) {
  Bytes out;
  wire::put(out, body.size(), 4);
  return out.append(body);
}

TEST(Hostile, GarbageInsteadOfAHandshakeClosesThatConnectionOnly) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer good(a->port(), "good@127.0.0.1", "secret");
  ASSERT_TRUE(good.connect(a.name()));
  a.record.take("up");
  for (const Bytes& garbage : {Bytes("GET / HTTP/1.1\r\n\r\n"), Bytes("\xff\xff\xff\xff", 4),
                               Bytes("\x00\x00", 2), Bytes("\x00\x01N", 3), Bytes(5000, '\0')}) {
    FakePeer bad(a->port(), "bad@127.0.0.1", "secret");
    bad.send(garbage);
    EXPECT_TRUE(bad.is_closed());
  }
  EXPECT_TRUE(eventually([&] { return a->counters().handshakes_refused >= 5; }));
  EXPECT_EQ(a->peers().size(), 1U);
  EXPECT_EQ(a.record.count("down"), 0U);
}

TEST(Hostile, AnUnfinishedHandshakeIsEndedInTime) {
  auto options = without_epmd("a@127.0.0.1");
  options.handshake_timeout = 100ms;
  TestNode a(options);
  FakePeer silent(a->port(), "silent@127.0.0.1", "secret");
  EXPECT_TRUE(silent.is_closed());
}

TEST(Hostile, OfTooManyPendingHandshakesTheOldestMakesRoom) {
  auto options = without_epmd("a@127.0.0.1");
  options.pending_handshakes_max = 3;
  TestNode a(options);
  std::deque<FakePeer> waiting;
  for (int i = 0; i < 3; ++i) waiting.emplace_back(a->port(), "x@127.0.0.1", "secret").send("\x01");
  FakePeer fourth(a->port(), "y@127.0.0.1", "secret");
  EXPECT_TRUE(fourth.connect(a.name()));
  EXPECT_TRUE(waiting.front().is_closed());
  EXPECT_EQ(a->counters().connections_refused, 1U);
}

TEST(Hostile, AThousandIdleOrSlowConnectionsLeaveTheNodeAnswering) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode b(without_epmd("b@127.0.0.1"));
  a->set_address(b.name(), "127.0.0.1", b->port());
  a->connect(b.name());
  a.record.take("up");
  std::vector<std::unique_ptr<FakePeer>> crowd;
  for (int i = 0; i < 1000; ++i) {
    crowd.push_back(std::make_unique<FakePeer>(a->port(), "x@127.0.0.1", "secret"));
    // Every other one sends a name of which the end never comes.
    if (i % 2 == 0) crowd.back()->send(Bytes("\x00\x40N", 3));
  }
  // Those of the crowd that are still connected go on, a byte at a time.
  std::atomic<bool> enough{false};
  std::thread slow([&] {
    while (!enough) {
      for (const auto& peer : crowd) peer->send("x");
    }
  });
  const auto since = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    FakePeer good(a->port(), "good" + std::to_string(i) + "@127.0.0.1", "secret");
    EXPECT_TRUE(good.connect(a.name()));
    EXPECT_EQ(a.record.take("up").name, "good" + std::to_string(i) + "@127.0.0.1");
    a->send(a.pid(), b.pid(), encode(i));
    EXPECT_EQ(b.record.take("send").term, encode(i));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - since, 5s);
  enough = true;
  slow.join();
  EXPECT_GE(a->counters().connections_refused + a->counters().handshakes_refused, 1000U - 256U);
  EXPECT_FALSE(a->peers().empty());
}

TEST(Hostile, AWrongCookieIsLoggedOnceAMinuteForEachPeer) {
  const log::LogCapture lines;
  {
    TestNode a(without_epmd("a@127.0.0.1"));
    for (const char* name : {"x@127.0.0.1", "x@127.0.0.1", "x@127.0.0.1", "y@127.0.0.1"}) {
      FakePeer stranger(a->port(), name, "guess");
      EXPECT_FALSE(stranger.connect(a.name()));
    }
    EXPECT_TRUE(eventually([&] { return a->counters().handshakes_refused == 4; }));
  }
  const std::string text = lines.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find("x@127.0.0.1 at 127.0.0.1: its cookie is another one"), std::string::npos) << text;
  EXPECT_NE(text.find("y@127.0.0.1 at 127.0.0.1: its cookie is another one"), std::string::npos) << text;
}

TEST(Hostile, AMalformedMessageClosesThatChannelOnly) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer good(a->port(), "good@127.0.0.1", "secret");
  ASSERT_TRUE(good.connect(a.name()));
  a.record.take("up");
  FakePeer bad(a->port(), "bad@127.0.0.1", "secret");
  ASSERT_TRUE(bad.connect(a.name()));
  a.record.take("up");
  bad.send(frame("pgarbage"));
  const auto down = a.record.take("down");
  EXPECT_EQ(down.name, "bad@127.0.0.1");
  EXPECT_EQ(down.words.substr(0, 15), "protocol_error:");
  EXPECT_TRUE(bad.is_closed());
  EXPECT_EQ(a->counters().protocol_errors, 1U);
  EXPECT_EQ(a->peers().size(), 1U);
}

TEST(Hostile, ASpawnRequestIsAnsweredWithAnError) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer peer(a->port(), "p@127.0.0.1", "secret");
  ASSERT_TRUE(peer.connect(a.name()));
  const Pid from{NodeName("p@127.0.0.1"), 1, 0, 77};
  const Ref request{NodeName("p@127.0.0.1"), 77, {1, 2, 3}};
  const Term control =
      Term::tuple({29, request, from, from, Term::tuple({Term::atom("m"), Term::atom("f"), 0}), Term()});
  peer.send(frame("p" + encode_term(control).octets() + encode_term(Term()).octets()));
  const Bytes reply =
      encode_term(Term::tuple({31, request, from, 0, Term::atom("notsup")})).octets().substr(1);
  EXPECT_TRUE(eventually([&] { return peer.received().find(reply) != Bytes::npos || !peer.receive(); }));
  EXPECT_NE(peer.received().find(reply), Bytes::npos);
}

TEST(Hostile, ASilentPeerIsGivenUpAndTickedMeanwhile) {
  auto options = without_epmd("a@127.0.0.1");
  options.tick_timeout = 300ms;
  TestNode a(options);
  FakePeer silent(a->port(), "silent@127.0.0.1", "secret");
  ASSERT_TRUE(silent.connect(a.name()));
  const auto since = std::chrono::steady_clock::now();
  EXPECT_EQ(a.record.take("down").words.substr(0, 13), "tick_timeout:");
  EXPECT_GE(std::chrono::steady_clock::now() - since, 250ms);
  EXPECT_TRUE(silent.is_closed());
  // A tick every quarter.
  EXPECT_GE(silent.received().size(), 3U * 4U);
  EXPECT_EQ(silent.received(), Bytes(silent.received().size(), '\0'));
}

TEST(Hostile, IdleNodesKeepEachOtherAlive) {
  auto options = without_epmd("a@127.0.0.1");
  options.tick_timeout = 400ms;
  TestNode a(options);
  options.name = NodeName("b@127.0.0.1");
  TestNode b(options);
  a->set_address(b.name(), "127.0.0.1", b->port());
  a->connect(b.name());
  a.record.take("up");
  EXPECT_FALSE(eventually([&] { return a.record.count("down") + b.record.count("down") != 0; }, 1500ms));
  a->set_tick_timeout(b.name(), 60s);
  // b still counts on what a had promised; it now hears from a far too rarely.
  EXPECT_EQ(b.record.take("down").words.substr(0, 13), "tick_timeout:");
}

TEST(Hostile, ABusyIoThreadMissesNoTickAndJudgesNobody) {
  auto options = without_epmd("a@127.0.0.1");
  options.tick_timeout = 400ms;
  TestNode a(options);
  options.name = NodeName("b@127.0.0.1");
  TestNode b(options);
  a->set_address(b.name(), "127.0.0.1", b->port());
  a->connect(b.name());
  a.record.take("up");
  b.record.take("up");
  std::promise<void> done;
  boost::asio::post(a.io(), [&] {
    std::this_thread::sleep_for(1500ms);  // not a wait: a handler that hogs the thread is the point
    done.set_value();
  });
  done.get_future().wait();
  EXPECT_FALSE(eventually([&] { return a.record.count("down") + b.record.count("down") != 0; }, 300ms));
}

TEST(Hostile, APeerThatReadsNothingIsGivenUpBeforeMemoryIs) {
  auto options = without_epmd("a@127.0.0.1");
  options.send_buffer_max = 1024 * 1024;
  TestNode a(options);
  FakePeer slow(a->port(), "slow@127.0.0.1", "secret");
  ASSERT_TRUE(slow.connect(a.name()));
  a.record.take("up");
  const Pid to{NodeName("slow@127.0.0.1"), 1, 0, 77};
  const EncodedTerm message = encode(Binary{Bytes(100'000, 'x')});
  std::size_t most = 0;
  EXPECT_TRUE(eventually([&] {
    a->send(a.pid(), to, message);
    most = std::max(most, a->backlog(to.node));
    return a.record.count("down") != 0;
  }));
  EXPECT_EQ(a.record.take("down").words.substr(0, 9), "overflow:");
  EXPECT_LE(most, 5U * 1024 * 1024);
}

TEST(Hostile, APeerThatReadsNothingMakesItsSendersBusyAndNobodyElses) {
  auto options = without_epmd("a@127.0.0.1");
  options.send_buffer_max = 1024 * 1024;
  TestNode a(options);
  TestNode b(without_epmd("b@127.0.0.1"));
  a->set_address(b.name(), "127.0.0.1", b->port());
  FakePeer slow(a->port(), "slow@127.0.0.1", "secret");
  ASSERT_TRUE(slow.connect(a.name()));
  a.record.take("up");
  const Pid to{NodeName("slow@127.0.0.1"), 1, 0, 77};
  const process::NamedProcess name{Atom("server"), to.node};
  const EncodedTerm message = encode(Binary{Bytes(100'000, 'x')});
  int taken = 0;
  std::size_t full = 0;
  // The kernel takes some of it for a while after the first refusal, the more as windows grow.
  ASSERT_TRUE(eventually([&] {
    while (a->try_send(a.pid(), to, message)) ++taken;
    full = a->backlog(to.node);
    return !a->try_send_named(a.pid(), name, message) &&
           a->try_call(a.pid(), to, a.ref(), message) == process::CallSent::refused &&
           a->try_call(a.pid(), name, a.ref(), message) == process::CallSent::refused &&
           !eventually([&] { return a->backlog(to.node) != full; }, 50ms);
  }));
  EXPECT_LT(taken, 1000);
  EXPECT_LE(full, 2U * 1024 * 1024);
  // Signals still pass, and others are served.
  a->demonitor(a.pid(), to, a.ref());
  EXPECT_GT(a->backlog(to.node), full);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(a->try_send(a.pid(), b.pid(), encode(i)));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(b.record.take("send").term, encode(i));
  EXPECT_EQ(a.record.count("down"), 0U);
  // It reads again: so can be sent.
  std::thread reader([&] {
    while (slow.receive()) {
    }
  });
  EXPECT_TRUE(eventually([&] { return a->backlog(to.node) == 0; }));
  EXPECT_TRUE(a->try_send(a.pid(), to, message));
  a->disconnect(to.node);
  reader.join();
}

TEST(Hostile, LargeMessagesMakeNoSmallOneBusy) {
  auto options = without_epmd("a@127.0.0.1");
  options.send_buffer_max = 1024 * 1024;
  TestNode a(options);
  FakePeer slow(a->port(), "slow@127.0.0.1", "secret");
  ASSERT_TRUE(slow.connect(a.name()));
  a.record.take("up");
  const Pid to{NodeName("slow@127.0.0.1"), 1, 0, 77};
  const EncodedTerm large = encode(Binary{Bytes(3'000'000, 'x')});
  ASSERT_TRUE(eventually([&] { return !a->try_send(a.pid(7), to, large); }));
  EXPECT_GT(a->backlog(to.node), options.send_buffer_max);
  // Its own sender's messages keep their order behind it, and so do what it may still take; others' pass.
  EXPECT_FALSE(a->try_send(a.pid(7), to, encode(1)));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(a->try_send(a.pid(8), to, encode(i))) << i;
  EXPECT_EQ(a->try_call(Pid{a.name(), 0, 0, a->creation()}, Pid{to.node, 2, 0, 77}, a.ref(), encode(2)),
            process::CallSent::watched);
  EXPECT_FALSE(a->try_send(a.pid(8), to, large));
  EXPECT_EQ(a.record.count("down"), 0U);
}

class Excess : public ::testing::Test {
 protected:
  static constexpr std::size_t limit = 1'000'000;
  Excess() : a_(small()), peer_(a_->port(), "p@127.0.0.1", "secret") {
    EXPECT_TRUE(peer_.connect(a_.name()));
    a_.record.take("up");
  }
  static DistributionOptions small() {
    auto options = without_epmd("a@127.0.0.1");
    options.message_bytes_max = limit;
    return options;
  }
  /// A frame without a header.
  static Bytes bare(const Term& control, BytesView payload) {
    return frame(Bytes("p").append(encode_term(control)).append(payload));
  }
  /// In fragments of half the limit, three of them.
  static Bytes fragments(const Term& control, BytesView payload) {
    Bytes body;
    put_first_fragment_header(body, 5, 3);
    body.append(encode_term(control), 1).append(payload, 1);
    const std::size_t part = limit / 2;
    Bytes out = frame(BytesView(body).substr(0, part));
    for (std::uint64_t left = 2; left > 0; --left) {
      Bytes next;
      put_next_fragment_header(next, 5, left);
      out += frame(next.append(BytesView(body).substr((3 - left) * part, left == 1 ? Bytes::npos : part)));
    }
    return out;
  }
  Term call(const Term& request) const {
    return Term::tuple(
        {Term::atom("$gen_call"), Term::tuple({mine_, Term::list({Term::atom("tag")})}), request});
  }
  /// A small message still gets there.
  void expect_that_it_goes_on() {
    peer_.send(bare(Term::tuple({22, mine_, a_.pid()}), encode("still here")));
    EXPECT_EQ(a_.record.take("send").term, encode("still here"));
    EXPECT_EQ(a_.record.count("down"), 0U);
  }

  TestNode a_;
  FakePeer peer_;
  const Pid mine_{NodeName("p@127.0.0.1"), 1, 0, 77};
  const Term big_ = Term::binary(Bytes(limit + 200'000, 'x'));
};

TEST_F(Excess, ACallThatIsTooLargeIsRefusedToItsCallerAndTheConnectionStays) {
  const Term control = Term::tuple({6, mine_, Term::atom(""), Term::atom("server")});
  int refused = 0;
  for (const Bytes& sent :
       {bare(control, encode_term(call(big_))), fragments(control, encode_term(call(big_)))}) {
    const std::size_t before = peer_.received().size();
    peer_.send(sent);
    EXPECT_TRUE(eventually(
        [&] { return peer_.received().find("limit_exceeded", before) != Bytes::npos || !peer_.receive(); }));
    EXPECT_NE(peer_.received().find("limit_exceeded", before), Bytes::npos);
    EXPECT_EQ(a_->counters().messages_refused, static_cast<std::uint64_t>(++refused));
    expect_that_it_goes_on();
  }
  EXPECT_EQ(a_.record.count("send_named"), 0U);
}

TEST_F(Excess, AnAnswerThatIsTooLargeBecomesAnErrorForWhoWaits) {
  const Term answer = Term::tuple({Term::list({Term::atom("tag")}), big_});
  peer_.send(bare(Term::tuple({33, mine_, a_.ref()}), encode_term(answer)));
  const auto came = a_.record.take("send_alias");
  EXPECT_EQ(came.ref, a_.ref());
  EXPECT_EQ(encoded_to_string(came.term).substr(0, 31), "{[tag],{error,{limit_exceeded,<");
  expect_that_it_goes_on();
}

TEST_F(Excess, AMessageThatNobodyWaitsForIsDroppedAndAnExitStillEnds) {
  peer_.send(bare(Term::tuple({22, mine_, a_.pid()}), encode_term(big_)));
  peer_.send(fragments(Term::tuple({24, mine_, a_.pid()}), encode_term(big_)));
  EXPECT_EQ(encoded_to_string(a_.record.take("exit").term).substr(0, 17), "{limit_exceeded,<");
  EXPECT_EQ(a_.record.count("send"), 0U);
  expect_that_it_goes_on();
  EXPECT_EQ(a_->counters().messages_refused, 2U);
}

TEST(Plain, APeerThatKnowsNothingButThePlainestFormsIsSentThese) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer peer(a->port(), "c@127.0.0.1", "secret", 77, flag::required);
  ASSERT_TRUE(peer.connect(a.name()));
  a.record.take("up");
  EXPECT_FALSE(a->peers().at(0).answers_anybody);
  const Pid to{NodeName("c@127.0.0.1"), 1, 0, 77};
  const auto came = [&](const Term& control, BytesView payload = {}) {
    const Bytes expected = frame(Bytes("p").append(encode_term(control)).append(payload));
    EXPECT_TRUE(eventually([&] { return peer.received().find(expected) != Bytes::npos || !peer.receive(); }));
    EXPECT_NE(peer.received().find(expected), Bytes::npos) << to_string(control);
  };
  a->send(a.pid(), to, encode(5));
  came(Term::tuple({2, Term::atom(""), to}), encode(5));
  const EncodedTerm large = encode(Binary{Bytes(200'000, 'x')});
  a->send(a.pid(), to, large);
  came(Term::tuple({2, Term::atom(""), to}), large);
  a->exit(a.pid(), to, encode(Atom("bye")));
  came(Term::tuple({3, a.pid(), to, Term::atom("bye")}));
  a->monitor_exit(a.pid(), Atom(""), to, a.ref(), encode(Atom("bye")));
  came(Term::tuple({21, a.pid(), to, a.ref(), Term::atom("bye")}));
  // What it cannot do is answered in its place.
  a->monitor(a.pid(), to, a.ref(3));
  const auto down = a.record.take("monitor_exit");
  EXPECT_EQ(down.ref, a.ref(3));
  EXPECT_EQ(down.term, encode(Atom("notsup")));
  a->unlink(a.pid(), to, 12);
  came(Term::tuple({4, a.pid(), to}));
  EXPECT_EQ(a.record.take("unlink_ack").id, 12U);
  EXPECT_EQ(a->try_call(a.pid(), to, a.ref(4), encode(6)), process::CallSent::monitored);
  EXPECT_TRUE(
      eventually([&] { return peer.received().find("$gen_call") != Bytes::npos || !peer.receive(); }));
  EXPECT_EQ(a.record.count("monitor_exit"), 0U) << "a call to it goes on without a monitor";
}

TEST(Hostile, ANewStartOfANodeReplacesOneThatIsSilent) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer first(a->port(), "p@127.0.0.1", "secret", 1001);
  ASSERT_TRUE(first.connect(a.name()));
  EXPECT_EQ(a.record.take("up").id, 1001U);
  FakePeer second(a->port(), "p@127.0.0.1", "secret", 1002);
  ASSERT_TRUE(second.connect(a.name()));
  const auto down = a.record.take("down");
  EXPECT_EQ(down.words.substr(0, 9), "replaced:");
  EXPECT_EQ(down.id, 1001U);
  EXPECT_EQ(a.record.take("up").id, 1002U);
  EXPECT_TRUE(first.is_closed());
  ASSERT_EQ(a->peers().size(), 1U);
  EXPECT_EQ(a->peers()[0].creation, 1002U);
}

TEST(Hostile, TheSameStartOfANodeReconnectsAtOnce) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer first(a->port(), "p@127.0.0.1", "secret", 1001);
  ASSERT_TRUE(first.connect(a.name()));
  a.record.take("up");
  FakePeer second(a->port(), "p@127.0.0.1", "secret", 1001);
  ASSERT_TRUE(second.connect(a.name()));
  EXPECT_EQ(a.record.take("down").words.substr(0, 9), "replaced:");
  a.record.take("up");
  EXPECT_EQ(a.record.count("down"), 0U);
}

TEST(Hostile, ASecondLiveNodeOfANameIsRefusedByItsPeers) {
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode first(without_epmd("p@127.0.0.1"));
  TestNode second(without_epmd("p@127.0.0.1"));
  first->set_address(a.name(), "127.0.0.1", a->port());
  second->set_address(a.name(), "127.0.0.1", a->port());
  first->connect(a.name());
  first.record.take("up");
  a.record.take("up");
  second->connect(a.name());
  EXPECT_EQ(second.record.take("failed").words.substr(0, 11), "name_taken:");
  EXPECT_EQ(a.record.count("down"), 0U);
  EXPECT_EQ(a->peers()[0].creation, first->creation());
  first.end();
  a.record.take("down");
  second->connect(a.name());
  EXPECT_EQ(second.record.take("up").name, a.name().text());
}

TEST(Hostile, AStrangerCannotReplaceAConnectedNode) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer good(a->port(), "p@127.0.0.1", "secret", 1001);
  ASSERT_TRUE(good.connect(a.name()));
  a.record.take("up");
  FakePeer stranger(a->port(), "p@127.0.0.1", "guess", 1001);
  EXPECT_FALSE(stranger.connect(a.name()));
  EXPECT_EQ(a.record.count("down"), 0U);
  EXPECT_EQ(a->peers().size(), 1U);
}

TEST(Hostile, AStrangerOfAGreaterNameDoesNotEndOurOwnAttempt) {
  const DeafServer deaf;
  auto options = without_epmd("a@127.0.0.1");
  options.handshake_timeout = 1500ms;
  TestNode a(options);
  a->set_address(NodeName("z@127.0.0.1"), "127.0.0.1", deaf.port());
  a->connect(NodeName("z@127.0.0.1"));
  FakePeer stranger(a->port(), "z@127.0.0.1", "guess");
  EXPECT_FALSE(stranger.connect(a.name()));
  EXPECT_EQ(a.record.count("failed"), 0U);
  // The true z comes after all.
  FakePeer good(a->port(), "z@127.0.0.1", "secret");
  EXPECT_TRUE(good.connect(a.name()));
  EXPECT_EQ(a.record.take("up").name, "z@127.0.0.1");
}

}  // namespace hostile_test
}  // namespace brood::node
