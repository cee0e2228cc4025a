// Takeover: which children wait to be started because a node that may run them was lost without proof of its
// death. The other side of a split has that time to see that it has no quorum and to end them.
//
// A child waits when the lost node ran it, or when it would be the child's place if it were still there: what
// it had started just before may not have been told. It also waits when the lost node was its place by a row
// that has ended since: stopped and started anew, or changed, it may be another's now, and the lost node has
// not heard of that. So does one that is started anew and that the lost node coordinated: cut off, it may
// have started that child too, and on itself. A node that joins within that time is told of it in the Hello
// of each member, but not what ran there, nor what it coordinated: it goes by the newest epoch that it knows
// of the child, and waits with all that is started anew. And where
// this part may act again because others changed sides, or a member is lost that reached a node which this
// one does not, that node ends only now what it ran with them. Only where the partition strategy locks.
//
// Owns: what was lost of late, and a placement with it. Reads: views. Thread rule: none; owned by one core.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "core/members/views.hpp"
#include "core/rows/child.hpp"

namespace brood::core {

class Takeover {
 public:
  Takeover(const Settings& settings, const Views& views)
      : views_(views),
        before_(settings.strategies.distribution),
        replicas_before_(before_, settings.strategies.redundancy) {}

  /// `unheard`: lost while this node joined, or before it had said that it knows all that are up. What it ran
  /// meanwhile, where others belong now, it may not have told this one.
  void on_ended(const Step& s, const Loss& loss, bool unheard = false);
  /// What a member says in its Hello of losses that this node may not have seen.
  void on_told(const Step& s, const Sessions& sessions, const Hello& hello);
  /// This part may act again, and that node, which this one does not reach and others do, is left out of it:
  /// until now it was not, and may have run what it was given where this node was not. Or a node is lost that
  /// reached that one, and it finds that out only now.
  void on_left_out(const Step& s, const Sessions& sessions, const NodeName& node);
  /// For the Hello of this node.
  [[nodiscard]] std::vector<std::pair<SessionId, std::chrono::milliseconds>> held(const Step& s) const;
  /// How long what that session ran may still run on the other side of a split; zero: it does not.
  [[nodiscard]] static Duration hold(const Step& s, const Loss& loss);
  /// An instance of that session is gone with it.
  void on_lost(const ChildId& id, const Loss& loss);
  /// That row of the child ends, or a newer one comes in its place. O(1) where nothing was lost of late.
  void row_ends(const Child& child, const SpecRow& row);
  /// The child is started anew: a new row of it has come.
  void row_begins(const Child& child) {
    if (!lost_.empty()) begun_.insert(child.id);
  }
  /// The node is back, or has started anew: it says itself what it runs.
  void session_began(const NodeName& node);
  void view_changed() { dirty_ = true; }
  /// Until when the child waits; nothing: not at all.
  [[nodiscard]] std::optional<Duration> waits(const Step& s, const Child& child);
  [[nodiscard]] bool any() const { return !lost_.empty(); }
  /// Whether what that session ran, or was about to, may still run on the other side of a split.
  [[nodiscard]] bool holds(const SessionId& session) const;
  /// Those of which that may be.
  [[nodiscard]] std::vector<SessionId> sessions() const;
  /// Whether that is over for any of them since it was asked last.
  [[nodiscard]] bool take_over() { return std::exchange(over_, false); }

  void on_time(const Step& s);
  [[nodiscard]] Duration deadline() const;

 private:
  struct Lost {
    SessionId session;
    Duration until{};
    std::shared_ptr<const Member> member;  ///< nullptr: this node was only told of it, or it is unheard.
    bool unheard = false;                  ///< It has told others what it ran of late: that may be any child.
  };
  void end(std::size_t at);
  void note(const ChildId& id, const SessionId& session);
  [[nodiscard]] bool may_run_at(const Lost& lost, const Child& child) const;
  [[nodiscard]] std::vector<const Lost*> places_of(const Child& child, const SpecRow& row);
  void refresh();
  [[nodiscard]] bool is_new_since(const Child& child) const;

  const Views& views_;
  std::vector<Lost> lost_;
  std::unordered_multimap<ChildId, SessionId> ran_;  ///< On which lost nodes, or may have.
  std::unordered_set<ChildId> begun_;                ///< Started anew since.
  Placement before_;                                 ///< With the lost nodes.
  Replicas replicas_before_;
  bool dirty_ = true;
  bool over_ = false;
};

}  // namespace brood::core
