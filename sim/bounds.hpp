// The checker of what a core keeps: nothing may grow without bound, and when all is quiet nothing but the
// children, the members and what is kept for a stated time may be left. Counts, not bytes: who keeps what is
// told by the core (Core::footprint()), and what it may be is written here apart from it.
//
// Thread rule: one thread; changes nothing.
#pragma once

#include <optional>

#include "sim/world.hpp"

namespace brood::sim {

/// What a node keeps too much of at any moment.
[[nodiscard]] std::optional<Violation> keeps_too_much(const World& world);
/// What a settled cluster keeps though nobody can need it any more.
[[nodiscard]] std::optional<Violation> keeps_for_nothing(const World& world);

}  // namespace brood::sim
