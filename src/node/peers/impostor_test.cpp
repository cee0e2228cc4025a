// Peers that say that they are, or that a message is from, somebody else; and peers that leave or make others
// leave something behind.
#include <gtest/gtest.h>

#include <set>

#include "node/net/log_limiter.hpp"
#include "node/net/wire.hpp"
#include "node/test_support.hpp"
#include "process/log/log_capture.hpp"

namespace brood::node {
namespace impostor_test {

using namespace test;

/// What OTP, C and Java nodes announce.
constexpr std::uint64_t without_proof = flag::announced & ~flag::proof;

Bytes message(const Term& control) {
  const Bytes body = "p" + encode_term(control).octets();
  Bytes out;
  wire::put(out, body.size(), 4);
  return out.append(body);
}
Bytes message(const Term& control, const Term& payload) {
  const Bytes body = "p" + encode_term(control).octets() + encode_term(payload).octets();
  Bytes out;
  wire::put(out, body.size(), 4);
  return out.append(body);
}

TEST(Impostor, AMessageInTheNameOfAnotherNodeIsRefusedWhateverItIs) {
  const log::LogCapture lines;
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer peer(a->port(), "p@127.0.0.1", "secret");
  ASSERT_TRUE(peer.connect(a.name()));
  a.record.take("up");
  const Pid to = a.pid();
  const Term name = Term::atom("server");
  const Term cookie = Term::atom("");
  const Ref ref{NodeName("p@127.0.0.1"), 77, {1, 2, 3}};
  const Term word = Term::atom("forged");
  std::uint64_t sent = 0;
  for (const char* other : {"q@127.0.0.1", "a@127.0.0.1", "", "p@127.0.0.2"}) {
    const Pid from{NodeName(other), 1, 0, 77};
    peer.send(message(Term::tuple({22, from, to}), word));           // send_sender
    peer.send(message(Term::tuple({6, from, cookie, name}), word));  // reg_send
    peer.send(message(Term::tuple({33, from, a.ref()}), word));      // alias_send
    peer.send(message(Term::tuple({1, from, to})));                  // link
    peer.send(message(Term::tuple({4, from, to})));                  // unlink
    peer.send(message(Term::tuple({35, 5, from, to})));              // unlink_id
    peer.send(message(Term::tuple({36, 5, from, to})));              // unlink_id_ack
    peer.send(message(Term::tuple({3, from, to, word})));            // exit
    peer.send(message(Term::tuple({8, from, to, word})));            // exit2
    peer.send(message(Term::tuple({24, from, to}), word));           // payload_exit
    peer.send(message(Term::tuple({26, from, to}), word));           // payload_exit2
    peer.send(message(Term::tuple({19, from, to, ref})));            // monitor_p
    peer.send(message(Term::tuple({19, from, name, ref})));          // monitor_p by name
    peer.send(message(Term::tuple({20, from, to, ref})));            // demonitor_p
    peer.send(message(Term::tuple({21, from, to, ref, word})));      // monitor_p_exit
    peer.send(message(Term::tuple({28, from, to, ref}), word));      // payload_monitor_p_exit
    peer.send(message(Term::tuple({29, ref, from, from, Term::tuple({word, word, 0}), Term()}), Term()));
    sent += 17;
  }
  // In its own name it is heard, and so the ones before have been.
  const Pid own{NodeName("p@127.0.0.1"), 1, 0, 77};
  peer.send(message(Term::tuple({22, own, to}), Term::atom("own")));
  EXPECT_EQ(a.record.take("send").term, encode(Atom("own")));
  EXPECT_EQ(a->counters().senders_forged, sent);
  for (const char* kind : {"send", "send_named", "send_alias", "link", "unlink", "unlink_ack", "exit",
                           "exit2", "monitor", "monitor_named", "demonitor", "monitor_exit", "down"})
    EXPECT_EQ(a.record.count(kind), 0U) << kind;
  EXPECT_EQ(a->known_nodes(), 1U);
  EXPECT_EQ(lines.count("in the name of"), 1);
}

TEST(Impostor, AMessageOfNobodyIsThePeers) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer peer(a->port(), "p@127.0.0.1", "secret");
  ASSERT_TRUE(peer.connect(a.name()));
  peer.send(message(Term::tuple({2, Term::atom(""), a.pid()}), Term::atom("hello")));  // send
  const auto sent = a.record.take("send");
  EXPECT_EQ(sent.from.node, NodeName("p@127.0.0.1"));
  EXPECT_EQ(sent.from.id, 0U);
}

TEST(Impostor, AnswersGoToConnectedNodesOnly) {
  TestNode a(without_epmd("a@127.0.0.1"));
  for (std::uint32_t i = 0; i < 500; ++i) {
    const NodeName node("nobody" + std::to_string(i) + "@no-such-host-" + std::to_string(i));
    const Pid to{node, i, 0, 77};
    const Ref ref{node, 77, {1, 2, 3}};
    const EncodedTerm tag = encode(ref);
    a->reply(a.pid(), process::GenFrom{.pid = to, .tag = BytesView(tag).substr(1), .alias = ref}, encode(1),
             false);
    a->monitor_exit(a.pid(), {}, to, ref, encode(Atom("noproc")));
    a->unlink_ack(a.pid(), to, 7);
    a->exit(a.pid(), to, encode(Atom("noproc")));
    a->demonitor(a.pid(), to, ref);
    a->unlink(a.pid(), to, 8);
  }
  EXPECT_EQ(a->counters().answers_dropped, 3000U);
  EXPECT_EQ(a->known_nodes(), 0U);
  EXPECT_EQ(a.record.count("failed"), 0U);
  EXPECT_EQ(a.record.count("node_down"), 0U);
}

TEST(Impostor, BroodNodesProveToEachOtherWhoTheyAre) {
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode b(without_epmd("b@127.0.0.1"));
  a->set_address(b.name(), "127.0.0.1", b->port());
  a->connect(b.name());
  a.record.take("up");
  b.record.take("up");
  EXPECT_TRUE(a->is_proven(b.name()));
  EXPECT_TRUE(b->is_proven(a.name()));
  FakePeer otp(a->port(), "otp@127.0.0.1", "secret", 77, without_proof);
  ASSERT_TRUE(otp.connect(a.name()));
  a.record.take("up");
  EXPECT_FALSE(a->is_proven(NodeName("otp@127.0.0.1")));
}

TEST(Impostor, WhereAProofIsRequiredNobodyComesInWithout) {
  auto strict = without_epmd("a@127.0.0.1");
  strict.require_proof = true;
  const log::LogCapture lines;
  TestNode a(strict);
  for (int i = 0; i < 3; ++i) {
    FakePeer otp(a->port(), "otp@127.0.0.1", "secret", 77, without_proof);
    EXPECT_FALSE(otp.connect(a.name()));
  }
  EXPECT_TRUE(eventually([&] { return a->counters().proofs_refused == 3; }));
  EXPECT_EQ(lines.count("does not prove who it is"), 1);
  FakePeer brood(a->port(), "b@127.0.0.1", "secret");
  EXPECT_TRUE(brood.connect(a.name()));
}

/// Between a node that dials a name that he has taken and a node that he dials as the first one: he hands all
/// packets on, and puts the names that each wants to read. He has no cookie.
class Relay {
 public:
  Relay(std::uint16_t target, std::string real_name, std::string taken_name)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        real_(std::move(real_name)),
        taken_(std::move(taken_name)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, target] { run(target); });
  }
  ~Relay() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Takes the proof's flag out of what the one dialled, or both, say.
  void strip() { strips_ = true; }

 private:
  void run(std::uint16_t target) {
    for (;;) {
      const int dialler = ::accept(listener_, nullptr, nullptr);
      if (dialler < 0) return;
      const int other = connect_to(target);
      std::thread back([&] { pass(other, dialler); });
      pass(dialler, other);
      back.join();
      ::close(dialler);
      ::close(other);
    }
  }
  /// Names and challenges: a length of two bytes, "N", then the flags. Digests may have an N anywhere.
  static void strip_flag(Bytes& text) {
    for (std::size_t at = 0; at + 3 < text.size();) {
      const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
      if (byte(at + 2) == 'N') text[at + 3] = static_cast<char>(byte(at + 3) & ~0x02U);
      at += 2U + byte(at) * 256U + byte(at + 1);
    }
  }
  void pass(int from, int to) const {
    char chunk[4096];
    for (;;) {
      const ssize_t count = ::recv(from, chunk, sizeof chunk, 0);
      if (count <= 0) break;
      Bytes text(chunk, static_cast<std::size_t>(count));
      if (const auto at = text.find(real_); at != Bytes::npos) text.replace(at, real_.size(), taken_);
      if (strips_) strip_flag(text);
      (void)!::send(to, text.data(), text.size(), MSG_NOSIGNAL);
    }
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
  }

  int listener_;
  const std::string real_;
  const std::string taken_;
  std::uint16_t port_ = 0;
  std::atomic<bool> strips_{false};
  std::thread thread_;
};

