// EPMD: the little daemon on each host that knows at which port a node of a given name listens. Here are its
// messages, as pure functions on buffers, and the means to start it.
//
// Thread rule: pure functions, except start_epmd(). Source: "Distribution Protocol", section "EPMD Protocol".
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <optional>

namespace brood::node::epmd {

/// Longest answer that is read.
inline constexpr std::size_t answer_bytes_max = 4096;

struct Registration {
  std::string name;  ///< Without the host.
  std::uint16_t port = 0;
  bool hidden = true;
};

[[nodiscard]] Bytes registration_request(const Registration& registration);
[[nodiscard]] Bytes lookup_request(std::string_view name);

/// The answer to a registration, nullopt while it is incomplete: the creation that EPMD gave (0 where an old
/// EPMD gave a short one only). Errors: name_taken; malformed: no EPMD.
[[nodiscard]] std::optional<Result<std::uint32_t>> registration_answer(BytesView received);

struct NodeAddress {
  std::uint16_t port = 0;
  std::uint16_t version_high = 0;  ///< Of the distribution protocol; 6 is the one spoken here.
  std::uint16_t version_low = 0;
};
/// The answer to a lookup, nullopt while it is incomplete. Errors: not_member: no such node is registered;
/// malformed: no EPMD.
[[nodiscard]] std::optional<Result<NodeAddress>> lookup_answer(BytesView received);

/// Starts EPMD on this machine, in the background, if it is in the PATH; where one runs already nothing
/// changes. It inherits ERL_EPMD_PORT and ERL_EPMD_ADDRESS. It answers a little later than this returns.
/// `address`: where it listens, beside the loopback address, unless ERL_EPMD_ADDRESS says so; empty: at all
/// addresses. Errors: io (not in the PATH, or it could not be started), with what to install.
Result<void> start_epmd(const std::string& address);

}  // namespace brood::node::epmd
