// The strategies of a supervisor: what is decided by a rule that users may replace. The core calls these
// interfaces only; strategies.cpp has what is built in.
//
// Every strategy is a pure function of its arguments: all nodes must decide the same from the same view.
// Thread rule: const and stateless; one object may serve many cores.
#pragma once

#include <memory>
#include <span>

#include "core/child.hpp"

namespace brood::core {

/// An up member as distribution sees it. In name order.
struct RingNode {
  PeerIndex peer = no_peer;
  std::uint64_t hash = 0;  ///< Of its name.
  std::uint32_t weight = 0;
};

/// Which node a key belongs on.
class Distribution {
 public:
  virtual ~Distribution() = default;
  /// The index of the best node of a ring that is not empty. Called for every child at every view change.
  [[nodiscard]] virtual std::size_t first(std::uint64_t key, std::span<const RingNode> ring) const = 0;
  /// All indices, best first; order()[0] == first().
  [[nodiscard]] virtual std::vector<std::size_t> order(std::uint64_t key,
                                                       std::span<const RingNode> ring) const = 0;
};

/// How many instances a child has.
class Redundancy {
 public:
  virtual ~Redundancy() = default;
  /// Of `eligible` nodes in the hash order, how many from the front run an instance.
  [[nodiscard]] virtual std::size_t instances(std::size_t eligible) const = 0;
};

/// How an instance leaves a node on which it does not belong any more.
class Migration {
 public:
  virtual ~Migration() = default;
  /// Whether the instance here must have ended before another node may start one.
  [[nodiscard]] virtual bool stops_before_start() const = 0;
};

/// Which members a change is sent to.
class Synchronisation {
 public:
  virtual ~Synchronisation() = default;
  /// Whether that member gets the Delta with this number directly.
  [[nodiscard]] virtual bool sends_to(const Member& member, std::uint64_t number) const = 0;
};

/// What a part of the cluster may do when it does not reach the rest.
class PartitionTolerance {
 public:
  virtual ~PartitionTolerance() = default;
  /// Whether a node whose view has `up` of `known` members may run children.
  [[nodiscard]] virtual bool may_run(std::size_t up, std::size_t known) const = 0;
};

/// One of each kind; never null.
struct Strategies {
  std::shared_ptr<const Distribution> distribution;
  std::shared_ptr<const Redundancy> redundancy;
  std::shared_ptr<const Migration> migration;
  std::shared_ptr<const Synchronisation> synchronisation;
  std::shared_ptr<const PartitionTolerance> partition;
};

/// Weighted rendezvous, singularity, cold swap, pubsub, divergence.
[[nodiscard]] Strategies built_in_strategies();

}  // namespace brood::core
