// SpecTable: the rows of the specs, the same on every node once all changes have arrived.
//
// An observed-remove set of births under one version vector, and a last-writer register (clock, then dot) for
// each birth. A birth that the vector covers and that is not here was removed, so removal needs no tombstone;
// an update never revives what was removed, and a start that was concurrent with a removal survives it.
// Concurrent births of one id are all kept until the next write of that id ends them; the greatest shows.
// Source: Bieniusa et al., "An optimized conflict-free replicated set" (2012).
//
// Invariants: digest() is a function of the set of (id, dot); the order in which changes of different nodes
// arrive does not matter, the changes of one node come in the order of their sequence.
// Thread rule: none; owned by one core.
#pragma once

#include <functional>
#include <unordered_map>

#include "core/child.hpp"
#include "core/messages.hpp"

namespace brood::core {

class SpecTable {
 public:
  using Children = std::unordered_map<ChildId, Child>;

  /// Called for each row whose birth ends, with the id.
  std::function<void(const ChildId&, const SpecRow&)> on_end;

  SpecTable(NodeName self, std::uint32_t creation) : self_(std::move(self)), creation_(creation) {}

  /// From now on this node writes under another name: its rows begin a new sequence, those of before stay as
  /// they are, as of a node that is gone.
  void rename(NodeName self, std::uint32_t creation);
  /// This node writes a row: a new birth, which ends all rows of the id, or an update of the visible one,
  /// which keeps its birth. Dot and birth are filled in here; `clock` is the caller's.
  SpecChange write(const ChildId& id, SpecRow row, bool new_birth);
  /// This node removes all rows of the id.
  SpecChange remove(const ChildId& id);

  enum class Applied : std::uint8_t { nothing, changed, gap };
  /// A change by another node. `gap`: an earlier one of that node is missing; nothing was done.
  Applied apply(const SpecChange& change);
  /// Merges all rows of another node. `on_change` is called for each id whose visible row changed.
  void merge(const Sync& sync, const std::function<void(const ChildId&)>& on_change);
  /// All rows, concurrent ones too, in order of their ids.
  [[nodiscard]] std::vector<std::pair<ChildId, SpecRow>> rows() const;

  [[nodiscard]] const VersionVector& seen() const { return seen_; }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::size_t wanted() const { return wanted_; }
  [[nodiscard]] const SpecRow* row(const ChildId& id) const;
  /// The row of that birth, also one that does not show; nullptr once it has ended.
  [[nodiscard]] const SpecRow* find_birth(const ChildId& id, const Dot& birth) const;

  [[nodiscard]] Children& children() { return children_; }
  [[nodiscard]] const Children& children() const { return children_; }
  [[nodiscard]] Child* find(const ChildId& id);
  [[nodiscard]] const Child* find(const ChildId& id) const;
  Child& obtain(const ChildId& id);
  /// Forgets the id where nothing is known of it any more.
  void erase_if_empty(const ChildId& id);

 private:
  Dot next_dot();
  void insert(const ChildId& id, SpecRow row);
  bool end_birth(const ChildId& id, const Dot& birth, bool for_good = true);
  bool update(const ChildId& id, const SpecRow& row);
  void end_all(const ChildId& id, std::vector<Dot>& ended);
  void count(const ChildId& id, const SpecRow& row, bool added);

  NodeName self_;
  std::uint32_t creation_;
  std::uint64_t sequence_ = 0;
  Children children_;
  std::map<ChildId, std::vector<SpecRow>> others_;  ///< Concurrent rows that do not show.
  VersionVector seen_;
  std::uint64_t digest_ = 0;
  std::size_t wanted_ = 0;  ///< Visible rows that are wanted.
};

}  // namespace brood::core
