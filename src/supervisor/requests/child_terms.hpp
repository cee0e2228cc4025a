// A child of the registry as the terms that requests answer with.
//
// Thread rule: pure functions.
#pragma once

#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {

/// [{Node, Pid}] of the instances that run.
[[nodiscard]] Term node_pids(const Entry& entry);
/// The map of `describe`.
[[nodiscard]] Term child_map(const ChildId& id, const Entry& entry);

}  // namespace brood::supervisor
