// For how long an instance has run, by a clock of this machine that nobody sets.
//
// Pure functions.
#pragma once

#include <chrono>

#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {

struct UptimeClocks {
  std::chrono::steady_clock::time_point steady;
  std::chrono::milliseconds wall{};  ///< Unix time.
};

/// When `place` began to run. `before` is what was known of the running instance until now: the same epoch on
/// the same node keeps its time. What is new here begins now; what is new elsewhere began when its epoch
/// says, by the wall clocks of the two machines this once, and never in the future.
[[nodiscard]] std::chrono::steady_clock::time_point up_since(const Place& place, const Place* before,
                                                             bool here, const UptimeClocks& now);
/// Zero for what does not run.
[[nodiscard]] std::chrono::milliseconds uptime(const Place& place, std::chrono::steady_clock::time_point now);

}  // namespace brood::supervisor
