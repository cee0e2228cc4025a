// Hashes whose values are part of the protocol: every node, compiler and release must compute the same, for
// placement is built on them. Golden values are in hash_test.cpp; a change of them is a new algorithm
// version. Not for defence against chosen keys.
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace brood::inline v0 {

/// The start value of fnv1a64.
inline constexpr std::uint64_t fnv1a64_seed = 0xcbf29ce484222325ULL;

/// FNV-1a, 64 bits, of the bytes; pass an earlier result as `state` to go on with it.
[[nodiscard]] constexpr std::uint64_t fnv1a64(std::string_view bytes,
                                              std::uint64_t state = fnv1a64_seed) noexcept {
  for (const char byte : bytes) {
    state ^= static_cast<std::uint8_t>(byte);
    state *= 0x100000001b3ULL;
  }
  return state;
}

/// The 64-bit finaliser of MurmurHash3: every bit of the input changes about half of those of the output.
/// FNV alone leaves similar short keys close to each other.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t value) noexcept {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  value ^= value >> 33;
  return value;
}

/// The stable hash of bytes: FNV-1a, then the finaliser.
[[nodiscard]] constexpr std::uint64_t stable_hash64(std::string_view bytes) noexcept {
  return mix64(fnv1a64(bytes));
}

/// The stable hash of two hashes in that order.
[[nodiscard]] constexpr std::uint64_t combine64(std::uint64_t first, std::uint64_t second) noexcept {
  return mix64(first ^ (mix64(second) + 0x9e3779b97f4a7c15ULL + (first << 6) + (first >> 2)));
}

}  // namespace brood::inline v0
