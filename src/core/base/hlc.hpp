// Clock: the hybrid logical clock of one node. Every value it gives is greater than all it gave or saw, and
// close to wall time. Source: Kulkarni et al., "Logical Physical Clocks" (2014).
//
// Invariant: a clock of a peer that is further ahead than the allowed skew never moves ours.
// Thread rule: none; owned by one core.
#pragma once

#include "core/base/types.hpp"

namespace brood::core {

/// The wall time of a clock value, whole milliseconds.
[[nodiscard]] Duration wall_of(Hlc clock) noexcept;
/// The smallest clock value of that wall time; 0 for times before 1970.
[[nodiscard]] Hlc hlc_at(Duration wall) noexcept;
/// The next value after `clock`; the greatest value stays.
[[nodiscard]] Hlc after(Hlc clock) noexcept;

class Clock {
 public:
  /// A value above all earlier ones.
  [[nodiscard]] Hlc next(Duration wall) noexcept;
  /// Takes note of a peer's value. False: it is more than `skew_max` ahead of `wall`, and is not followed.
  bool witness(Hlc seen, Duration wall, Duration skew_max) noexcept;
  [[nodiscard]] Hlc last() const noexcept { return last_; }

 private:
  Hlc last_;
};

}  // namespace brood::core
