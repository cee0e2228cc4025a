// The proof of knowing the cookie: MD5 of the cookie followed by the challenge in decimal. Pure functions.
//
// Source: "Distribution Protocol", section "Distribution Handshake", gen_digest.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace brood::node {

using Digest = std::array<unsigned char, 16>;

[[nodiscard]] Digest cookie_digest(std::string_view cookie, std::uint32_t challenge);
/// Takes the same time wherever the two differ, so that an attacker learns nothing from it.
[[nodiscard]] bool digest_equals(const Digest& expected, std::string_view received);

}  // namespace brood::node
