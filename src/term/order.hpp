// The order of terms, without recursion.
//
// number < atom < reference < fun < port < pid < tuple < map < nil < list < bit string. Tuples and maps order
// by size first; lists item by item. Erlang's order holds 1 and 1.0 equal; where it cannot tell two terms
// apart, the order of map keys decides (every integer before every float), so that only identical terms are
// equal.
//
// Thread rule: pure functions.
#pragma once

#include <brood/term.hpp>
#include <compare>

namespace brood::inline v0 {

/// The order that the keys of a map are kept in: as the order of terms, but integers before floats.
[[nodiscard]] std::strong_ordering compare_keys(const Term& a, const Term& b);

}  // namespace brood::inline v0
