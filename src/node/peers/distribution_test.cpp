// Two nodes of our own, in one process, over loopback.
#include "node/distribution.hpp"

#include <gtest/gtest.h>

#include "node/epmd/epmd_client.hpp"
#include "node/test_support.hpp"

namespace brood::node {
namespace distribution_test {

using namespace test;

class DistributionTest : public ::testing::Test {
 protected:
  DistributionOptions options(const std::string& name) { return options_of(name, epmd_.port()); }
  static void connect(TestNode& a, TestNode& b) {
    a->connect(b.name());
    EXPECT_EQ(a.record.take("up").name, b.name().text());
    EXPECT_EQ(b.record.take("up").name, a.name().text());
  }

  Epmd epmd_;
};

const EncodedTerm hello = encode(Atom("hello"));

TEST_F(DistributionTest, EveryMessageArrivesAsItWasSent) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  ASSERT_TRUE(a.started().has_value()) << a.started().error().message;
  connect(a, b);
  const process::NamedProcess server{Atom("server"), b.name()};
  a->send(a.pid(), b.pid(), hello);
  a->send_named(a.pid(), server, hello);
  a->send_alias(a.pid(), b.ref(), hello);
  a->link(a.pid(), b.pid());
  a->unlink(a.pid(), b.pid(), 17);
  a->unlink_ack(a.pid(), b.pid(), 18);
  a->exit(a.pid(), b.pid(), hello);
  a->exit2(a.pid(), b.pid(), hello);
  a->monitor(a.pid(), b.pid(), a.ref());
  a->monitor_named(a.pid(), server, a.ref());
  a->demonitor(a.pid(), b.pid(), a.ref());
  a->demonitor_named(a.pid(), server, a.ref());
  a->monitor_exit(a.pid(), Atom(), b.pid(), b.ref(), hello);

  const auto sent = b.record.take("send");
  EXPECT_EQ(sent.from, a.pid());
  EXPECT_EQ(sent.to, b.pid());
  EXPECT_EQ(sent.term, hello);
  EXPECT_EQ(b.record.take("send_named").name, "server");
  EXPECT_EQ(b.record.take("send_alias").ref, b.ref());
  EXPECT_EQ(b.record.take("link").to, b.pid());
  EXPECT_EQ(b.record.take("unlink").id, 17U);
  EXPECT_EQ(b.record.take("unlink_ack").id, 18U);
  EXPECT_EQ(b.record.take("exit").term, hello);
  EXPECT_EQ(b.record.take("exit2").term, hello);
  const auto monitor = b.record.take("monitor");
  EXPECT_EQ(monitor.from, a.pid());
  EXPECT_EQ(monitor.ref, a.ref());
  EXPECT_EQ(b.record.take("monitor_named").name, "server");
  EXPECT_EQ(b.record.take("demonitor").ref, a.ref());
  EXPECT_EQ(b.record.take("demonitor").ref, a.ref());
  const auto down = b.record.take("monitor_exit");
  EXPECT_EQ(down.to, b.pid());
  EXPECT_EQ(down.ref, b.ref());
  EXPECT_EQ(down.term, hello);
  // The recorder answered the monitor by name.
  const auto noproc = a.record.take("monitor_exit");
  EXPECT_EQ(noproc.ref, a.ref());
  EXPECT_EQ(noproc.term, encode(Atom("noproc")));
}

TEST_F(DistributionTest, PeersAreShownWithTheirCreation) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  EXPECT_EQ(a->silence(b.name()), milliseconds::max());
  connect(a, b);
  ASSERT_EQ(a->peers().size(), 1U);
  EXPECT_EQ(a->peers()[0].creation, b->creation());
  EXPECT_EQ(a->peers()[0].address, "127.0.0.1:" + std::to_string(b->port()));
  EXPECT_TRUE(a->peers()[0].hidden);
  EXPECT_LT(a->silence(b.name()), 10s);
  EXPECT_EQ(*a.started(), a->creation());
}

TEST_F(DistributionTest, SendingConnectsAndKeepsTheOrder) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  for (int i = 0; i < 10'000; ++i) a->send(a.pid(), b.pid(), encode(i));
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(b.record.take("send").term, encode(i));
}

TEST_F(DistributionTest, ManyThreadsKeepEachTheirOrder) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  constexpr int count = 5000;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < count; ++i) a->send(a.pid(t), b.pid(), encode(i));
    });
  }
  for (auto& thread : threads) thread.join();
  std::map<std::uint32_t, int> next;
  for (int i = 0; i < 4 * count; ++i) {
    const auto record = b.record.take("send");
    ASSERT_EQ(record.term, encode(next[record.from.id]++));
  }
}

TEST_F(DistributionTest, DisconnectIsSeenOnBothSides) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  connect(a, b);
  a->disconnect(b.name());
  EXPECT_EQ(a.record.take("down").words.substr(0, 12), "disconnected");
  EXPECT_EQ(b.record.take("down").words.substr(0, 6), "closed");
  EXPECT_EQ(a.record.take("node_down").name, "b@127.0.0.1");
  EXPECT_EQ(b.record.take("node_down").name, "a@127.0.0.1");
  EXPECT_TRUE(a->peers().empty());
  connect(a, b);
}

