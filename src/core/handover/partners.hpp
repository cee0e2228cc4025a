// Partners: of a child with several instances, which instance that does not belong where it runs is handed
// over to which node that lacks one. A pure function of the view and of what the nodes publish, so both ends
// find the same partner, and a node that waits for one does not start an instance anew.
//
// The active instance comes first, and the nodes in the order of the child: so it goes to the first of them,
// and is the active one there. Only what runs is handed over, by a migration that hands over, and never a
// program; nor where the nodes of the passive ones hold the state anyway (Standby).
//
// Owns: nothing. Reads: settings, views, instances. Thread rule: none; owned by one core.
#pragma once

#include "core/members/views.hpp"
#include "core/rows/instances.hpp"

namespace brood::core {

class Partners {
 public:
  Partners(const Settings& settings, const PeerTable& peers, const Views& views, const Instances& instances)
      : settings_(settings), peers_(peers), views_(views), instances_(instances) {}

  /// Where that node's instance goes; no_peer: it belongs where it is, or is not handed over.
  [[nodiscard]] PeerIndex target_of(const Child& child, PeerIndex peer) const;
  /// Whose instance comes to that node; no_peer: none does.
  [[nodiscard]] PeerIndex source_of(const Child& child, PeerIndex peer) const;

 private:
  struct Pair {
    PeerIndex from = no_peer, to = no_peer;
  };
  [[nodiscard]] std::vector<Pair> pairs(const Child& child) const;

  const Settings& settings_;
  const PeerTable& peers_;
  const Views& views_;
  const Instances& instances_;
};

}  // namespace brood::core
