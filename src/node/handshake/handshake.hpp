// Handshake: how two nodes prove to each other that they know the cookie, as a state machine on packets. It
// knows no socket, clock or random device: whoever drives it hands over each packet (without its two-byte
// length), sends what output() holds, and answers the questions it asks.
//
//   initiator: name -> [status] -> (alive? -> answer_alive) -> [challenge] -> reply -> [ack] -> established
//   acceptor:  [name] -> decide -> (alive: [true]) -> challenge -> [complement] [reply] -> authenticated
//              -> acknowledge -> established
//
// The cookie's digests bind no names: who stands between two nodes, or has taken the name of one, can hand
// one's challenge to the other. So where both sides announce flag::proof, each sends a proof
// (handshake/proof.hpp) before `established`: the acceptor right behind its ack, the initiator once it has
// read the ack. Nothing else is accepted in its place.
//
// Both name formats are read: 'N' (version 6) and 'n' (version 5) with its complement. 'N' is sent. A peer
// without a name sends its host alone and is given one.
// A failure is final, and nothing that a peer sends is more than a failure.
//
// Thread rule: none of its own. Source: "Distribution Protocol", section "Distribution Handshake".
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <optional>

#include "node/handshake/proof.hpp"

namespace brood::node {

/// Longest handshake packet that is read.
inline constexpr std::size_t handshake_packet_bytes_max = 4096;

/// How many bytes a packet's length takes: two, but four under TLS, where OTP frames a handshake as it frames
/// messages.
enum class LengthBytes : std::uint8_t { two = 2, four = 4 };

/// Takes the first complete packet off `buffer` (its length, then that many bytes). nullopt: more bytes are
/// needed. malformed: longer than handshake_packet_bytes_max, so not the protocol.
[[nodiscard]] Result<std::optional<Bytes>> take_handshake_packet(Bytes& buffer,
                                                                 LengthBytes length = LengthBytes::two);

/// What the acceptor answers to a name.
enum class HandshakeStatus : std::uint8_t {
  ok,
  ok_simultaneous,  ///< Go on: our own attempt has given way.
  nok,              ///< Our own attempt, to this very peer, goes on instead.
  not_allowed,
  alive,  ///< We have a connection to a node of that name. Do you want this one?
};

enum class HandshakeFailure : std::uint8_t {
  malformed,      ///< Not the protocol.
  missing_flags,  ///< The peer is too old.
  not_allowed,    ///< The peer said so, or decide(not_allowed) did.
  nok,            ///< The peer's own attempt goes on; wait for it.
  wrong_cookie,
  other_node,  ///< Another node than the one asked for answers.
  no_proof,    ///< It has not proved who it is, and that is asked for (proof_required).
  bad_proof,   ///< Its proof is of other names or challenges: somebody stands between, or plays it.
  declined,    ///< The connection is not wanted any more (the answer false to alive).
};

struct HandshakeOptions {
  NodeName self;
  std::uint32_t creation = 0;
  std::uint64_t flags = 0;  ///< What this node announces.
  std::string cookie;
  std::uint32_t challenge = 0;  ///< Unpredictable, new for each handshake.
  LengthBytes length = LengthBytes::two;
  /// What a peer is called, before the @, and counted as, that has no name and asks for one. Unique; empty:
  /// such peers are refused.
  std::string given_name = {};
  std::uint32_t given_creation = 0;
  /// Peers that do not announce flag::proof are refused.
  bool proof_required = false;
};

/// What the peer says of itself; believed only once established (acceptor: authenticated).
struct PeerIdentity {
  NodeName name;
  std::uint32_t creation = 0;
  std::uint64_t flags = 0;  ///< Expanded.
};

class Handshake {
 public:
  enum class Event : std::uint8_t {
    more,           ///< Nothing to do but send and read.
    decide,         ///< Acceptor: peer() is known; call decide().
    alive,          ///< Initiator: the peer has a connection to us; call answer_alive().
    authenticated,  ///< Acceptor: the peer knows the cookie; call acknowledge(), or drop the connection.
    established,    ///< Done.
    failed,         ///< See failure() and words(). Send the output first, there may be a refusal in it.
  };

  static Handshake initiator(HandshakeOptions options, NodeName peer);
  static Handshake acceptor(HandshakeOptions options);

  Event on_packet(BytesView packet);
  Event decide(HandshakeStatus status);
  Event answer_alive(bool wanted);
  Event acknowledge();

  /// Packets to send, lengths included; empties the buffer.
  [[nodiscard]] Bytes take_output() { return std::exchange(output_, {}); }
  [[nodiscard]] const PeerIdentity& peer() const { return peer_; }
  [[nodiscard]] LengthBytes length_bytes() const { return options_.length; }
  [[nodiscard]] HandshakeFailure failure() const { return failure_; }
  [[nodiscard]] const std::string& words() const { return words_; }
  /// The peer said `alive` and was told `true`: closing now means that it has a live node of our name.
  [[nodiscard]] bool was_alive() const { return was_alive_; }
  /// Our digest has been sent: closing now means that the peer did not like it.
  [[nodiscard]] bool sent_digest() const { return state_ == State::ack; }
  /// Both have said that they prove who they are. Established: the peer has done so.
  [[nodiscard]] bool proves() const;
  /// Nothing has been received yet.
  [[nodiscard]] bool untouched() const { return state_ == State::status || state_ == State::name; }

 private:
  enum class State : std::uint8_t {
    name,
    deciding,
    alive_answer,
    reply,
    authenticated,  // acceptor
    status,
    alive_question,
    challenge,
    ack,    // initiator
    proof,  // both: the peer's is awaited
    established,
    failed
  };
  explicit Handshake(HandshakeOptions options) : options_(std::move(options)) {}

  Event on_name(BytesView packet);
  void give_name(BytesView host);
  Event on_alive_answer(BytesView packet);
  Event on_reply(BytesView packet);
  Event on_complement(BytesView packet);
  Event on_status(BytesView packet);
  Event on_challenge(BytesView packet);
  Event on_ack(BytesView packet);
  Event on_proof(BytesView packet);
  Event prove();
  [[nodiscard]] ProofDigest proof_of(ProofFrom from) const;
  Event refuse_without_proof();
  Event fail(HandshakeFailure failure, std::string words);
  void send(BytesView packet);
  void send_status(std::string_view status);
  void send_challenge();

  HandshakeOptions options_;
  State state_ = State::name;
  bool is_initiator_ = false;
  std::uint32_t peer_challenge_ = 0;
  PeerIdentity peer_;
  bool named_ = false;     ///< The peer was given its name.
  bool old_name_ = false;  ///< The peer sent 'n': creation and high flags come in the complement.
  bool was_alive_ = false;
  Bytes output_;
  HandshakeFailure failure_ = HandshakeFailure::malformed;
  std::string words_;
};

}  // namespace brood::node
