#include "node/channel/dist_header.hpp"

#include "node/net/wire.hpp"

namespace brood::node {
namespace {

constexpr std::uint8_t plain_tag = 68;
constexpr std::uint8_t first_fragment_tag = 69;
constexpr std::uint8_t next_fragment_tag = 70;

Error not_a_header() {
  return {Errc::malformed, "a frame that does not begin as a message does"};
}

}  // namespace

void put_header(Bytes& out) {
  out.append({version_byte, static_cast<char>(plain_tag), 0});
}

void put_first_fragment_header(Bytes& out, std::uint64_t sequence, std::uint64_t fragments) {
  out.append({version_byte, static_cast<char>(first_fragment_tag)});
  wire::put(out, sequence, 8);
  wire::put(out, fragments, 8);
  out.push_back(0);
}

void put_next_fragment_header(Bytes& out, std::uint64_t sequence, std::uint64_t fragment) {
  out.append({version_byte, static_cast<char>(next_fragment_tag)});
  wire::put(out, sequence, 8);
  wire::put(out, fragment, 8);
}

Result<BodyHeader> read_header(BytesView body) {
  BodyHeader header;
  if (!body.empty() && body[0] == pass_through) {
    header.kind = BodyKind::bare;
    header.rest = body.substr(1);
    return header;
  }
  wire::Cursor in(body);
  const bool versioned = in.u8() == static_cast<std::uint8_t>(version_byte);
  const std::uint8_t tag = in.u8();
  if (!versioned || tag < plain_tag || tag > next_fragment_tag) return not_a_header();
  if (tag != plain_tag) {
    header.kind = tag == first_fragment_tag ? BodyKind::first_fragment : BodyKind::next_fragment;
    header.sequence = in.u64();
    header.fragment = in.u64();
    if (header.fragment == 0) return not_a_header();
  }
  if (tag != next_fragment_tag && in.u8() != 0)
    return Error{Errc::malformed, "a message that uses the atom cache, which was not agreed upon"};
  if (in.bad()) return not_a_header();
  header.rest = in.rest();
  return header;
}

}  // namespace brood::node
