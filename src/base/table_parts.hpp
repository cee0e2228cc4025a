// One large table as many small ones, none of which takes long when it grows: which part a hash belongs to.
//
// A flat table of Boost's takes an entry's place from the highest bits of its hash and its tag from the
// lowest eight. Entries of one part must differ in both, or they all begin at the same places of their table
// and are searched for one after the other.
//
// Thread rule: pure functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace brood::inline v0 {

inline constexpr std::size_t table_parts = 256;

/// Below `table_parts`. Never a part of the protocol.
[[nodiscard]] constexpr std::size_t table_part(std::uint64_t hash) noexcept {
  return (hash >> 8) % table_parts;
}

/// What a flat table goes by whose parts have to be in the order of their hashes, by their highest 16 bits at
/// most: these come where it does not look.
[[nodiscard]] constexpr std::size_t table_hash(std::uint64_t hash) noexcept {
  return std::rotl(hash, 24);
}

}  // namespace brood::inline v0
