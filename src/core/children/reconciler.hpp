// Reconciler: one child at a time, what should run on this node compared with what runs.
//
//   start     this node is the child's place, and it runs nowhere
//   release   it runs here, and this node is not its place
//   remove    its row is gone, or is another
//   conflict  it runs on two nodes
//
// Of a child that may have several instances each node looks after its own: one that belongs here starts
// beside the others, and one that does not ends when those that do run everywhere.
//
// A child that anything has happened to is touched, and looked at once, in the order of touching; those for
// which a request is open by turns with the others, so that one start does not wait for what a node that
// comes or goes brings about. When the view is another, a sweep goes over all children in portions and
// touches those whose place has changed.
//
// Owns: what is touched, when to look again, the sweep, Child::place_ and touched_. Reads: views, sessions,
// instances, Child::own(). Asks locals, rows, moves, outgoing, losses, crashes, roles.
// Thread rule: none; owned by one core.
#pragma once

#include "core/children/crashes.hpp"
#include "core/children/losses.hpp"
#include "core/children/moves.hpp"
#include "core/children/order.hpp"
#include "core/children/roles.hpp"
#include "core/handover/incoming.hpp"
#include "core/handover/outgoing.hpp"
#include "core/members/takeover.hpp"

namespace brood::core {

class Reconciler {
 public:
  struct Neighbours {
    ChildTable& children;
    Locals& locals;
    Instances& instances;
    Rows& rows;
    Moves& moves;
    Outgoing& outgoing;
    Incoming& incoming;
    Losses& losses;
    Crashes& crashes;
    Roles& roles;
    Order& order;
    const Partners& partners;
    const Views& views;
    const Sessions& sessions;
    const PeerTable& peers;
    Takeover& takeover;
  };
  explicit Reconciler(const Neighbours& neighbours) : with_(neighbours) {}

  // ---- what is to be looked at
  void touch(Child& child);
  /// Touches the child at that time.
  void wake(const Child& child, Duration at) {
    if (at != Duration::max()) timers_.emplace(at, child.ref);
  }
  [[nodiscard]] bool has_touched() const { return !touched_.empty() || !asked_for_.empty(); }
  /// The next of them; nullptr: it is gone, or was taken out of turn.
  [[nodiscard]] Child* take();
  /// That one, before all others. False: it is not touched.
  [[nodiscard]] bool take(Child& child) { return std::exchange(child.touched_.value_, false); }
  void look(Step& s, Child& child);

  // ---- the sweep
  /// This node may act by another view, or again.
  void may_act(Step& s, bool anew);
  /// The next sweep touches all: what they waited for is not waited for any more.
  void look_at_all() {
    sweep_ = 0;
    touches_all_ = true;
  }
  [[nodiscard]] bool sweeping() const { return resumes_ || sweep_ < with_.children.slots(); }
  void sweep_some(Step& s);

  /// No child is touched, and no sweep is under way that may touch some.
  [[nodiscard]] bool is_idle() const { return !has_touched() && !sweeping(); }

  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const {
    return timers_.empty() ? Duration::max() : timers_.begin()->first;
  }

 private:
  void resume_some();
  [[nodiscard]] PeerIndex place_of(const Child& child) const;
  void look_at_own(Step& s, Child& child);
  [[nodiscard]] bool belongs_here(const Child& child) const;
  [[nodiscard]] bool may_have_several(const Child& child) const;
  [[nodiscard]] bool needs_a_look(const Child& child) const;
  void maybe_start(Step& s, Child& child);
  [[nodiscard]] bool knows_the_former(const Child& child) const;
  void start_one_of_several(Step& s, Child& child);
  [[nodiscard]] bool must_wait(Step& s, Child& child);
  [[nodiscard]] bool may_run_behind_a_split(Step& s, const Child& child);
  [[nodiscard]] Why why_it_leaves(const Child& child, PeerIndex to) const;
  void release(Step& s, Child& child, PeerIndex place);
  [[nodiscard]] bool goes_on_leaving(const Child& child) const;
  [[nodiscard]] bool hand_over_one_of_several(Step& s, Child& child);
  void release_one_of_several(Step& s, Child& child);
  [[nodiscard]] bool resolve_conflict(Step& s, Child& child, PeerIndex place);
  void clear_failure(Step& s, Child& child);
  void clear_suspicion(Step& s, Child& child);

  Neighbours with_;
  std::deque<ChildRef> touched_;
  std::deque<ChildRef> asked_for_;  ///< Touched too: those with an open request.
  bool asked_last_ = false;         ///< Whose turn it was.
  std::set<std::pair<Duration, ChildRef>> timers_;
  std::vector<ChildRef> waiting_;  ///< Touched while this node could not act.
  bool resumes_ = false;           ///< These are touched now, some at a time.
  std::uint32_t sweep_ = 0xffff'ffff;
  bool touches_all_ = false;
  Duration next_handover_line_{};
  std::size_t late_handovers_ = 0;          ///< Since the last line about them.
  std::map<ChildRef, Duration> handovers_;  ///< This node waits for an instance elsewhere, since.
};

}  // namespace brood::core
