// What `brood apply` does to a supervisor: the difference between the static children that it has and those
// that a fleet file lists. Pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/types.hpp"

namespace brood::supervisor {

enum class FleetAction : std::uint8_t {
  start,    ///< New; or stopped, where stopped children are to be started too.
  replace,  ///< What runs is ended, and the new one started.
  update,   ///< Only the row changes; what runs goes on.
  retry,    ///< Unchanged, but given up as failed: tried again.
  remove,   ///< Static, and not in the file: ended.
  extra,    ///< Static, and not in the file: left alone, as nobody asked for removals.
  stopped,  ///< In the file, but somebody stopped it, or it ended for good: left alone.
};
[[nodiscard]] std::string_view to_string(FleetAction action) noexcept;
/// Whether the step changes anything.
[[nodiscard]] bool is_change(FleetAction action) noexcept;

/// What a new spec changes about a child that has another one.
struct SpecChange {
  bool process = false;  ///< What runs is not what the new spec says: it has to be started anew.
  std::vector<std::string_view> keys;  ///< What differs, by the keys of the fleet file; empty: nothing.
};
/// Worker, start arguments and command are what runs; the restart rule, shutdown, tag, metadata, nodes and
/// where the child comes from are read from the row when they matter.
[[nodiscard]] SpecChange compare(const core::Spec& now, const core::Spec& next);

struct FleetStep {
  FleetAction action = FleetAction::start;
  ChildId id;
  core::SpecPtr spec;                  ///< Of the file; null for remove and extra.
  std::vector<std::string_view> keys;  ///< For replace and update: what differs.
};

/// A child that the supervisor has now.
struct FleetChild {
  ChildId id;
  core::SpecPtr spec;
  bool wanted = true;
  bool failed = false;
};

struct FleetOptions {
  bool prune = false;          ///< Remove static children that the file does not list.
  bool start_stopped = false;  ///< Start what was stopped, and what has ended for good, too.
};

struct FleetPlan {
  std::vector<FleetStep> steps;  ///< In id order.
  std::size_t unchanged = 0;     ///< Children of the file that are as it says.
};

/// Children started by hand under ids that the file does not have are left alone, and not told.
[[nodiscard]] FleetPlan plan_fleet(const std::vector<FleetChild>& now,
                                   const std::vector<core::NamedSpec>& file, const FleetOptions& options);

}  // namespace brood::supervisor
