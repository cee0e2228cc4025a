// The real clocks, as the core takes them.
#pragma once

#include "core/base/types.hpp"

namespace brood::supervisor {

/// Monotonic, boot and wall time of this moment. Any thread.
[[nodiscard]] core::Now read_clocks();

/// What this thread has had of a processor, since it began.
[[nodiscard]] core::Duration read_thread_cpu();

/// read_clocks() for a step: `slept` is how long this program did not run since the last one (Heart), zero
/// when it always did, however long that step took.
[[nodiscard]] core::Now read_clocks(core::Duration slept);

}  // namespace brood::supervisor
