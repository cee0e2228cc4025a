// Census: who counts when a part of the cluster asks whether it may go on. One for a supervisor, changed only
// by a part that has the quorum, and by an operator (reset). Kept and spread by members/quorum.hpp.
//
// Thread rule: plain data.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "core/base/types.hpp"

namespace brood::core {

/// Of two censuses the greater version counts.
struct CensusVersion {
  std::uint64_t resets =
      0;  ///< By operators: one beats all changes that parts of the cluster made by themselves.
  std::uint64_t number = 0;
  NodeName by;
  friend auto operator<=>(const CensusVersion&, const CensusVersion&) = default;
};

/// So many seats, and the nodes that have one. A seat without a name is taken by whoever comes.
struct Census {
  CensusVersion version;
  std::uint32_t size = 0;
  std::vector<NodeName> names;  ///< In order; at most `size`.

  [[nodiscard]] bool empty() const { return version.number == 0; }
  friend bool operator==(const Census&, const Census&) = default;
};

}  // namespace brood::core
