#include "node/handshake/handshake.hpp"

#include <fmt/format.h>

#include "node/handshake/digest.hpp"
#include "node/handshake/flags.hpp"
#include "node/net/names.hpp"
#include "node/net/wire.hpp"

namespace brood::node {
namespace {

constexpr std::string_view not_the_protocol = "what it sends is not a handshake of Erlang distribution";

std::string_view status_text(HandshakeStatus status) {
  switch (status) {
    case HandshakeStatus::ok:
      return "ok";
    case HandshakeStatus::ok_simultaneous:
      return "ok_simultaneous";
    case HandshakeStatus::nok:
      return "nok";
    case HandshakeStatus::not_allowed:
      return "not_allowed";
    case HandshakeStatus::alive:
      return "alive";
  }
  return "not_allowed";
}

template <typename Bytes>
BytesView view(const Bytes& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

Result<std::optional<Bytes>> take_handshake_packet(Bytes& buffer, LengthBytes length_bytes) {
  const auto head = static_cast<unsigned>(length_bytes);
  if (buffer.size() < head) return std::optional<Bytes>();
  const auto length = static_cast<std::size_t>(wire::get(buffer, head));
  if (length > handshake_packet_bytes_max) {
    return Error{Errc::malformed, fmt::format("a handshake packet of {} bytes", length)};
  }
  if (buffer.size() < head + length) return std::optional<Bytes>();
  std::optional<Bytes> packet(buffer.substr(head, length));
  buffer.erase(0, head + length);
  return packet;
}

Handshake Handshake::initiator(HandshakeOptions options, NodeName peer) {
  Handshake handshake(std::move(options));
  handshake.state_ = State::status;
  handshake.is_initiator_ = true;
  handshake.peer_.name = std::move(peer);
  const HandshakeOptions& own = handshake.options_;
  Bytes packet = "N";
  wire::put(packet, own.flags, 8);
  wire::put(packet, own.creation, 4);
  wire::put(packet, own.self.text().size(), 2);
  packet += own.self.text();
  handshake.send(packet);
  return handshake;
}

Handshake Handshake::acceptor(HandshakeOptions options) {
  return Handshake(std::move(options));
}

Handshake::Event Handshake::on_packet(BytesView packet) {
  switch (state_) {
    case State::name:
      return on_name(packet);
    case State::alive_answer:
      return on_alive_answer(packet);
    case State::reply:
      return on_reply(packet);
    case State::status:
      return on_status(packet);
    case State::challenge:
      return on_challenge(packet);
    case State::ack:
      return on_ack(packet);
    case State::proof:
      return on_proof(packet);
    case State::deciding:
    case State::authenticated:
    case State::alive_question:
    case State::established:
    case State::failed:
      break;
  }
  return fail(HandshakeFailure::malformed, "it sent a packet out of turn");
}

Handshake::Event Handshake::on_name(BytesView packet) {
  wire::Cursor in(packet);
  const std::uint8_t tag = in.u8();
  BytesView name;
  if (tag == 'N') {
    peer_.flags = flag::expand(in.u64());
    peer_.creation = in.u32();
    name = in.take(in.u16());
  } else if (tag == 'n') {
    const std::uint16_t version = in.u16();
    peer_.flags = flag::expand(in.u32());
    name = in.rest();
    old_name_ = true;
    if (version != 5) return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  } else {
    return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  }
  if (in.bad()) return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  if ((peer_.flags & flag::name_me) != 0) {
    give_name(name);
  } else {
    peer_.name = NodeName(name);
  }
  if (!is_node_name(peer_.name.text())) {
    peer_.name = {};
    return fail(HandshakeFailure::malformed, "its node name is not name@host");
  }
  // The high flags of an old name come later; it then must at least be able to send them.
  const std::uint64_t needed = old_name_ ? flag::required & 0xffffffffU : flag::required;
  if ((peer_.flags & needed) != needed) {
    send_status("not_allowed");
    return fail(HandshakeFailure::missing_flags,
                fmt::format("it lacks {} (OTP 23 or later has them)", flag::missing(peer_.flags)));
  }
  if (!old_name_ && options_.proof_required && !proves()) {
    send_status("not_allowed");
    return refuse_without_proof();
  }
  state_ = State::deciding;
  return Event::decide;
}

void Handshake::give_name(BytesView host) {
  peer_.name = NodeName(fmt::format("{}@{}", options_.given_name, host));
  peer_.creation = options_.given_creation;
  named_ = true;
}

Handshake::Event Handshake::decide(HandshakeStatus status) {
  BROOD_CHECK(state_ == State::deciding, "decide() answers Event::decide");
  // The name that was made up is in use: another attempt gets another one.
  if (named_ && status != HandshakeStatus::ok) status = HandshakeStatus::not_allowed;
  if (named_ && status == HandshakeStatus::ok) {
    Bytes given = "named:";
    wire::put(given, peer_.name.text().size(), 2);
    given += peer_.name.text();
    wire::put(given, peer_.creation, 4);
    send_status(given);
  } else {
    send_status(status_text(status));
  }
  switch (status) {
    case HandshakeStatus::nok:
      return fail(HandshakeFailure::nok, "our own connection attempt goes on instead");
    case HandshakeStatus::not_allowed:
      return fail(HandshakeFailure::not_allowed, "refused");
    case HandshakeStatus::alive:
      state_ = State::alive_answer;
      return Event::more;
    case HandshakeStatus::ok:
    case HandshakeStatus::ok_simultaneous:
      break;
  }
  send_challenge();
  state_ = State::reply;
  return Event::more;
}

Handshake::Event Handshake::on_alive_answer(BytesView packet) {
  if (packet == "sfalse") return fail(HandshakeFailure::declined, "it gave this connection up");
  if (packet != "strue") return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  was_alive_ = true;
  send_challenge();
  state_ = State::reply;
  return Event::more;
}

Handshake::Event Handshake::on_complement(BytesView packet) {
  wire::Cursor in(packet);
  in.u8();
  peer_.flags |= std::uint64_t{in.u32()} << 32;
  peer_.creation = in.u32();
  if (in.bad() || !in.rest().empty()) return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  old_name_ = false;
  return Event::more;
}

Handshake::Event Handshake::on_reply(BytesView packet) {
  if (old_name_ && !packet.empty() && packet[0] == 'c') return on_complement(packet);
  wire::Cursor in(packet);
  const std::uint8_t tag = in.u8();
  const std::uint32_t challenge = in.u32();
  const BytesView digest = in.take(16);
  if (in.bad() || tag != 'r' || !in.rest().empty()) {
    return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  }
  if (!digest_equals(cookie_digest(options_.cookie, options_.challenge), digest)) {
    return fail(HandshakeFailure::wrong_cookie, "its cookie is another one");
  }
  if ((peer_.flags & flag::required) != flag::required) {
    return fail(HandshakeFailure::missing_flags,
                fmt::format("it lacks {} (OTP 23 or later has them)", flag::missing(peer_.flags)));
  }
  if (options_.proof_required && !proves()) return refuse_without_proof();
  peer_challenge_ = challenge;
  state_ = State::authenticated;
  return Event::authenticated;
}

Handshake::Event Handshake::acknowledge() {
  BROOD_CHECK(state_ == State::authenticated, "acknowledge() answers Event::authenticated");
  send(Bytes("a").append(view(cookie_digest(options_.cookie, peer_challenge_))));
  return prove();
}

bool Handshake::proves() const {
  return (options_.flags & peer_.flags & flag::proof) != 0;
}

Handshake::Event Handshake::refuse_without_proof() {
  return fail(HandshakeFailure::no_proof,
              "it has the cookie, perhaps borrowed, but does not prove who it is, as brood nodes do (see "
              "unproven_peers)");
}

ProofDigest Handshake::proof_of(ProofFrom from) const {
  const ProofParty own{options_.self, options_.creation, flag::expand(options_.flags), options_.challenge};
  const ProofParty peer{peer_.name, peer_.creation, peer_.flags, peer_challenge_};
  return is_initiator_ ? proof_digest(options_.cookie, from, own, peer)
                       : proof_digest(options_.cookie, from, peer, own);
}

Handshake::Event Handshake::prove() {
  if (!proves()) {
    state_ = State::established;
    return Event::established;
  }
  const ProofDigest proof = proof_of(is_initiator_ ? ProofFrom::initiator : ProofFrom::acceptor);
  send(Bytes("p").append(view(proof)));
  state_ = State::proof;
  return Event::more;
}

Handshake::Event Handshake::on_proof(BytesView packet) {
  const ProofDigest expected = proof_of(is_initiator_ ? ProofFrom::acceptor : ProofFrom::initiator);
  if (packet.empty() || packet[0] != 'p' || !proof_equals(expected, packet.substr(1))) {
    return fail(HandshakeFailure::bad_proof,
                "it does not prove to be that node: somebody stands between the two, or plays it");
  }
  state_ = State::established;
  return Event::established;
}

Handshake::Event Handshake::on_status(BytesView packet) {
  if (packet == "sok" || packet == "sok_simultaneous") {
    state_ = State::challenge;
    return Event::more;
  }
  if (packet == "salive") {
    state_ = State::alive_question;
    return Event::alive;
  }
  if (packet == "snok")
    return fail(HandshakeFailure::nok, "its own attempt to connect to us goes on instead");
  if (packet == "snot_allowed") {
    return fail(HandshakeFailure::not_allowed, "it does not allow this node to connect");
  }
  return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
}

Handshake::Event Handshake::answer_alive(bool wanted) {
  BROOD_CHECK(state_ == State::alive_question, "answer_alive() answers Event::alive");
  send_status(wanted ? "true" : "false");
  if (!wanted) return fail(HandshakeFailure::declined, "this attempt is not wanted any more");
  was_alive_ = true;
  state_ = State::challenge;
  return Event::more;
}

Handshake::Event Handshake::on_challenge(BytesView packet) {
  wire::Cursor in(packet);
  const std::uint8_t tag = in.u8();
  if (tag == 'n')
    return fail(HandshakeFailure::missing_flags, "it is older than OTP 23, which is needed at least");
  peer_.flags = flag::expand(in.u64());
  const std::uint32_t challenge = in.u32();
  peer_.creation = in.u32();
  const BytesView name = in.take(in.u16());
  if (in.bad() || tag != 'N') return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  if (name != peer_.name.text()) {
    return fail(HandshakeFailure::other_node, fmt::format("another node, {}, answers there",
                                                          is_node_name(name) ? name : "with no valid name"));
  }
  if ((peer_.flags & flag::required) != flag::required) {
    return fail(HandshakeFailure::missing_flags,
                fmt::format("it lacks {} (OTP 23 or later has them)", flag::missing(peer_.flags)));
  }
  if (options_.proof_required && !proves()) return refuse_without_proof();
  peer_challenge_ = challenge;
  Bytes reply = "r";
  wire::put(reply, options_.challenge, 4);
  reply.append(view(cookie_digest(options_.cookie, challenge)));
  send(reply);
  state_ = State::ack;
  return Event::more;
}

Handshake::Event Handshake::on_ack(BytesView packet) {
  if (packet.size() != 17 || packet[0] != 'a') {
    return fail(HandshakeFailure::malformed, std::string(not_the_protocol));
  }
  if (!digest_equals(cookie_digest(options_.cookie, options_.challenge), packet.substr(1))) {
    return fail(HandshakeFailure::wrong_cookie, "its cookie is another one");
  }
  return prove();
}

Handshake::Event Handshake::fail(HandshakeFailure failure, std::string words) {
  state_ = State::failed;
  failure_ = failure;
  words_ = std::move(words);
  return Event::failed;
}

void Handshake::send(BytesView packet) {
  wire::put(output_, packet.size(), static_cast<unsigned>(options_.length));
  output_ += packet;
}

void Handshake::send_status(std::string_view status) {
  send(Bytes("s").append(status));
}

void Handshake::send_challenge() {
  Bytes packet = "N";
  // Whoever asked for a name looks for its own flag in what both have.
  wire::put(packet, options_.flags | (named_ ? flag::name_me : 0), 8);
  wire::put(packet, options_.challenge, 4);
  wire::put(packet, options_.creation, 4);
  wire::put(packet, options_.self.text().size(), 2);
  packet += options_.self.text();
  send(packet);
}

}  // namespace brood::node