TEST(Impostor, ARelayedHandshakeMakesNoConnection) {
  const log::LogCapture lines;
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode b(without_epmd("b@127.0.0.1"));
  const Relay relay(b->port(), "b@127.0.0.1", "s@127.0.0.1");
  a->set_address(NodeName("s@127.0.0.1"), "127.0.0.1", relay.port());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    a->connect(NodeName("s@127.0.0.1"));
    EXPECT_EQ(a.record.take("failed").words.substr(0, 11), "not_proven:");
    EXPECT_EQ(a->counters().proofs_refused, i);
  }
  EXPECT_EQ(lines.count("not connected to s@127.0.0.1"), 1);
  EXPECT_EQ(b.record.count("up"), 0U);
  EXPECT_TRUE(a->peers().empty());
}

/// He can take the flag away: then the two hold each other for Erlang nodes, which is seen, and is refused
/// where no such nodes may come.
TEST(Impostor, WhoTakesTheFlagAwayIsAtMostAnUnprovenPeer) {
  TestNode a(without_epmd("a@127.0.0.1"));
  TestNode b(without_epmd("b@127.0.0.1"));
  auto strict = without_epmd("c@127.0.0.1");
  strict.require_proof = true;
  TestNode c(strict);
  Relay relay(b->port(), "b@127.0.0.1", "s@127.0.0.1");
  relay.strip();
  const NodeName taken("s@127.0.0.1");
  for (TestNode* node : {&a, &c}) (*node)->set_address(taken, "127.0.0.1", relay.port());
  a->connect(taken);
  a.record.take("up");
  b.record.take("up");
  EXPECT_FALSE(a->is_proven(taken));
  EXPECT_FALSE(b->is_proven(a.name()));
  a->disconnect(taken);
  c->connect(taken);
  EXPECT_EQ(c.record.take("failed").words.substr(0, 11), "not_proven:");
}

