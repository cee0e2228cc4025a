// SpecTable: the rows of the specs, the same on every node once all changes have arrived.
//
// An observed-remove set of births under one version vector, and a last-writer register (clock, then dot) for
// each birth. A birth that the vector covers and that is not here was removed, so removal needs no tombstone;
// an update never revives what was removed, and a start that was concurrent with a removal survives it.
// Concurrent births of one id are all kept until the next write of that id ends them; the greatest shows.
// Source: Bieniusa et al., "An optimized conflict-free replicated set" (2012).
//
// Another node's table comes in portions, bucket after bucket. What one covers counts for the buckets that
// have come at once, and for the whole table when the last one has (begin_exchange ... end_exchange).
//
// Invariants: digests are a function of the set of (id, dot); the order in which changes of different nodes
// arrive does not matter, the changes of one node come in the order of their sequence.
// Owns: Child::row_. Reads nothing else. Thread rule: none; owned by one core.
#pragma once

#include <array>
#include <functional>

#include "core/base/messages.hpp"
#include "core/rows/child_table.hpp"
#include "core/rows/spec_pool.hpp"

namespace brood::core {

class SpecTable {
 public:
  /// Called for each row that ends: with its birth (`for_good`), or because a newer one of that birth comes.
  std::function<void(const Child&, const SpecRow&, bool for_good)> on_end;
  /// A birth that was not known here has a row now.
  std::function<void(const Child&)> on_begin;

  SpecTable(ChildTable& children, NodeName self, std::uint32_t creation)
      : children_(children), self_(std::move(self)), creation_(creation) {}

  /// From now on this node writes under another name: its rows begin a new sequence, those of before stay as
  /// they are, as of a node that is gone.
  void rename(NodeName self, std::uint32_t creation);
  /// This node writes a row: a new birth, which ends all rows of the id, or an update of the visible one,
  /// which keeps its birth. Dot and birth are filled in here. The clock is the caller's, raised above that of
  /// what it replaces: a row whose clock nobody follows must be replaceable all the same.
  SpecChange write(Child& child, SpecRow row, bool new_birth);
  /// This node removes all rows of the child.
  SpecChange remove(Child& child);

  enum class Applied : std::uint8_t { nothing, changed, gap };
  /// A change by another node. `gap`: an earlier one of that node is missing; nothing was done. Leaves a
  /// record of the id, which may be empty: the caller erases it.
  Applied apply(const SpecChange& change);

  /// A portion of another node's table, from the first to the last. `on_change` is called for each child
  /// whose visible row changed. False: a bucket that the sender took to be the same here is not; it must be
  /// asked for again.
  bool merge(PeerIndex from, const Sync& portion, const std::function<void(Child&)>& on_change);
  /// What came of that node's table so far no longer counts (its channel broke).
  void abandon(PeerIndex from);

  /// Births that are over though the vector does not cover them.
  [[nodiscard]] std::vector<std::pair<ChildId, Dot>> ended_early() const;
  /// All rows of a bucket, concurrent ones too, in order of their ids and dots.
  void rows_of(std::uint32_t bucket, std::vector<std::pair<ChildId, SpecRow>>& rows) const;
  [[nodiscard]] std::uint64_t digest_of(std::uint32_t bucket) const { return digests_[bucket]; }
  /// Of all buckets; empty where there is no row.
  [[nodiscard]] std::vector<std::uint64_t> digests() const;

  [[nodiscard]] const VersionVector& seen() const { return seen_; }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::size_t wanted() const { return wanted_; }
  /// The row of that birth, also one that does not show; nullptr once it has ended.
  [[nodiscard]] const SpecRow* find_birth(const Child& child, const Dot& birth) const;

 private:
  struct Incoming {
    PeerIndex from = no_peer;
    VersionVector seen;     ///< What the sender covered when it began.
    std::uint32_t end = 0;  ///< Buckets before this one have come.
  };
  Dot next_dot();
  void insert(Child& child, SpecRow row);
  void begin(Child& child, const SpecRow& row);
  bool end_birth(Child& child, const Dot& birth, bool for_good = true);
  bool end_for_good(Child& child, const Dot& birth);
  bool update(Child& child, const SpecRow& row);
  void end_all(Child& child, std::vector<Dot>& ended);
  void count(const Child& child, const SpecRow& row, bool added);
  void end_removed(const Sync& portion, const std::vector<bool>& same, std::vector<ChildRef>& changed);
  [[nodiscard]] bool is_known(const Child& child, const Dot& birth) const;
  [[nodiscard]] bool covered_by_incoming(const Child& child, const Dot& dot) const;
  Incoming& incoming(PeerIndex from, const Sync& portion);

  ChildTable& children_;
  SpecPool specs_;
  NodeName self_;
  std::uint32_t creation_;
  std::uint64_t sequence_ = 0;
  std::map<ChildId, std::vector<SpecRow>> others_;  ///< Concurrent rows that do not show.
  VersionVector seen_;
  /// Births that were ended before the vector covers them: the change that made one is still on its way, or
  /// was lost with its node, and must not bring it back. Others are told with the table.
  std::map<Dot, ChildId> ended_early_;
  std::vector<Incoming> incoming_;
  std::array<std::uint64_t, buckets> digests_{};
  std::uint64_t digest_ = 0;
  std::size_t wanted_ = 0;  ///< Visible rows that are wanted.
};

}  // namespace brood::core
