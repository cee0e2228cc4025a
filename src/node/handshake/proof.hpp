// The proof of who a node is, at the end of a handshake: HMAC-SHA-256, by a key made of the cookie, over all
// that the handshake has said: who sends the proof, and of each side its name, creation, flags and challenge.
// The digests of Erlang's handshake cover one challenge alone, and so can be had from one node to be shown to
// another. Pure functions.
//
//   key:  "brood proof 1:" | cookie
//   text: 'i' or 'a', the side that sends it | initiator | acceptor
//   each: length of the name, 2 bytes | name | creation, 4 | flags as the other side expands them, 8 |
//   challenge, 4
//
// What it does not do: protect what follows it. Who can change bytes on their way can do so after the proof
// as well; against him there is TLS.
#pragma once

#include <array>
#include <brood/term.hpp>
#include <cstdint>
#include <string_view>

namespace brood::node {

using ProofDigest = std::array<unsigned char, 32>;

/// One side of a handshake as that side knows itself, and the other has heard of it.
struct ProofParty {
  NodeName name;
  std::uint32_t creation = 0;
  std::uint64_t flags = 0;
  std::uint32_t challenge = 0;  ///< That it has set.
};

enum class ProofFrom : char { initiator = 'i', acceptor = 'a' };

[[nodiscard]] ProofDigest proof_digest(std::string_view cookie, ProofFrom from, const ProofParty& initiator,
                                       const ProofParty& acceptor);
/// Takes the same time wherever the two differ.
[[nodiscard]] bool proof_equals(const ProofDigest& expected, BytesView received);

}  // namespace brood::node
