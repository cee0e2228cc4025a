// Refusals: what is said to a client whose request cannot be done: what, of which child, and what to do.
// Pure; of this node's view. Thread rule: none.
#pragma once

#include "core/base/settings.hpp"
#include "core/placement/placement.hpp"

namespace brood::core {

[[nodiscard]] Error no_such_child(const Settings& settings, const ChildId& id);
[[nodiscard]] Error runs_already(const ChildId& id);
/// It has another spec.
[[nodiscard]] Error conflict(const ChildId& id);
/// Names the nodes that are up, a dozen at most.
[[nodiscard]] Error not_up(const NodeName& node, const Placement& placement);
/// No node that is up knows that worker. Names those that are known, a dozen at most.
[[nodiscard]] Error unknown_worker(const Spec& spec, const Placement& placement);

}  // namespace brood::core
