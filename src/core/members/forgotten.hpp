// Forgotten: nodes that were lost and will not come back, as somebody has said. Nothing waits for them any
// more: not a child that is mapped to them, nor a quorum, nor what waits for the other side of a split to
// end.
//
// The list is told in the member rows, as the roster is; it is part of the view, so all act by the same. A
// node that comes back after all is taken off by whoever meets it.
//
// Owns: the list, who waits for a change of it. Reads: settings, sessions, who holds which Delta. Asks
// sessions to publish it in this node's row. Tells: forgotten. Thread rule: none; owned by one core.
#pragma once

#include "core/members/sessions.hpp"
#include "core/rows/replication.hpp"

namespace brood::core {

class Forgotten {
 public:
  /// Nodes that are kept on the list, those that came back among them.
  static constexpr std::size_t nodes_max = 4096;

  Forgotten(const Settings& settings, Sessions& sessions, const Replication& replication, Notes& notes)
      : settings_(settings), sessions_(sessions), replication_(replication), notes_(notes) {}

  /// In the order of their names.
  [[nodiscard]] std::vector<NodeName> nodes() const;

  /// Answered when another member holds it.
  void ask(Step& s, const ClientForget& event);
  void client_gone(ClientId client);
  /// The row of that peer is another.
  void learn(Step& s, PeerIndex peer);
  void session_began(Step& s, const NodeName& node);
  /// Answers those whose change another member holds.
  void tell(Step& s);

 private:
  [[nodiscard]] bool is_here(const NodeName& node) const;

  const Settings& settings_;
  Sessions& sessions_;
  const Replication& replication_;
  Notes& notes_;
  std::map<NodeName, RosterEntry> list_;
  std::vector<std::pair<std::uint64_t, ClientId>> waiting_;  ///< Until that Delta is replicated.
};

}  // namespace brood::core