TEST(Impostor, APeerWithoutProofCannotTakeThePlaceOfOneThatHasProved) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer good(a->port(), "p@127.0.0.1", "secret", 1001);
  ASSERT_TRUE(good.connect(a.name()));
  a.record.take("up");
  FakePeer same_start(a->port(), "p@127.0.0.1", "secret", 1001, without_proof);
  EXPECT_FALSE(same_start.connect(a.name()));
  FakePeer other_start(a->port(), "p@127.0.0.1", "secret", 1002, without_proof);
  EXPECT_FALSE(other_start.connect(a.name()));
  EXPECT_EQ(a.record.count("down"), 0U);
  EXPECT_TRUE(a->is_proven(NodeName("p@127.0.0.1")));
  EXPECT_EQ(a->counters().handshakes_refused, 2U);
}

TEST(Impostor, WhoProvesHisNameTakesItFromOneWhoOnlySaysIt) {
  TestNode a(without_epmd("a@127.0.0.1"));
  FakePeer squatter(a->port(), "p@127.0.0.1", "secret", 1001, without_proof);
  ASSERT_TRUE(squatter.connect(a.name()));
  a.record.take("up");
  FakePeer wrong(a->port(), "p@127.0.0.1", "guess", 1002);
  EXPECT_FALSE(wrong.connect(a.name()));
  EXPECT_EQ(a.record.count("down"), 0U);
  TestNode p(without_epmd("p@127.0.0.1"));
  p->set_address(a.name(), "127.0.0.1", a->port());
  p->connect(a.name());
  EXPECT_EQ(a.record.take("down").words.substr(0, 9), "replaced:");
  a.record.take("up");
  EXPECT_TRUE(a->is_proven(p.name()));
  EXPECT_TRUE(squatter.is_closed());
}

