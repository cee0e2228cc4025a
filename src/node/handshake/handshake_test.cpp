#include "node/handshake/handshake.hpp"

#include <gtest/gtest.h>

#include "node/handshake/digest.hpp"
#include "node/handshake/flags.hpp"
#include "node/net/wire.hpp"

namespace brood::node {
namespace handshake_test {

using Event = Handshake::Event;

HandshakeOptions options(const std::string& name, const std::string& cookie = "secret",
                         std::uint32_t challenge = 5) {
  return {.self = NodeName(name),
          .creation = 1000,
          .flags = flag::announced,
          .cookie = cookie,
          .challenge = challenge};
}

/// Hands each packet in what `from` has to send to `to`; the last event.
Event pass(Handshake& from, Handshake& to) {
  Bytes output = from.take_output();
  Event event = Event::more;
  for (;;) {
    auto packet = take_handshake_packet(output);
    EXPECT_TRUE(packet.has_value());
    if (!packet || !packet->has_value()) return event;
    event = to.on_packet(**packet);
    if (event != Event::more) return event;
  }
}

TEST(Handshake, TwoNodesWithOneCookieEstablish) {
  auto a = Handshake::initiator(options("a@h", "secret", 11), NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h", "secret", 22));
  ASSERT_EQ(pass(a, b), Event::decide);
  EXPECT_EQ(b.peer().name, NodeName("a@h"));
  EXPECT_EQ(b.peer().creation, 1000U);
  EXPECT_EQ(b.decide(HandshakeStatus::ok), Event::more);
  EXPECT_EQ(pass(b, a), Event::more);
  EXPECT_EQ(pass(a, b), Event::authenticated);
  EXPECT_EQ(b.acknowledge(), Event::more);
  EXPECT_EQ(pass(b, a), Event::established);
  EXPECT_EQ(pass(a, b), Event::established);
  EXPECT_EQ(a.peer().flags, flag::announced);
  EXPECT_TRUE(a.proves());
  EXPECT_TRUE(b.proves());
}

TEST(Handshake, APeerThatKnowsNoProofIsLetInUnproven) {
  auto otp = options("a@h");
  otp.flags &= ~flag::proof;
  auto a = Handshake::initiator(otp, NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  ASSERT_EQ(pass(a, b), Event::decide);
  b.decide(HandshakeStatus::ok);
  pass(b, a);
  EXPECT_EQ(pass(a, b), Event::authenticated);
  EXPECT_EQ(b.acknowledge(), Event::established);
  EXPECT_EQ(pass(b, a), Event::established);
  EXPECT_FALSE(b.proves());
  EXPECT_FALSE(a.proves());
}

TEST(Handshake, WhereAProofIsRequiredAPeerWithoutIsRefused) {
  auto otp = options("a@h");
  otp.flags &= ~flag::proof;
  auto strict = options("b@h");
  strict.proof_required = true;
  auto a = Handshake::initiator(otp, NodeName("b@h"));
  auto b = Handshake::acceptor(strict);
  EXPECT_EQ(pass(a, b), Event::failed);
  EXPECT_EQ(b.failure(), HandshakeFailure::no_proof);
  EXPECT_EQ(pass(b, a), Event::failed);
  EXPECT_EQ(a.failure(), HandshakeFailure::not_allowed);
  // And when it is the one that was dialled.
  strict.self = NodeName("a@h");
  otp.self = NodeName("b@h");
  auto dialler = Handshake::initiator(strict, NodeName("b@h"));
  auto answers = Handshake::acceptor(otp);
  ASSERT_EQ(pass(dialler, answers), Event::decide);
  answers.decide(HandshakeStatus::ok);
  EXPECT_EQ(pass(answers, dialler), Event::failed);
  EXPECT_EQ(dialler.failure(), HandshakeFailure::no_proof);
  EXPECT_TRUE(dialler.take_output().empty());
}

/// Both ends up to the acceptor's ack and proof, which are returned.
std::pair<Bytes, Bytes> ack_and_proof(Handshake& a, Handshake& b) {
  pass(a, b);
  b.decide(HandshakeStatus::ok);
  pass(b, a);
  pass(a, b);
  b.acknowledge();
  Bytes output = b.take_output();
  Bytes ack = **take_handshake_packet(output);
  return {ack, **take_handshake_packet(output)};
}

TEST(Handshake, NothingElseIsTakenInPlaceOfAProof) {
  for (const Bytes& bad : {Bytes(), Bytes("p"), Bytes("p").append(32, 'x'), Bytes("a").append(16, 'x')}) {
    auto a = Handshake::initiator(options("a@h", "secret", 11), NodeName("b@h"));
    auto b = Handshake::acceptor(options("b@h", "secret", 22));
    const auto [ack, proof] = ack_and_proof(a, b);
    EXPECT_EQ(a.on_packet(ack), Event::more);
    EXPECT_EQ(a.on_packet(bad), Event::failed);
    EXPECT_EQ(a.failure(), HandshakeFailure::bad_proof);
    EXPECT_EQ(b.on_packet(bad), Event::failed);
    EXPECT_EQ(b.failure(), HandshakeFailure::bad_proof);
    // Its own, shown to it again.
    auto c = Handshake::acceptor(options("b@h", "secret", 22));
    auto d = Handshake::initiator(options("a@h", "secret", 11), NodeName("b@h"));
    EXPECT_EQ(c.on_packet(proof), Event::failed);
    const auto [again, own] = ack_and_proof(d, b = Handshake::acceptor(options("b@h", "secret", 22)));
    EXPECT_EQ(b.on_packet(own), Event::failed);
  }
}

/// What somebody does who stands between two nodes and has no cookie: he hands on all packets and writes the
/// names that each wants to read. The digests pass, the proofs do not.
TEST(Handshake, ARelayedHandshakeUnderAnotherNameFailsByTheProof) {
  auto victim = Handshake::initiator(options("a@h", "secret", 11), NodeName("s@h"));
  auto other = Handshake::acceptor(options("b@h", "secret", 22));
  pass(victim, other);
  other.decide(HandshakeStatus::ok);
  Bytes output = other.take_output();
  EXPECT_EQ(victim.on_packet(**take_handshake_packet(output)), Event::more);
  Bytes challenge = **take_handshake_packet(output);
  challenge.replace(challenge.find("b@h"), 3, "s@h");
  EXPECT_EQ(victim.on_packet(challenge), Event::more);
  EXPECT_EQ(pass(victim, other), Event::authenticated);
  EXPECT_EQ(other.acknowledge(), Event::more);
  EXPECT_EQ(pass(other, victim), Event::failed);
  EXPECT_EQ(victim.failure(), HandshakeFailure::bad_proof);
  EXPECT_EQ(pass(victim, other), Event::failed);
  EXPECT_EQ(other.failure(), HandshakeFailure::bad_proof);
}

/// The flag taken off on one way only: the side that still sees it waits for a proof. Taken off on both, the
/// two are strangers to each other and have what strangers have, which is what each node decides.
TEST(Handshake, TheFlagOfTheProofCannotBeTakenOffOneSide) {
  auto a = Handshake::initiator(options("a@h", "secret", 11), NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h", "secret", 22));
  Bytes output = a.take_output();
  Bytes name = **take_handshake_packet(output);
  name[1] = static_cast<char>(name[1] & ~0x02);  // bit 57
  ASSERT_EQ(b.on_packet(name), Event::decide);
  b.decide(HandshakeStatus::ok);
  EXPECT_EQ(pass(b, a), Event::more);
  EXPECT_EQ(pass(a, b), Event::authenticated);
  EXPECT_EQ(b.acknowledge(), Event::established);
  EXPECT_FALSE(b.proves());
  EXPECT_EQ(pass(b, a), Event::more);  // it waits
  Bytes proof = a.take_output();
  EXPECT_EQ(a.on_packet("\x83 a message"), Event::failed);
}

TEST(Handshake, AProofIsOfAllThatWasSaid) {
  const ProofParty a{NodeName("a@h"), 1000, flag::announced, 11};
  const ProofParty b{NodeName("b@h"), 1001, flag::announced, 22};
  const ProofDigest proof = proof_digest("secret", ProofFrom::acceptor, a, b);
  EXPECT_TRUE(proof_equals(proof, {reinterpret_cast<const char*>(proof.data()), proof.size()}));
  EXPECT_NE(proof, proof_digest("Secret", ProofFrom::acceptor, a, b));
  EXPECT_NE(proof, proof_digest("secret", ProofFrom::initiator, a, b));
  EXPECT_NE(proof, proof_digest("secret", ProofFrom::acceptor, b, a));
  for (int what = 0; what < 4; ++what) {
    ProofParty other = b;
    if (what == 0) other.name = NodeName("c@h");
    if (what == 1) other.creation ^= 1;
    if (what == 2) other.flags ^= flag::call_watch;
    if (what == 3) other.challenge ^= 1;
    EXPECT_NE(proof, proof_digest("secret", ProofFrom::acceptor, a, other)) << what;
    EXPECT_NE(proof_digest("secret", ProofFrom::initiator, b, a),
              proof_digest("secret", ProofFrom::initiator, other, a))
        << what;
  }
  // As Python's hmac has it.
  const ProofParty small{NodeName("a@h"), 1, 2, 3};
  EXPECT_EQ(proof_digest("secret", ProofFrom::initiator, small, small)[0], 0x4e);
  EXPECT_EQ(proof_digest("secret", ProofFrom::initiator, small, small)[31], 0xae);
}

/// What a node without a name sends first.
Bytes nameless(std::string_view host) {
  Bytes packet = "N";
  wire::put(packet, flag::announced | flag::name_me, 8);
  wire::put(packet, 0, 4);
  wire::put(packet, host.size(), 2);
  return packet.append(host);
}

TEST(Handshake, ANodeWithoutANameIsGivenOne) {
  auto given = options("b@h");
  given.given_name = "x1";
  given.given_creation = 77;
  auto b = Handshake::acceptor(given);
  ASSERT_EQ(b.on_packet(nameless("host")), Event::decide);
  EXPECT_EQ(b.peer().name, NodeName("x1@host"));
  EXPECT_EQ(b.peer().creation, 77U);
  EXPECT_EQ(b.decide(HandshakeStatus::ok), Event::more);
  Bytes output = b.take_output();
  EXPECT_EQ(take_handshake_packet(output)->value(), Bytes("snamed:\x00\x07x1@host\x00\x00\x00\x4d", 20));
  const auto challenge = take_handshake_packet(output)->value();
  EXPECT_EQ(wire::get(challenge.substr(1), 8), flag::announced | flag::name_me);
}

TEST(Handshake, ANodeWithoutANameIsRefusedWhereNoneCanBeGiven) {
  auto none = Handshake::acceptor(options("b@h"));
  EXPECT_EQ(none.on_packet(nameless("host")), Event::failed);
  auto given = options("b@h");
  given.given_name = "x1";
  auto named = Handshake::acceptor(given);
  EXPECT_EQ(named.on_packet(nameless("a@host")), Event::failed);
  auto taken = Handshake::acceptor(given);
  ASSERT_EQ(taken.on_packet(nameless("host")), Event::decide);
  EXPECT_EQ(taken.decide(HandshakeStatus::alive), Event::failed);
  EXPECT_EQ(taken.take_output(), Bytes("\x00\x0csnot_allowed", 14));
}

TEST(Handshake, AnotherCookieIsRefusedByTheAcceptor) {
  auto a = Handshake::initiator(options("a@h", "guess"), NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  ASSERT_EQ(pass(a, b), Event::decide);
  b.decide(HandshakeStatus::ok);
  pass(b, a);
  EXPECT_EQ(pass(a, b), Event::failed);
  EXPECT_EQ(b.failure(), HandshakeFailure::wrong_cookie);
  EXPECT_TRUE(b.take_output().empty());
  EXPECT_TRUE(a.sent_digest());
}

TEST(Handshake, AWrongAcknowledgementIsRefusedByTheInitiator) {
  auto a = Handshake::initiator(options("a@h"), NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  ASSERT_EQ(pass(a, b), Event::decide);
  b.decide(HandshakeStatus::ok);
  pass(b, a);
  EXPECT_EQ(a.on_packet(Bytes("a").append(16, 'x')), Event::failed);
  EXPECT_EQ(a.failure(), HandshakeFailure::wrong_cookie);
}

TEST(Handshake, EachStatusHasItsEffect) {
  const auto dialled = [](std::string_view status) {
    auto a = Handshake::initiator(options("a@h"), NodeName("b@h"));
    const Event event = a.on_packet(status);
    return std::pair(event, a.failure());
  };
  EXPECT_EQ(dialled("sok").first, Event::more);
  EXPECT_EQ(dialled("sok_simultaneous").first, Event::more);
  EXPECT_EQ(dialled("salive").first, Event::alive);
  EXPECT_EQ(dialled("snok"), std::pair(Event::failed, HandshakeFailure::nok));
  EXPECT_EQ(dialled("snot_allowed"), std::pair(Event::failed, HandshakeFailure::not_allowed));
  EXPECT_EQ(dialled("snamed:xx"), std::pair(Event::failed, HandshakeFailure::malformed));
  EXPECT_EQ(dialled(""), std::pair(Event::failed, HandshakeFailure::malformed));
}

TEST(Handshake, AliveAndTrueGoOn) {
  auto a = Handshake::initiator(options("a@h"), NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  ASSERT_EQ(pass(a, b), Event::decide);
  b.decide(HandshakeStatus::alive);
  ASSERT_EQ(pass(b, a), Event::alive);
  EXPECT_EQ(a.answer_alive(true), Event::more);
  EXPECT_EQ(pass(a, b), Event::more);
  EXPECT_EQ(pass(b, a), Event::more);
  EXPECT_EQ(pass(a, b), Event::authenticated);
  EXPECT_TRUE(a.was_alive());
}

TEST(Handshake, AliveAndFalseEnds) {
  auto a = Handshake::initiator(options("a@h"), NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  ASSERT_EQ(pass(a, b), Event::decide);
  b.decide(HandshakeStatus::alive);
  ASSERT_EQ(pass(b, a), Event::alive);
  EXPECT_EQ(a.answer_alive(false), Event::failed);
  EXPECT_EQ(pass(a, b), Event::failed);
  EXPECT_EQ(b.failure(), HandshakeFailure::declined);
}

TEST(Handshake, APeerWithoutNeededFlagsIsToldSo) {
  auto old = options("a@h");
  old.flags &= ~(flag::mandatory_25_digest | flag::map_tag | flag::big_creation);
  auto a = Handshake::initiator(old, NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  EXPECT_EQ(pass(a, b), Event::failed);
  EXPECT_EQ(b.failure(), HandshakeFailure::missing_flags);
  EXPECT_NE(b.words().find("MAP_TAG, BIG_CREATION"), std::string::npos) << b.words();
  EXPECT_EQ(pass(b, a), Event::failed);
  EXPECT_EQ(a.failure(), HandshakeFailure::not_allowed);
}

TEST(Handshake, APeerWithNothingButTheNeededFlagsIsLetIn) {
  auto plain = options("a@h");
  plain.flags = flag::required;
  auto a = Handshake::initiator(plain, NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  EXPECT_EQ(pass(a, b), Event::decide);
}

TEST(Handshake, TheDigestFlagStandsForTheMandatoryOnes) {
  auto shortened = options("a@h");
  shortened.flags &= ~flag::mandatory_25;
  auto a = Handshake::initiator(shortened, NodeName("b@h"));
  auto b = Handshake::acceptor(options("b@h"));
  EXPECT_EQ(pass(a, b), Event::decide);
}

TEST(Handshake, AnotherNodeAtThatAddressIsNoticed) {
  auto a = Handshake::initiator(options("a@h"), NodeName("b@h"));
  auto c = Handshake::acceptor(options("c@h"));
  ASSERT_EQ(pass(a, c), Event::decide);
  c.decide(HandshakeStatus::ok);
  EXPECT_EQ(pass(c, a), Event::failed);
  EXPECT_EQ(a.failure(), HandshakeFailure::other_node);
}

TEST(Handshake, AnOldNameWithItsComplementIsUnderstood) {
  Bytes name = "n";
  wire::put(name, 5, 2);
  wire::put(name, flag::announced & 0xffffffff, 4);
  name += "a@h";
  auto b = Handshake::acceptor(options("b@h", "secret", 22));
  ASSERT_EQ(b.on_packet(name), Event::decide);
  b.decide(HandshakeStatus::ok);
  Bytes complement = "c";
  wire::put(complement, flag::announced >> 32, 4);
  wire::put(complement, 321, 4);
  EXPECT_EQ(b.on_packet(complement), Event::more);
  Bytes reply = "r";
  wire::put(reply, 33, 4);
  const Digest digest = cookie_digest("secret", 22);
  reply.append(digest.begin(), digest.end());
  EXPECT_EQ(b.on_packet(reply), Event::authenticated);
  EXPECT_EQ(b.peer().creation, 321U);
  EXPECT_EQ(b.peer().flags, flag::announced);
}

TEST(Handshake, MalformedNamesAreRefused) {
  const auto refused = [](const Bytes& packet) {
    auto b = Handshake::acceptor(options("b@h"));
    return b.on_packet(packet) == Event::failed;
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("GET / HTTP/1.1"));
  EXPECT_TRUE(refused("N"));
  const auto named = [](std::string_view name, std::size_t claimed) {
    Bytes packet = "N";
    wire::put(packet, flag::announced, 8);
    wire::put(packet, 1, 4);
    wire::put(packet, claimed, 2);
    return packet.append(name);
  };
  EXPECT_FALSE(refused(named("a@h", 3)));
  EXPECT_TRUE(refused(named("a@h", 4)));
  EXPECT_TRUE(refused(named("ah", 2)));
  EXPECT_TRUE(refused(named("@h", 2)));
  EXPECT_TRUE(refused(named("a@b@c", 5)));
  EXPECT_TRUE(refused(named("a\n@h", 4)));
  std::string long_name(300, 'a');
  long_name.append("@h");
  EXPECT_TRUE(refused(named(long_name, long_name.size())));
}

TEST(Handshake, EveryCutOfAPacketFailsOrWaits) {
  auto a = Handshake::initiator(options("a@h"), NodeName("b@h"));
  const Bytes output = a.take_output();
  for (std::size_t cut = 0; cut < output.size(); ++cut) {
    Bytes part = output.substr(0, cut);
    const auto packet = take_handshake_packet(part);
    ASSERT_TRUE(packet.has_value());
    EXPECT_FALSE(packet->has_value());
    if (cut < 2) continue;
    auto b = Handshake::acceptor(options("b@h"));
    EXPECT_EQ(b.on_packet(output.substr(2, cut - 2)), Event::failed);
  }
}

TEST(Handshake, LongPacketsAreRefusedByTheirLengthAlone) {
  Bytes buffer("\xff\xff", 2);
  EXPECT_FALSE(take_handshake_packet(buffer).has_value());
}

TEST(Handshake, DigestComparisonSeesEveryByte) {
  const Digest digest = cookie_digest("secret", 12345);
  Bytes text(digest.begin(), digest.end());
  EXPECT_TRUE(digest_equals(digest, text));
  EXPECT_FALSE(digest_equals(digest, text.substr(1)));
  for (char& byte : text) {
    byte = static_cast<char>(byte ^ 1);
    EXPECT_FALSE(digest_equals(digest, text));
    byte = static_cast<char>(byte ^ 1);
  }
  EXPECT_EQ(static_cast<unsigned char>(text[0]), 0xd4);  // md5sum of "secret12345".
  EXPECT_EQ(static_cast<unsigned char>(text[15]), 0x88);
}

}  // namespace handshake_test
}  // namespace brood::node
