// The checker of a healed cluster: is all as it should be when nothing goes wrong any more?
//
// Thread rule: one thread; changes nothing.
#pragma once

#include <optional>

#include "sim/world.hpp"

namespace brood::sim {

/// What is not in order yet; nullopt: every node is up and agrees with every other about members, rows and
/// instances, each wanted child runs exactly once and where it belongs, nothing else runs, and every request
/// is answered.
[[nodiscard]] std::optional<Violation> not_settled(const World& world);

/// Promises that a settled cluster breaks: something acknowledged is lost, or something stopped is back.
[[nodiscard]] std::optional<Violation> broken_promise(const World& world);

/// Children that failed for good, visibly.
[[nodiscard]] std::vector<ChildId> failed_children(const World& world);

}  // namespace brood::sim