TEST(Impostor, PeersThatReadNothingAreCutBeforeTheyHoldTooMuchTogether) {
  const log::LogCapture lines;
  auto options = without_epmd("a@127.0.0.1");
  options.send_total_max = 8 * 1024 * 1024;
  TestNode a(options);
  TestNode b(without_epmd("b@127.0.0.1"));
  a->set_address(b.name(), "127.0.0.1", b->port());
  a->connect(b.name());
  a.record.take("up");
  std::vector<std::unique_ptr<FakePeer>> deaf;
  for (int i = 0; i < 8; ++i) {
    deaf.push_back(
        std::make_unique<FakePeer>(a->port(), "deaf" + std::to_string(i) + "@127.0.0.1", "secret"));
    ASSERT_TRUE(deaf.back()->connect(a.name()));
    a.record.take("up");
  }
  const EncodedTerm large = encode(Binary{Bytes(100'000, 'x')});
  const EncodedTerm tag = encode(a.ref());
  std::size_t most = 0;
  int answered = 0;
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 8; ++i) {
      const Pid to{NodeName("deaf" + std::to_string(i) + "@127.0.0.1"), 1, 0, 77};
      a->reply(a.pid(), process::GenFrom{.pid = to, .tag = BytesView(tag).substr(1), .alias = a.ref()}, large,
               false);
      most = std::max(most, a->counters().bytes_waiting);
    }
    // Who reads is served meanwhile.
    a->send(a.pid(), b.pid(), large);
    EXPECT_EQ(b.record.take("send").term, large);
    ++answered;
    return a.record.count("down") == 8;
  }));
  EXPECT_GT(answered, 10);
  EXPECT_LE(most, 12U * 1024 * 1024);
  EXPECT_EQ(a->counters().slowest_cut, 8U);
  EXPECT_EQ(a.record.take("down").words.substr(0, 9), "overflow:");
  EXPECT_EQ(lines.count(" is cut: "), 8);
  EXPECT_TRUE(eventually([&] { return a->counters().bytes_waiting == 0; }));
  EXPECT_EQ(b.record.count("down"), 0U);
}

TEST(Impostor, WhatWaitsForANodeThatDoesNotAnswerCountsToo) {
  const DeafServer silent;
  auto options = without_epmd("a@127.0.0.1");
  options.send_total_max = 4 * 1024 * 1024;
  options.handshake_timeout = 20s;
  TestNode a(options);
  const NodeName node("s@127.0.0.1");
  a->set_address(node, "127.0.0.1", silent.port());
  const EncodedTerm large = encode(Binary{Bytes(1'000'000, 'x')});
  for (int i = 0; i < 6; ++i) a->send(a.pid(), Pid{node, 1, 0, 77}, large);
  EXPECT_EQ(a.record.take("failed").name, node.text());
  EXPECT_TRUE(eventually([&] { return a->counters().bytes_waiting == 0; }));
}

TEST(Impostor, PeersThatHaveGoneLeaveNothingBehind) {
  Epmd epmd;
  auto options = options_of("a@127.0.0.1", epmd.port());
  options.forget_after = 100ms;
  TestNode a(options);
  ASSERT_TRUE(a.started().has_value());
  for (int i = 0; i < 300; ++i) {
    const std::string name = "client" + std::to_string(i) + "@127.0.0.1";
    FakePeer client(a->port(), name, "secret");
    ASSERT_TRUE(client.connect(a.name()));
    a.record.take("up");
    a->set_tick_timeout(NodeName(name), 5s);
    a->suggest_address(NodeName(name), "127.0.0.1", 9);
    client.close();
    a.record.take("down");
  }
  // Nodes that are looked for and are not there; and one with an address that EPMD has told.
  for (int i = 0; i < 50; ++i) {
    const NodeName name("absent" + std::to_string(i) + "@127.0.0.1");
    a->connect(name);
    a.record.take("failed");
  }
  TestNode b(options_of("b@127.0.0.1", epmd.port()));
  b->connect(a.name());
  a.record.take("up");
  b.end();
  a.record.take("down");
  EXPECT_TRUE(eventually([&] { return a->known_nodes() == 0; })) << a->known_nodes();
}

TEST(Impostor, AnAddressThatTheOperatorGaveIsKept) {
  auto options = without_epmd("a@127.0.0.1");
  options.forget_after = 50ms;
  TestNode a(options);
  a->suggest_address(NodeName("b@127.0.0.1"), "127.0.0.1", 9);
  a->set_address(NodeName("c@127.0.0.1"), "127.0.0.1", 9);
  EXPECT_TRUE(eventually([&] { return a->known_nodes() == 1; }));
  EXPECT_FALSE(eventually([&] { return a->known_nodes() == 0; }, 200ms));
}

TEST(LogLimiter, ForgetsWhatHasPassed) {
  LogLimiter limiter;
  const auto now = LogLimiter::Clock::now();
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(limiter.allow(std::to_string(i), now));
  limiter.sweep(now + std::chrono::seconds(30));
  EXPECT_EQ(limiter.size(), 500U);
  limiter.sweep(now + std::chrono::seconds(61));
  EXPECT_EQ(limiter.size(), 0U);
}

}  // namespace impostor_test
}  // namespace brood::node
