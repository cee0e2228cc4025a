// Calls in CAF: the ways to ask actors, each for a stated time, as bench/cluster/callers.hpp has them for
// brood.
//
// A request has no time-out (`infinite`): with one CAF sets a timer for each, which takes several times as
// long as all the rest of a local request.
//
// Thread rule: any thread.
#pragma once

#include <caf/all.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace brood::bench {

using Actors = std::vector<caf::actor>;

/// Answers each `get` with its number, by a handler that the scheduler runs.
[[nodiscard]] caf::behavior counter();

/// Requests of one thread, each after the answer of the one before: seconds of each.
[[nodiscard]] std::vector<double> call_times(caf::actor_system& system, const Actors& callees,
                                             double seconds);
/// By so many threads, each of which is a scoped actor; a second.
[[nodiscard]] double calls_by_threads(caf::actor_system& system, const Actors& callees, std::size_t threads,
                                      double seconds);
/// By so many actors, which hold no thread while they wait; a second.
[[nodiscard]] double calls_by_actors(caf::actor_system& system, const Actors& callees, std::size_t actors,
                                     double seconds);
/// So many at the same time by one actor, each begun by the answer of another; a second.
[[nodiscard]] double calls_in_flight(caf::actor_system& system, const Actors& callees, std::size_t calls,
                                     double seconds);

}  // namespace brood::bench
