// HeldState: the state of a child as a node keeps it for the next active instance.
//
// Thread rule: a value; what is shared does not change.
#pragma once

#include "core/base/types.hpp"

namespace brood::core {

using SharedBytes = std::shared_ptr<const Bytes>;

/// Which state of a child: of two the one with the greater token is the newer one, then the greater number.
/// Whoever becomes active has a token above all before, so what a former one says late is older.
struct StateMark {
  Epoch token;               ///< The epoch of the active instance.
  std::uint64_t number = 0;  ///< Counts what that process has saved, from 1; 0: nothing.
  friend auto operator<=>(const StateMark&, const StateMark&) = default;
};

struct HeldState {
  Dot birth;  ///< Of the row that it belongs to.
  StateMark mark;
  std::uint64_t version = 0;         ///< The worker's state_version.
  SharedBytes whole;                 ///< As save() gave it ...
  std::vector<SharedBytes> changes;  ///< ... and what changes() gave since, in order.
};
using HeldPtr = std::shared_ptr<const HeldState>;

}  // namespace brood::core
