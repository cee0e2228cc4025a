// Roster: which nodes may get children, where that is not every member: the nodes that the settings name, and
// those that were added or removed since. With a fixed ring and no nodes named, it is those that were up when
// the cluster formed.
//
// The list is told in the member rows: each member says the newest that it knows of each node, and takes over
// what is newer in the others' rows. Their hashes are part of the view, so nobody acts before all have the
// same list.
//
// Owns: the list, who waits for a change of it. Reads: settings, sessions, who holds which Delta. Asks
// sessions to publish it in this node's row. Tells: nothing itself (sessions tell member_changed). Thread
// rule: none; owned by one core.
#pragma once

#include "core/members/sessions.hpp"
#include "core/rows/replication.hpp"

namespace brood::core {

class Roster {
 public:
  /// Nodes that are remembered, removed ones among them.
  static constexpr std::size_t nodes_max = 4096;

  Roster(const Settings& settings, Sessions& sessions, const Replication& replication);

  /// There is a list; else every member may get children.
  [[nodiscard]] bool applies() const { return !list_.empty(); }
  [[nodiscard]] bool allows(const NodeName& node) const;
  /// The nodes on the list, in the order of their names.
  [[nodiscard]] std::vector<NodeName> listed() const;

  /// The row of that peer is another.
  void learn(Step& s, PeerIndex peer);
  /// This node may act by a view with these nodes: the longest up of them fixes the ring, if nobody has yet.
  void fix(Step& s, const std::vector<PeerIndex>& up);
  /// Adds or removes nodes. Answered when another member holds the change.
  void change(Step& s, const ClientRoster& event);
  void forget(ClientId client);
  /// A node that was lost will not come back: it keeps no place on a fixed ring.
  void drop(Step& s, const NodeName& node);
  void rename(Step& s, const NodeName& before, const NodeName& now);
  /// Answers those whose change another member holds.
  void tell(Step& s);

 private:
  using List = std::map<NodeName, RosterEntry>;
  [[nodiscard]] std::optional<Error> cannot_change(const ClientRoster& event, const List& next) const;

  const Settings& settings_;
  Sessions& sessions_;
  const Replication& replication_;
  List list_;
  std::vector<std::pair<std::uint64_t, ClientId>> waiting_;  ///< Until that Delta is replicated.
};

}  // namespace brood::core
