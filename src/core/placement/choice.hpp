// How the strategies of one core are made from what was chosen: built-in ones by name and settings, or the
// program's own. The list of built-in ones is in choice.cpp; each is made by a function of built_in.hpp, in a
// file of its own.
//
// Who asks them: Placement the distribution, Replication the synchronisation, Views the partition tolerance,
// Reconciler redundancy and migration.
//
// Thread rule: pure functions.
#pragma once

#include <brood/strategies.hpp>

namespace brood::core {

/// One of each kind; never null.
struct Strategies {
  std::shared_ptr<const Distribution> distribution;
  std::shared_ptr<const Redundancy> redundancy;
  std::shared_ptr<const Migration> migration;
  std::shared_ptr<const Synchronisation> synchronisation;
  std::shared_ptr<const PartitionTolerance> partition;
};

/// What is chosen where nothing is said.
[[nodiscard]] Strategies built_in_strategies();
/// Errors: invalid_argument, with the kind, the name or the setting, and what is allowed.
[[nodiscard]] Result<Strategies> make_strategies(const brood::Strategies& chosen);

}  // namespace brood::core
