// Two nodes of our own over TLS, and peers that speak it badly or not at all.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <future>
#include <sstream>

#include "node/test_support.hpp"
#include "node/tls/tls_test_support.hpp"
#include "process/log/log_capture.hpp"

namespace brood::node {
namespace tls_test {

using namespace test;

const EncodedTerm hello = encode(Atom("hello"));

class TlsDistribution : public ::testing::Test {
 protected:
  DistributionOptions options(const std::string& name, const CertificateOptions& certificate = {}) {
    auto made = without_epmd(name);
    made.tls = ca_.issue(name.substr(0, name.find('@')), certificate);
    return made;
  }
  /// Connects; the words of the failure, or nothing.
  static std::string failure(TestNode& from, TestNode& to) {
    from->set_address(to.name(), "127.0.0.1", to->port());
    from->connect(to.name());
    EXPECT_TRUE(eventually([&] { return from.record.count("up") != 0 || from.record.count("failed") != 0; }));
    if (from.record.count("failed") != 0) return from.record.take("failed").words;
    from.record.take("up");
    to.record.take("up");
    return "";
  }

  TestCa ca_;
};

using Log = log::LogCapture;

TEST_F(TlsDistribution, MessagesGoBothWaysAndKeepTheirOrder) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  ASSERT_TRUE(a.started().has_value()) << a.started().error().message;
  ASSERT_EQ(failure(a, b), "");
  constexpr int count = 5000;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < count; ++i) a->send(a.pid(t), b.pid(), encode(i));
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < count; ++i) b->send(b.pid(), a.pid(), encode(i));
  });
  for (auto& thread : threads) thread.join();
  std::map<std::uint32_t, int> next;
  for (int i = 0; i < 3 * count; ++i) {
    const auto record = b.record.take("send");
    ASSERT_EQ(record.term, encode(next[record.from.id]++));
  }
  for (int i = 0; i < count; ++i) ASSERT_EQ(a.record.take("send").term, encode(i));
  a->disconnect(b.name());
  EXPECT_EQ(b.record.take("down").words.substr(0, 6), "closed");
}

TEST_F(TlsDistribution, LargeMessagesArriveWholeAndLetSmallOnesPass) {
  auto one = options("a@127.0.0.1");
  auto other = options("b@127.0.0.1");
  // What a burst of frames may take to be read under a sanitizer is no silence.
  one.tick_timeout = other.tick_timeout = 10s;
  TestNode a(one);
  TestNode b(other);
  ASSERT_EQ(failure(a, b), "");
  const EncodedTerm large = encode(Binary{Bytes(64 * 1024 * 1024, 'x')});
  a->send(a.pid(1), b.pid(), large);
  a->send(a.pid(2), b.pid(), hello);
  b->send(b.pid(1), a.pid(), large);
  EXPECT_EQ(b.record.take("send").term, hello);
  EXPECT_TRUE(b.record.take("send").term == large);
  EXPECT_TRUE(a.record.take("send").term == large);
}

TEST_F(TlsDistribution, WhatWasSentBeforeTheEndArrives) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  ASSERT_EQ(failure(a, b), "");
  for (int i = 0; i < 20'000; ++i) a->send(a.pid(), b.pid(), encode(i));
  a->stop(5s);
  b.record.take("down");
  EXPECT_EQ(b.record.count("send"), 20'000U);
}

TEST_F(TlsDistribution, IdleNodesKeepEachOtherAliveAndASilentOneIsGivenUp) {
  auto one = options("a@127.0.0.1");
  auto other = options("b@127.0.0.1");
  one.tick_timeout = other.tick_timeout = 400ms;
  TestNode a(one);
  TestNode b(other);
  ASSERT_EQ(failure(a, b), "");
  EXPECT_FALSE(eventually([&] { return a.record.count("down") + b.record.count("down") != 0; }, 1500ms));
  a->set_tick_timeout(b.name(), 60s);
  EXPECT_EQ(b.record.take("down").words.substr(0, 13), "tick_timeout:");
}

TEST_F(TlsDistribution, SimultaneousConnectsMakeOneChannel) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  expect_one_channel_of_simultaneous_connects(a, b, 50);
}

