#include "supervisor/driver/uptime.hpp"

#include <algorithm>

namespace brood::supervisor {

using std::chrono::milliseconds;

std::chrono::steady_clock::time_point up_since(const Place& place, const Place* before, bool here,
                                               const UptimeClocks& now) {
  if (before && before->epoch_clock == place.epoch_clock && *before->host == *place.host)
    return before->up_since;
  if (here) return now.steady;
  const milliseconds began(static_cast<std::int64_t>(place.epoch_clock.value >> 16));
  return now.steady - std::max(milliseconds(0), now.wall - began);
}

milliseconds uptime(const Place& place, std::chrono::steady_clock::time_point now) {
  if (!place.is_running()) return milliseconds(0);
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(now - place.up_since));
}

}  // namespace brood::supervisor
