#include "core/base/hlc.hpp"

#include <algorithm>
#include <limits>

namespace brood::core {
namespace {
constexpr unsigned counter_bits = 16;
}

Duration wall_of(Hlc clock) noexcept {
  return std::chrono::milliseconds(static_cast<std::int64_t>(clock.value >> counter_bits));
}

Hlc hlc_at(Duration wall) noexcept {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
  return Hlc{ms <= 0 ? 0 : static_cast<std::uint64_t>(ms) << counter_bits};
}

Hlc after(Hlc clock) noexcept {
  return clock.value == std::numeric_limits<std::uint64_t>::max() ? clock : Hlc{clock.value + 1};
}

Hlc Clock::next(Duration wall) noexcept {
  last_ = std::max(hlc_at(wall), after(last_));
  return last_;
}

bool Clock::witness(Hlc seen, Duration wall, Duration skew_max) noexcept {
  if (seen <= last_) return true;
  if (seen >= hlc_at(wall + skew_max + std::chrono::milliseconds(1))) return false;
  last_ = seen;
  return true;
}

}  // namespace brood::core