TEST_F(DistributionTest, WhatWasSentBeforeTheEndArrives) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  connect(a, b);
  for (int i = 0; i < 20'000; ++i) a->send(a.pid(), b.pid(), encode(i));
  a->stop(5s);
  b.record.take("down");
  EXPECT_EQ(b.record.count("send"), 20'000U);
}

TEST_F(DistributionTest, FailuresToConnectSayWhatIsWrong) {
  TestNode a(options("a@127.0.0.1"));
  const auto failure = [&](const NodeName& node) {
    a->connect(node);
    a.record.take("node_down");
    return a.record.take("failed").words;
  };
  EXPECT_EQ(failure(NodeName("b@127.0.0.1")).substr(0, 15), "not_registered:");
  EXPECT_EQ(failure(NodeName("b@127.0.0.2")).substr(0, 17), "epmd_unreachable:");
  EXPECT_EQ(failure(NodeName("nonsense")).substr(0, 13), "no_such_host:");
  EXPECT_EQ(failure(NodeName("a@127.0.0.1")).substr(0, 12), "not_allowed:");
  a->set_address(NodeName("c@127.0.0.1"), "127.0.0.1", free_port());
  EXPECT_EQ(failure(NodeName("c@127.0.0.1")).substr(0, 19), "connection_refused:");
  a->set_address(NodeName("d@127.0.0.1"), "127.0.0.1", epmd_.port());
  EXPECT_EQ(failure(NodeName("d@127.0.0.1")).substr(0, 11), "not_erlang:");
  a->set_address(NodeName("e@127.0.0.1"), "127.0.0.1", a->port());
  EXPECT_EQ(failure(NodeName("e@127.0.0.1")).substr(0, 12), "not_allowed:");
}

TEST_F(DistributionTest, AnotherNodeAtTheAddressIsNamed) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  a->set_address(NodeName("c@127.0.0.1"), "127.0.0.1", b->port());
  a->connect(NodeName("c@127.0.0.1"));
  const std::string words = a.record.take("failed").words;
  EXPECT_EQ(words.substr(0, 11), "other_node:");
  EXPECT_NE(words.find("b@127.0.0.1"), std::string::npos) << words;
}

TEST_F(DistributionTest, AWrongCookieIsSaidToTheOneWhoConnects) {
  auto other = options("b@127.0.0.1");
  other.cookie = "guess";
  TestNode a(options("a@127.0.0.1"));
  TestNode b(other);
  a->connect(b.name());
  EXPECT_EQ(a.record.take("failed").words.substr(0, 13), "wrong_cookie:");
  EXPECT_TRUE(b->peers().empty());
  EXPECT_TRUE(eventually([&] { return b->counters().handshakes_refused == 1; }));
  a->send(a.pid(), b.pid(), hello);
  a.record.take("failed");
  EXPECT_EQ(a->counters().messages_dropped, 1U);
}

TEST_F(DistributionTest, ANameThatEpmdHasIsTaken) {
  TestNode a(options("a@127.0.0.1"));
  TestNode second(options("a@127.0.0.1"));
  ASSERT_FALSE(second.started().has_value());
  EXPECT_EQ(second.started().error().code, Errc::name_taken);
}

TEST_F(DistributionTest, ANameIsFreeAgainAfterStop) {
  TestNode a(options("a@127.0.0.1"));
  const auto creation = a->creation();
  a.end();
  TestNode again(options("a@127.0.0.1"));
  ASSERT_TRUE(again.started().has_value()) << again.started().error().message;
  EXPECT_NE(again->creation(), creation);
}

TEST_F(DistributionTest, StartRefusesWhatCannotBe) {
  EXPECT_EQ(TestNode(options("nonsense")).started().error().code, Errc::invalid_argument);
  auto unreachable = options("a@127.0.0.1");
  unreachable.epmd_port = free_port();
  EXPECT_EQ(TestNode(unreachable).started().error().code, Errc::unreachable);
  auto foreign = options("a@127.0.0.1");
  foreign.listen_address = "192.0.2.1";
  EXPECT_EQ(TestNode(foreign).started().error().code, Errc::io);
  TestNode a(options("a@127.0.0.1"));
  auto taken = options("b@127.0.0.1");
  taken.listen_port_min = a->port();
  const TestNode b(taken);
  ASSERT_FALSE(b.started().has_value());
  EXPECT_EQ(b.started().error().code, Errc::io);
  EXPECT_NE(b.started().error().message.find("127.0.0.1:" + std::to_string(a->port())), std::string::npos);
  taken.listen_port_max = static_cast<std::uint16_t>(a->port() + 20);
  EXPECT_TRUE(TestNode(taken).started().has_value());
}

TEST_F(DistributionTest, RegistersAgainWhenEpmdComesBack) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  epmd_.stop();
  epmd_.start();
  EXPECT_TRUE(eventually([&] {
    b->connect(a.name());
    EXPECT_TRUE(eventually([&] { return b.record.count("up") + b.record.count("failed") != 0; }));
    if (b.record.count("up") != 0) return true;
    b.record.take("failed");
    return false;
  }));
}

