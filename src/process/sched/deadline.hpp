// The time at which something is over, for a time-out that may be as long as milliseconds::max().
//
// Thread rule: pure, but for the clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace brood::process {

/// `timeout` from `now` on; `now` where it is negative. A year at the longest: nothing waits for that, and no
/// sum of it with any other time overflows.
[[nodiscard]] inline std::chrono::steady_clock::time_point deadline_after(
    std::chrono::milliseconds timeout,
    std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now()) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365);
  return now + std::clamp(timeout, std::chrono::milliseconds::zero(), longest);
}

}  // namespace brood::process
