#include "core/base/step.hpp"

#include <fmt/format.h>

namespace brood::core {

bool Step::witness(Hlc seen, const NodeName& from) {
  if (clock.witness(seen, now.wall, settings.clock_skew_max)) return true;
  if (stats.clock_refusals++ % 1000 == 0)
    log(LogLevel::error,
        fmt::format(
            "the clock of {} is {} s ahead of ours, more than clock_skew_max ({} s): set the clocks right",
            from.text(), std::chrono::duration_cast<std::chrono::seconds>(wall_of(seen) - now.wall).count(),
            std::chrono::duration_cast<std::chrono::seconds>(settings.clock_skew_max).count()));
  return false;
}

}  // namespace brood::core
