// The real clocks, as the core takes them.
#pragma once

#include "core/base/types.hpp"

namespace brood::supervisor {

/// Monotonic, boot and wall time of this moment. Any thread.
[[nodiscard]] core::Now read_clocks();

}  // namespace brood::supervisor
