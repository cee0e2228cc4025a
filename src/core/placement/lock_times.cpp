#include "core/placement/lock_times.hpp"

namespace brood::core {

using namespace std::chrono_literals;

LockTimes read_lock_times(SettingsReader& settings) {
  LockTimes times;
  const bool has_delay = settings.has("takeover_delay_ms");
  const auto delay = settings.milliseconds("takeover_delay_ms", 0ms, 0ms, 24h);
  if (has_delay) times.takeover_delay = delay;
  times.stop_max = settings.milliseconds("locked_stop_ms", 5s, 0ms, 1h);
  return times;
}

}  // namespace brood::core
