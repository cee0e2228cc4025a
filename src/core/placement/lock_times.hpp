// The settings that all partition strategies have that lock.
//
// Thread rule: pure functions.
#pragma once

#include "core/placement/settings_reader.hpp"

namespace brood::core {

/// takeover_delay_ms (none: what the bound needs) and locked_stop_ms.
[[nodiscard]] LockTimes read_lock_times(SettingsReader& settings);

}  // namespace brood::core