TEST_F(DistributionTest, TheLastKnownAddressProvesThatANodeHasEnded) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  connect(b, a);  // a accepted: it must ask for b's port.
  EXPECT_TRUE(eventually([&] { return a->has_last_known(b.name()); }));
  b.end();
  a.record.take("down");
  a->connect_last_known(NodeName("b@127.0.0.1"));
  EXPECT_EQ(a.record.take("failed").words.substr(0, 19), "connection_refused:");
}

TEST_F(DistributionTest, AClientThatDoesNotListenCanConnect) {
  auto client = options("cli@127.0.0.1");
  client.listen = false;
  TestNode a(options("a@127.0.0.1"));
  TestNode b(client);
  ASSERT_TRUE(b.started().has_value());
  connect(b, a);
  a->send(a.pid(), b.pid(), hello);
  EXPECT_EQ(b.record.take("send").term, hello);
}

TEST(Distribution, WithoutEpmdNodesFindEachOtherByAddress) {
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode b(without_epmd("b@127.0.0.1"));
  a->set_address(b.name(), "127.0.0.1", b->port());
  a->connect(b.name());
  a.record.take("up");
  a->send(a.pid(), b.pid(), hello);
  EXPECT_EQ(b.record.take("send").term, hello);
}

TEST(Distribution, SimultaneousConnectsMakeOneChannel) {
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode b(without_epmd("b@127.0.0.1"));
  expect_one_channel_of_simultaneous_connects(a, b, 200);
}

TEST(Distribution, ALargeMessageArrivesWhole) {
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode b(without_epmd("b@127.0.0.1"));
  a->set_address(b.name(), "127.0.0.1", b->port());
  const EncodedTerm large = encode(Binary{Bytes(64 * 1024 * 1024, 'x')});
  a->send(a.pid(), b.pid(), large);
  a->send(a.pid(), b.pid(), hello);
  EXPECT_TRUE(b.record.take("send").term == large);
  EXPECT_EQ(b.record.take("send").term, hello);
}

TEST(Distribution, AMessageOverTheLimitIsPassedOverAndTheConnectionStays) {
  TestNode a(without_epmd("a@127.0.0.1"));
  auto small = without_epmd("b@127.0.0.1");
  small.message_bytes_max = 1000;
  TestNode b(small);
  a->set_address(b.name(), "127.0.0.1", b->port());
  a->send(a.pid(), b.pid(), encode(Binary{Bytes(2000, 'x')}));
  a->send(a.pid(), b.pid(), hello);
  EXPECT_EQ(b.record.take("send").term, hello);
  EXPECT_EQ(b->counters().messages_refused, 1U);
  EXPECT_EQ(a.record.count("down") + b.record.count("down"), 0U);
}

TEST(Distribution, WhatWaitsForAConnectionIsPutAsThePeerUnderstandsIt) {
  TestNode a(without_epmd("a@127.0.0.1"));
  const Pid to{NodeName("c@127.0.0.1"), 1, 0, 77};
  const DeafServer deaf;  // so that the attempt lasts until the peer has come by itself
  a->set_address(to.node, "127.0.0.1", deaf.port());
  a->send(a.pid(), to, hello);
  a->monitor(a.pid(), to, a.ref(3));
  FakePeer peer(a->port(), to.node.text(), "secret", 77, flag::required);
  ASSERT_TRUE(peer.connect(a.name()));
  const Bytes expected = encode_term(Term::tuple({2, Term::atom(""), to})).octets() + hello.octets();
  EXPECT_TRUE(eventually([&] { return peer.received().find(expected) != Bytes::npos || !peer.receive(); }));
  EXPECT_EQ(a.record.take("monitor_exit").term, encode(Atom("notsup")));
}

TEST(Distribution, NoCallbackRunsAfterItsEnd) {
  for (int i = 0; i < 30; ++i) {
    boost::asio::io_context io;
    auto guard = boost::asio::make_work_guard(io);
    std::thread thread([&] { io.run(); });
    TestNode peer(without_epmd("peer@127.0.0.1"));
    {
      Recorder recorder;
      Distribution a(io, without_epmd("a@127.0.0.1"));
      a.set_events(&recorder, {});
      ASSERT_TRUE(a.start().has_value());
      a.set_address(peer.name(), "127.0.0.1", peer->port());
      a.connect(peer.name());
      if (i % 2 == 0) {
        EXPECT_TRUE(eventually([&] { return !a.peers().empty(); }));
      }
    }
    guard.reset();
    io.stop();
    thread.join();
  }
}

TEST(Distribution, ItMayEndWhenTheIoThreadHasEndedBefore) {
  TestNode peer(without_epmd("peer@127.0.0.1"));
  boost::asio::io_context io;
  Distribution a(io, without_epmd("a@127.0.0.1"));
  ASSERT_TRUE(a.start().has_value());
  a.set_address(peer.name(), "127.0.0.1", peer->port());
  a.connect(peer.name());
  io.run_for(50ms);
}

}  // namespace distribution_test
}  // namespace brood::node
