// What `brood apply` does to a supervisor: the difference between the static children that it has and those
// that a fleet file lists. A pure function.
#pragma once

#include <vector>

#include "core/base/types.hpp"

namespace brood::supervisor {

enum class FleetAction : std::uint8_t { start, replace, remove };
[[nodiscard]] std::string_view to_string(FleetAction action) noexcept;

struct FleetStep {
  FleetAction action = FleetAction::start;
  ChildId id;
  core::SpecPtr spec;  ///< Null for remove.
};

/// A child that the supervisor has now.
struct FleetChild {
  core::SpecPtr spec;
  bool wanted = true;
};

/// Steps in id order. Children of the file that are not there or were stopped: start. Those that differ:
/// replace. Static ones that the file no longer lists: remove. Children started by hand under other ids are
/// left alone.
[[nodiscard]] std::vector<FleetStep> plan_fleet(const std::vector<FleetChild>& now,
                                                const std::vector<core::SpecPtr>& file);

}  // namespace brood::supervisor
