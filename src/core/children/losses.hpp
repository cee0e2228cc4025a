// Losses: what the loss of a node means for the children that it ran. Every survivor notes what it saw; the
// rows are written by each child's coordinator alone, in the confirmed view without the lost node.
//
// A child that had just started on the lost node is a suspect: it may have taken the node down. Suspicion
// makes it wait, longer each time in a row. Only the dying node's own word, several times within a stated
// time, makes it `failed`.
//
// Owns: a mark for each lost child that something follows for, until its row says so. Reads: views,
// instances. Asks rows. Tells: touched, lost_for_good.
// Thread rule: none; owned by one core.
#pragma once

#include "core/members/views.hpp"
#include "core/rows/instances.hpp"
#include "core/rows/rows.hpp"

namespace brood::core {

class Losses {
 public:
  Losses(Rows& rows, const Instances& instances, const Views& views, ChildTable& children, Notes& notes)
      : rows_(rows), instances_(instances), views_(views), children_(children), notes_(notes) {}

  void on_lost(Step& s, Child& child, const Instance& instance, const Loss& loss);
  struct Verdict {
    bool may_start = true;
    Duration look_again = Duration::max();
  };
  /// Writes what follows from a loss, if that is for this node to do, and says whether the child may start.
  [[nodiscard]] Verdict look(Step& s, Child& child);
  /// This node may act, for the first time in this view or again: has all marked children looked at.
  void touch_all(Step& s);

 private:
  struct Mark {
    Dot birth;  ///< The row as it was; any other ends the mark.
    Blame before;
    NodeName node;
    bool temporary = false;  ///< Not started again: its coordinator removes the row.
    bool proven = false;
    bool suspected = false;
    bool counted = false;  ///< This node, its coordinator, has written the loss.
    Duration start_at{};
  };
  void write(Step& s, Child& child, Mark& mark);

  Rows& rows_;
  const Instances& instances_;
  const Views& views_;
  ChildTable& children_;
  Notes& notes_;
  std::map<ChildRef, Mark> marks_;
  std::map<SessionId, std::uint32_t> suspects_;  ///< How many of each lost session.
};

/// How long a child waits that so many nodes were lost with, one after the other.
[[nodiscard]] Duration suspect_pause(const Settings& settings, const Blame& blame);

}  // namespace brood::core
