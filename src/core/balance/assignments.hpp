// Assignments: the nodes that children were given to, ahead of all that the distribution says
// (SpecRow::assigned).
//
//   by load   under a distribution that balances, by the leader: a child that has none, or whose node is
//   gone, is
//             given to the node that has the fewest children for its share (balance/scoreboard.hpp)
//   by hand   by a client, under any distribution: it stays there until that node is gone, or somebody gives
//   it back
//
// A node is gone when it is lost, has left, or drains. Then an assignment ends, in the first view that may be
// acted by in which the node is not up; where a partition strategy locks, not before the other side of a
// split must have ended the child. Who writes is the coordinator of the id.
//
// While its node is there, a child is given to another one only where it is seen to run: the row says which
// instance that is, and whoever starts it must have heard of it (Assignment::after). The row may come before
// that news.
//
// What is counted are the rows, so whoever becomes leader counts the same. rebalance() goes over all children
// in portions, and gives those anew that make the fullest nodes less full; those that were moved by hand
// stay.
//
// Owns: how many children each node was given (Child::counted_), the rebalancing. Reads: scoreboard, views,
// takeover. Asks rows. Tells: nothing. Thread rule: none; owned by one core.
#pragma once

#include "core/balance/scoreboard.hpp"
#include "core/members/takeover.hpp"
#include "core/rows/instances.hpp"
#include "core/rows/rows.hpp"

namespace brood::core {

class Assignments {
 public:
  Assignments(const Settings& settings, ChildTable& children, const Scoreboard& scores, const Views& views,
              Takeover& takeover, Rows& rows, const Instances& instances)
      : settings_(settings),
        children_(children),
        scores_(scores),
        views_(views),
        takeover_(takeover),
        rows_(rows),
        instances_(instances) {}

  /// The row is about to be written, of a child that starts: gives it a node, unless it has one, or the
  /// distribution does not balance. The child has to be counted when it is written.
  void give(const ChildId& id, SpecRow& row) const;
  /// The child's row has changed.
  void count(Child& child);
  /// The same, and where its node is gone it is given another. Returns when to look again; max(): when
  /// something changes.
  [[nodiscard]] Duration look(Step& s, Child& child);

  // ---- rebalancing
  void rebalance() { next_ = 0; }
  /// This node may act by another view.
  void may_act();
  [[nodiscard]] bool rebalancing() const { return next_ != nothing; }
  [[nodiscard]] bool has_work() const { return rebalancing() && views_.acting(); }
  /// A portion of the children. True: it was the last.
  bool work(Step& s);

  /// The newest instance that is known to be anywhere; zero: none is.
  [[nodiscard]] Epoch newest(const Child& child) const;
  /// It was given to a node that does not run it yet, and runs on another still: whoever it was given to may
  /// be starting it once that one has ended, and it is not given to a third one before.
  [[nodiscard]] bool is_on_its_way(const Child& child) const;
  /// How many children that node was given.
  [[nodiscard]] std::uint64_t given(const NodeName& node) const;

 private:
  static constexpr std::uint32_t nothing = 0xffff'ffff;
  [[nodiscard]] const Placement::Node* best(const ChildId& id, const SpecRow& row) const;
  [[nodiscard]] std::uint32_t counter_of(const NodeName& node);
  void take(std::uint32_t counter);
  void rebalance(Step& s, Child& child);

  const Settings& settings_;
  ChildTable& children_;
  const Scoreboard& scores_;
  const Views& views_;
  Takeover& takeover_;
  Rows& rows_;
  const Instances& instances_;
  struct Counter {
    NodeName node;
    std::uint64_t children = 0;
  };
  std::vector<Counter> counters_;
  std::map<NodeName, std::uint32_t> by_name_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = nothing;  ///< Of the rebalancing: the slot that is next.
  std::vector<NodeName> up_;      ///< In the view before.
};

}  // namespace brood::core
