// What an EPMD answers to the question which nodes it knows.
//
// Thread rule: pure functions. Source: "Distribution Protocol", NAMES_REQ.
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace brood::node::epmd {

/// Longest answer that is read: some thousand names.
inline constexpr std::size_t names_bytes_max = 256 * 1024;

struct RegisteredNode {
  std::string name;  ///< Without the host.
  std::uint16_t port = 0;
  friend bool operator==(const RegisteredNode&, const RegisteredNode&) = default;
};

[[nodiscard]] Bytes names_request();
/// The whole answer, up to the end of the stream. Lines that are not understood are passed over. malformed:
/// no EPMD.
[[nodiscard]] Result<std::vector<RegisteredNode>> names_answer(BytesView received);

}  // namespace brood::node::epmd
