// Rows: the verbs by which this node changes the table of specs. A change is in the table at once, leaves
// with this step's Delta, and is told to whoever follows the child.
//
// Owns: the table of specs. Reads: nothing else. Tells: row_begins, row_ends, row_changed, touched,
// request_finished, late_change. Thread rule: none; owned by one core.
#pragma once

#include "core/base/notes.hpp"
#include "core/rows/outbox.hpp"
#include "core/rows/spec_table.hpp"

namespace brood::core {

class Rows {
 public:
  Rows(ChildTable& children, const Settings& settings, Outbox& outbox, Notes& notes);

  [[nodiscard]] const SpecTable& table() const { return table_; }
  [[nodiscard]] std::size_t wanted() const { return table_.wanted(); }

  /// Writes the child's row: an update of the visible one, or a new birth, which ends all rows of it.
  void write(Step& s, Child& child, SpecRow row, bool new_birth);
  /// Updates the visible row by what another node need not act by at once: where somebody wants the child to
  /// run. It shows over a remark of the same time, and what was written of the child meanwhile over both, as
  /// by the node that runs it and gives it up: whoever hears of that first starts it.
  void wish(Step& s, Child& child, SpecRow row);
  /// The same, of how it goes.
  void remark(Step& s, Child& child, SpecRow row);
  /// Removes all rows of the child, for that request (none: number 0).
  void remove(Step& s, Child& child, const RequestKey& request = {});

  /// A change by another node. False: an earlier one is missing, and a table has to be asked for.
  [[nodiscard]] bool apply(Step& s, const SpecChange& change);
  /// See SpecTable::merge.
  [[nodiscard]] bool merge(Step& s, PeerIndex from, const Sync& portion);
  void abandon(PeerIndex from) { table_.abandon(from); }
  void rename(const NodeName& self, std::uint32_t creation) { table_.rename(self, creation); }

 private:
  void put(Step& s, Child& child, SpecRow row, bool new_birth);
  void changed(Step& s, Child& child);
  /// `floor`: what whoever ended them knew.
  void tell_ended(Step& s, const Epoch& floor = {});

  ChildTable& children_;
  Outbox& outbox_;
  Notes& notes_;
  SpecTable table_;
  struct Ended {
    RequestKey request;
    ChildId id;
    Epoch floor;
  };
  std::vector<Ended> ended_;  ///< Requests whose rows have just ended.
};

}  // namespace brood::core
