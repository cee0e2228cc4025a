// Distribution headers: what the body of a message's frame begins with. A whole message has a plain header; a
// large one is cut into fragments, of which the first carries the control term and the start of the payload,
// the others more of the payload. Fragments of several messages may take turns on a channel; their numbers
// count down to 1. Behind a header terms stand without their version byte.
//
// The atom cache is never agreed upon, so a header that names atoms is an error.
//
// Thread rule: pure functions. Source: "External Term Format", sections "Distribution Header" and
// "Distribution Header for fragmented messages".
#pragma once

#include <brood/term.hpp>
#include <cstdint>

namespace brood::node {

/// The first byte of each stand-alone term, and of each header.
inline constexpr char version_byte = static_cast<char>(131);
/// First byte of a body without a header, as nodes that know no fragments send it: a control term and perhaps
/// a payload follow, each with its version byte.
inline constexpr char pass_through = 112;

/// What a fragment's header takes, without the length of its frame.
inline constexpr std::size_t first_fragment_header_bytes = 19;
inline constexpr std::size_t next_fragment_header_bytes = 18;

enum class BodyKind : std::uint8_t {
  whole,           ///< A message, behind a plain header.
  bare,            ///< A message, behind no header.
  first_fragment,  ///< Begins a message.
  next_fragment,   ///< Goes on with one.
};

struct BodyHeader {
  BodyKind kind = BodyKind::whole;
  std::uint64_t sequence = 0;  ///< Of fragments: which message.
  std::uint64_t fragment = 0;  ///< Counts down to 1.
  BytesView rest;              ///< What follows.
};

void put_header(Bytes& out);
void put_first_fragment_header(Bytes& out, std::uint64_t sequence, std::uint64_t fragments);
void put_next_fragment_header(Bytes& out, std::uint64_t sequence, std::uint64_t fragment);

/// malformed: none of the above.
[[nodiscard]] Result<BodyHeader> read_header(BytesView body);

}  // namespace brood::node
