// Simulation: one seed from boot to verdict. First faults and clients are at work (safety: rules that hold at
// every moment), then all is healed and the cluster must settle (liveness), keep its promises, and keep
// still.
//
// Thread rule: any number of simulations side by side, each on one thread.
#pragma once

#include "sim/splits.hpp"

namespace brood::sim {

struct Report {
  std::uint64_t seed = 0;
  Profile profile;
  std::optional<Violation> violation;
  std::uint64_t trace_hash = 0;
  Counts counts;
  Marks marks;
  Duration virtual_time{};
  std::array<std::uint64_t, split_count> splits{};  ///< By kind.
  Duration longest_overlap{};  ///< Of one child on both sides of a split, under a strategy that locks.
  Duration settled_after{};    ///< From healing to a settled cluster.
};

[[nodiscard]] Report simulate(const SimOptions& options);

/// The last lines about the violation's child (or about all) before it, from a second run of the same seed.
[[nodiscard]] std::vector<std::string> last_lines(const SimOptions& options, const Violation& violation,
                                                  std::size_t count);

/// What the command line needs to run that seed again; without the program's name.
[[nodiscard]] std::string replay_arguments(const SimOptions& options);

/// Seed, rule, words, the last lines and the command, for people.
[[nodiscard]] std::string explain(const SimOptions& options, const Report& report, std::size_t lines);

}  // namespace brood::sim
