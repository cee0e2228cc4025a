// The datagram by which a node says where it is:
//
//   "BRD1" | time in ms, 8 bytes | length of the name, 1 byte | name | HMAC-SHA-256 of all before, 32 bytes
//
// The key is made of the cookie. The drawback of a date instead of a challenge: clocks must agree within
// `age_max`.
//
// Thread rule: pure functions; `now` is the wall clock's time since 1970.
#pragma once

#include <brood/term.hpp>
#include <chrono>
#include <optional>
#include <string>

namespace brood::node {

inline constexpr std::size_t gossip_bytes_max = 512;
inline constexpr std::chrono::milliseconds gossip_age_max{30'000};

/// `name` is "n1@host" or "n1@host:port"; at most 255 bytes of it.
[[nodiscard]] Bytes make_gossip(std::string_view name, std::string_view cookie,
                                std::chrono::milliseconds now);
/// The name, where the signature is that of the cookie and the date is not too far from now.
[[nodiscard]] std::optional<std::string> read_gossip(BytesView datagram, std::string_view cookie,
                                                     std::chrono::milliseconds now);

}  // namespace brood::node