TEST_F(TlsDistribution, APeerThatReadsNothingMakesItsSendersBusyAndIsGivenUpInTheEnd) {
  auto one = options("a@127.0.0.1");
  one.send_buffer_max = 1024 * 1024;
  TestNode a(one);
  TestNode b(options("b@127.0.0.1"));
  TestNode c(options("c@127.0.0.1"));
  ASSERT_EQ(failure(a, b), "");
  ASSERT_EQ(failure(a, c), "");
  // b's io thread reads nothing while it is held.
  std::promise<void> go_on;
  boost::asio::post(b.io(), [&] { go_on.get_future().wait(); });
  const EncodedTerm message = encode(Binary{Bytes(100'000, 'x')});
  int taken = 0;
  while (a->try_send(a.pid(), b.pid(), message)) ASSERT_LT(++taken, 1000);
  EXPECT_LE(a->backlog(b.name()), 2U * 1024 * 1024);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(a->try_send(a.pid(), c.pid(), encode(i)));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(c.record.take("send").term, encode(i));
  go_on.set_value();
  EXPECT_TRUE(eventually([&] { return a->backlog(b.name()) == 0; }));
  for (int i = 0; i < taken; ++i) ASSERT_EQ(b.record.take("send").term.size(), message.size());
  // And once more, with what cannot be refused.
  std::promise<void> never;
  boost::asio::post(b.io(), [&] { never.get_future().wait(); });
  EXPECT_TRUE(eventually([&] {
    a->send(a.pid(), b.pid(), message);
    return a.record.count("down") != 0;
  }));
  EXPECT_EQ(a.record.take("down").words.substr(0, 9), "overflow:");
  never.set_value();
}

TEST_F(TlsDistribution, FailuresToConnectSayWhatIsWrong) {
  TestNode a(options("a@127.0.0.1"));
  const auto at = [](TestNode& node) {
    return node.name().text() + ": 127.0.0.1:" + std::to_string(node->port()) + ": ";
  };
  TestNode wrong_host(options("b@127.0.0.1", {.names = "DNS:n7.example.org"}));
  EXPECT_EQ(failure(a, wrong_host),
            "bad_certificate: " + at(wrong_host) +
                "its certificate is for n7.example.org (subjectAltName), not for 127.0.0.1");
  TestCa others("other ca");
  auto stranger = without_epmd("c@127.0.0.1");
  stranger.tls = others.issue("c");
  TestNode wrong_ca(stranger);
  const std::string unsigned_words = failure(a, wrong_ca);
  EXPECT_EQ(unsigned_words, "bad_certificate: " + at(wrong_ca) + "its certificate is not signed by a CA of " +
                                ca_.path("ca.pem") + "; it has CN=c, signed by CN=other ca");
  stranger.name = NodeName("d@127.0.0.1");
  stranger.tls->ca_file = ca_.path("ca.pem");
  TestNode not_known(stranger);
  EXPECT_EQ(failure(not_known, a),
            "bad_certificate: " + at(a) + "it does not accept our certificate: unknown CA");
  TestNode plain(without_epmd("p@127.0.0.1"));
  EXPECT_EQ(failure(a, plain),
            "no_tls: " + at(plain) + "it closed the connection without a word; does it speak TLS?");
  EXPECT_EQ(failure(plain, a),
            "no_tls: " + at(a) + "it speaks TLS, and this node was given no certificate to do the same");
  auto guess = options("g@127.0.0.1");
  guess.cookie = "guess";
  TestNode wrong_cookie(guess);
  EXPECT_EQ(failure(a, wrong_cookie).substr(0, 13), "wrong_cookie:");
  EXPECT_TRUE(a->peers().empty());
}

TEST_F(TlsDistribution, AServerThatSaysNothingIsGivenUpInTime) {
  const DeafServer deaf;
  auto impatient = options("a@127.0.0.1");
  impatient.handshake_timeout = 200ms;
  TestNode a(impatient);
  a->set_address(NodeName("z@127.0.0.1"), "127.0.0.1", deaf.port());
  a->connect(NodeName("z@127.0.0.1"));
  const std::string words = a.record.take("failed").words;
  EXPECT_NE(words.find("TLS's handshake was not finished in time"), std::string::npos) << words;
}

TEST_F(TlsDistribution, StrangersAreRefusedInWordsOnceAMinute) {
  Log log;
  {
    TestNode a(options("a@127.0.0.1"));
    TestNode plain(without_epmd("p@127.0.0.1"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(failure(plain, a).substr(0, 7), "no_tls:");
    for (int i = 0; i < 3; ++i) {
      FakePeer garbage(a->port(), "x@127.0.0.1", "secret");
      garbage.send("GET / HTTP/1.1\r\n\r\n");
      EXPECT_TRUE(garbage.is_closed());
    }
    EXPECT_TRUE(eventually([&] { return a->counters().handshakes_refused == 6; }));
    // A port check is nobody.
    FakePeer(a->port(), "x@127.0.0.1", "secret").close();
    TestNode good(options("b@127.0.0.1"));
    EXPECT_EQ(failure(good, a), "");
    EXPECT_EQ(a->counters().handshakes_refused, 6U);
  }
  EXPECT_EQ(log.lines(), 1) << log.text();
  EXPECT_NE(log.text().find("no connection from 127.0.0.1: it does not speak TLS"), std::string::npos)
      << log.text();
}

TEST_F(TlsDistribution, ATlsPeerAtAPlainPortIsRefusedInWords) {
  Log log;
  {
    TestNode a(options("a@127.0.0.1"));
    TestNode plain(without_epmd("p@127.0.0.1"));
    EXPECT_EQ(failure(a, plain).substr(0, 7), "no_tls:");
    EXPECT_TRUE(eventually([&] { return plain->counters().handshakes_refused == 1; }));
  }
  EXPECT_EQ(log.lines(), 1) << log.text();
  EXPECT_NE(log.text().find("no connection from 127.0.0.1: it speaks TLS, and this node was given no "
                            "certificate to do the same"),
            std::string::npos)
      << log.text();
}

TEST_F(TlsDistribution, AnUnfinishedHandshakeIsEndedInTime) {
  auto impatient = options("a@127.0.0.1");
  impatient.handshake_timeout = 100ms;
  TestNode a(impatient);
  FakePeer silent(a->port(), "silent@127.0.0.1", "secret");
  EXPECT_TRUE(silent.is_closed());
  // The beginning of a ClientHello that never ends.
  FakePeer slow(a->port(), "slow@127.0.0.1", "secret");
  slow.send(Bytes("\x16\x03\x01\x02\x00\x01\x00", 7));
  EXPECT_TRUE(slow.is_closed());
}

TEST_F(TlsDistribution, AThousandIdleOrSlowConnectionsLeaveTheNodeAnswering) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  ASSERT_EQ(failure(a, b), "");
  std::vector<std::unique_ptr<FakePeer>> crowd;
  for (int i = 0; i < 1000; ++i) {
    crowd.push_back(std::make_unique<FakePeer>(a->port(), "x@127.0.0.1", "secret"));
    if (i % 2 == 0) crowd.back()->send(Bytes("\x16\x03\x01\x02\x00\x01\x00", 7));
  }
  for (int i = 0; i < 5; ++i) {
    TestNode good(options("good" + std::to_string(i) + "@127.0.0.1"));
    EXPECT_EQ(failure(good, a), "");
    a->send(a.pid(), b.pid(), encode(i));
    EXPECT_EQ(b.record.take("send").term, encode(i));
  }
  EXPECT_GE(a->counters().connections_refused + a->counters().handshakes_refused, 1000U - 256U);
  // Those that ended are gone, b is still there.
  EXPECT_TRUE(eventually([&] { return a->peers().size() == 1; }));
  EXPECT_EQ(a->peers().at(0).name, b.name());
}

TEST_F(TlsDistribution, NewCertificatesAreForNewConnectionsAndOldOnesStand) {
  TestNode a(options("a@127.0.0.1"));
  TestNode b(options("b@127.0.0.1"));
  TestNode c(options("c@127.0.0.1"));
  ASSERT_EQ(failure(a, b), "");
  ca_.issue("b", {.names = "DNS:elsewhere"});
  EXPECT_EQ(failure(c, b).substr(0, 16), "bad_certificate:");
  a->send(a.pid(), b.pid(), hello);
  EXPECT_EQ(b.record.take("send").term, hello);
  // Half a file changes nothing.
  ca_.issue("b");
  EXPECT_EQ(failure(c, b), "");
  c->disconnect(b.name());
  c.record.take("down");
  b.record.take("down");
  ca_.write_text("b.pem", "half a certif");
  EXPECT_EQ(failure(c, b), "");
  EXPECT_EQ(a.record.count("down"), 0U);
}

TEST_F(TlsDistribution, StartRefusesFilesThatCannotBeUsed) {
  auto broken = options("a@127.0.0.1");
  broken.tls->key_file = ca_.path("none.key");
  TestNode a(broken);
  ASSERT_FALSE(a.started().has_value());
  EXPECT_EQ(a.started().error().code, Errc::io);
  EXPECT_EQ(a.started().error().message,
            "cannot read the TLS key " + ca_.path("none.key") + ": No such file or directory");
}

TEST_F(TlsDistribution, ACertificateForAnotherHostIsWarnedOfAtTheStart) {
  Log log;
  { const TestNode a(options("a@127.0.0.1", {.names = "DNS:n7.example.org"})); }
  EXPECT_NE(log.text().find("is for n7.example.org, not for this node's host 127.0.0.1"), std::string::npos)
      << log.text();
  EXPECT_EQ(log.lines(), 1) << log.text();
}

TEST_F(TlsDistribution, PlainTextBeyondLoopbackIsWarnedOfOnce) {
  const auto lines_of = [](DistributionOptions listening) {
    const Log log;
    TestNode a(std::move(listening));
    EXPECT_TRUE(a.started().has_value());
    a.end();
    return std::pair(log.lines(), log.text());
  };
  auto plain = without_epmd("a@127.0.0.1");
  EXPECT_EQ(lines_of(plain).first, 0);
  plain.listen_address = "0.0.0.0";
  const auto [count, text] = lines_of(plain);
  EXPECT_EQ(count, 1) << text;
  EXPECT_NE(text.find("a@127.0.0.1 listens at 0.0.0.0:"), std::string::npos) << text;
  EXPECT_NE(text.find("in plain text"), std::string::npos) << text;
  auto secure = options("a@127.0.0.1");
  secure.listen_address = "0.0.0.0";
  EXPECT_EQ(lines_of(secure).first, 0);
  auto client = plain;
  client.listen = false;
  EXPECT_EQ(lines_of(client).first, 0);
}

}  // namespace tls_test
}  // namespace brood::node
