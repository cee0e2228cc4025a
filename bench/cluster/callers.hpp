// Callers: the ways to call children, each for a stated time.
#pragma once

#include <brood/brood.hpp>
#include <cstdint>
#include <vector>

#include "bench/cluster/cluster.hpp"

namespace brood::bench {

/// Calls of one thread, each after the answer of the one before: microseconds of each.
[[nodiscard]] std::vector<double> call_times(Supervisor& web, const std::vector<std::int64_t>& callees,
                                             double seconds);
/// The same by pid.
[[nodiscard]] std::vector<double> call_times(Node& node, const Pid& callee, double seconds);
/// Whom a thread calls: always the same, or each of them in turn.
enum class Whom : std::uint8_t { its_own, each_in_turn };
/// By so many threads, by id; a second.
[[nodiscard]] double calls_by_threads(Supervisor& web, const std::vector<std::int64_t>& callees,
                                      std::size_t threads, double seconds, Whom whom = Whom::its_own);
/// By so many workers of the cluster's first node, whose handlers are coroutines, by id.
[[nodiscard]] double calls_by_coroutines(Cluster& cluster, const std::vector<std::int64_t>& callees,
                                         std::size_t workers, double seconds);
/// So many at the same time, by pid, each begun by the answer of another.
[[nodiscard]] double calls_in_flight(Cluster& cluster, const std::vector<std::int64_t>& callees,
                                     std::size_t calls, double seconds);

}  // namespace brood::bench
