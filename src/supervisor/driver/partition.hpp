// What a supervisor says of the part of the cluster that it is in.
//
// Thread rule: pure functions; the core is read on the control thread.
#pragma once

#include <brood/supervisor.hpp>

#include "core/core.hpp"
#include "supervisor/driver/clients.hpp"

namespace brood::supervisor {

[[nodiscard]] PartitionStatus partition_of(const core::Core& core);
/// #{partitioned, locked, why, strategy, count, members, size, here, missing, takeover_delay_ms,
/// overlap_bound_ms}
[[nodiscard]] Term partition_term(const PartitionStatus& status);
/// What a request to reset the size has come to.
[[nodiscard]] Result<void> reset_result(const Outcomes& outcomes, bool timed_out);

}  // namespace brood::supervisor
