// How the outcomes of starts and stops are told to clients, in C++ and by requests.
//
// Thread rule: pure functions.
#pragma once

#include "core/core.hpp"

namespace brood::supervisor {

/// Where it runs; an empty pid when nobody said where.
[[nodiscard]] Pid pid_of(const core::Outcome& outcome);
/// What went wrong, for an outcome with an error. A child that is `failed` is `start_failed` with the cure,
/// not already started. `detail` of already_started is the pid.
[[nodiscard]] Error told(const core::Outcome& outcome);
/// A child that is failed, and the cure.
[[nodiscard]] Error failed_error(const ChildId& id, std::string_view failure);
/// How long a stop may take that nobody has set a time for: the child's own time, and some more for the news.
[[nodiscard]] std::chrono::milliseconds time_to_stop(const core::Spec* spec);

}  // namespace brood::supervisor
