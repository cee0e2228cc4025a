// The strategies of a supervisor: what is decided by a rule that could be another, one interface a kind;
// built_in.cpp has those that come with brood. They are chosen by name (choose_strategy()).
//
// Who asks them: Placement the distribution, Replication the synchronisation, Views the partition tolerance.
// Nobody asks redundancy and migration yet, because each has one strategy, and the core does what it says
// without asking: one instance, which ends before the next one starts.
//
// Every strategy is a pure function of its arguments: all nodes must decide the same from the same view. Its
// name() tells strategies and their settings apart; it is part of the fingerprint that members compare.
//
// Thread rule: const and stateless; one object may serve many cores.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/peer_index.hpp"

namespace brood::core {

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// "name/version", with the settings that all nodes must share: "replication/1 factor=3".
  [[nodiscard]] virtual std::string name() const = 0;
};

/// An up member as distribution sees it. In name order.
struct RingNode {
  PeerIndex peer = no_peer;
  std::uint64_t hash = 0;  ///< Of its name.
  std::uint32_t weight = 0;
};

/// Which node a key belongs on.
class Distribution : public Strategy {
 public:
  /// The index of the best node of a ring that is not empty. Called for every child at every view change, and
  /// several times for each child that is looked at.
  [[nodiscard]] virtual std::size_t first(std::uint64_t key, std::span<const RingNode> ring) const = 0;
  /// All indices, best first; order()[0] == first().
  [[nodiscard]] virtual std::vector<std::size_t> order(std::uint64_t key,
                                                       std::span<const RingNode> ring) const = 0;
};

/// How many instances a child has.
class Redundancy : public Strategy {
 public:
  /// Of `eligible` nodes in the hash order, how many from the front run an instance.
  [[nodiscard]] virtual std::size_t instances(std::size_t eligible) const = 0;
};

/// How an instance leaves a node on which it does not belong any more.
class Migration : public Strategy {
 public:
  /// Whether the instance here must have ended before another node may start one.
  [[nodiscard]] virtual bool stops_before_start() const = 0;
};

/// A batch of changes on its way through the members, as one of them sees it. Places are those in the list of
/// members in the order of their names, this node among them.
struct Spreading {
  std::size_t members = 0;
  std::size_t self = 0;
  std::size_t origin = 0;    ///< Whose changes they are.
  std::uint64_t number = 0;  ///< Its origin counts its batches.
};

/// Which members a change is sent to, and how often members compare what they have.
class Synchronisation : public Strategy {
 public:
  /// Whether members pass on what others have changed. If not, the origin of a batch is the only one who is
  /// asked for recipients(), and sends it to every member.
  [[nodiscard]] virtual bool passes_on() const = 0;
  /// Appends the places of those to whom this node sends the batch: as its origin, or as a member that has
  /// got it for the first time. All members together should reach each of them. Whom they do not reach finds
  /// out by comparison, so a bad answer costs time, never agreement. Called for each batch.
  virtual void recipients(const Spreading& batch, std::vector<std::size_t>& to) const = 0;
  /// How many members each one tells now and then how far it has got, while something changes.
  [[nodiscard]] virtual std::size_t partners() const { return 3; }
  /// How often whole tables are compared, by their digests.
  [[nodiscard]] virtual std::chrono::nanoseconds sync_interval() const { return std::chrono::seconds(15); }
  /// With passes_on(): true: the first member alone begins such a comparison, and it goes through the members
  /// as a batch does. False: each member compares itself with one other in turn.
  [[nodiscard]] virtual bool one_begins() const { return false; }
};

/// What a part of the cluster may do when it does not reach the rest.
class PartitionTolerance : public Strategy {
 public:
  /// Whether a node whose view has `up` of `known` members (down ones among these, until they are forgotten
  /// or have left in good order) may run children.
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
/// Puts the built-in strategy of that name ("cold_swap", "divergence", ...) in the place of its kind. False:
/// there is none of that name.
[[nodiscard]] bool choose_strategy(Strategies& strategies, std::string_view kind, std::string_view name);
/// The names that choose_strategy() knows for that kind; empty: there is no such kind.
[[nodiscard]] std::vector<std::string_view> strategy_names(std::string_view kind);

}  // namespace brood::core
