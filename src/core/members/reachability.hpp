// Reachability: who reaches whom, and the members that all reach each other.
//
// Each member says in its row whom it has lost without proof (Member::unreached). Who is in touch with both
// ends of such a broken link says so to both (Member::cuts), so that they know of each other. From that every
// node computes the same effective view: of the members that it knows, the one with most broken links is left
// out, of several the one that became up last, then by name, until all that are left reach each other. A node
// that is left out itself stands aside: its children end, and run where all agree.
//
// A node knows of broken links only if somebody that it reaches is in touch with both ends. Chains of nodes
// that reach only their neighbours are resolved one after the other, each as the one before is left out.
//
// Owns: since when links are broken, and what it computed last. Reads: sessions. Thread rule: none; owned by
// one core.
#pragma once

#include "core/members/sessions.hpp"

namespace brood::core {

/// How long a link has to be broken before it counts: by then a node that has merely died is lost to all.
[[nodiscard]] inline Duration cut_after(const Settings& settings) {
  return settings.tick_timeout + settings.tick_timeout / 4;
}

class Reachability {
 public:
  Reachability(const PeerTable& peers, const Sessions& sessions) : peers_(peers), sessions_(sessions) {}

  /// Which links between members that this node reaches are broken, as one of them says: those that have been
  /// for so long that the other cannot merely be lost to this node too, only later. True: they are others
  /// than before.
  [[nodiscard]] bool look_for_cuts(const Step& s);
  [[nodiscard]] const std::vector<Cut>& cuts() const { return cuts_; }
  /// Some link between two members is broken, perhaps only for now; or this node has lost one of late that
  /// others may reach.
  [[nodiscard]] bool may_be_broken(const Step& s) const {
    return !since_.empty() || (lost_at_ && s.time() < *lost_at_ + 2 * cut_after(s.settings));
  }
  /// A row is another: the links are looked at again, once for all that are in one step.
  void look_again() { next_ = Duration::min(); }
  /// When that is to be done next: now, or when a link has been broken for long enough.
  [[nodiscard]] Duration deadline() const { return next_; }
  /// Computes the effective view anew.
  void refresh();

  /// That member is in the effective view.
  [[nodiscard]] bool counts(const NodeName& node) const { return !left_out_.contains(node); }
  [[nodiscard]] const std::set<NodeName>& left_out() const { return left_out_; }
  /// This node is not.
  [[nodiscard]] bool stands_aside() const { return aside_; }
  /// While it does: the nodes that others reach and this one does not.
  [[nodiscard]] const std::set<NodeName>& unreached() const { return unreached_; }
  /// Why it is not, in words.
  [[nodiscard]] std::string words() const;

 private:
  struct Node {
    Hlc up_since;
    std::set<NodeName> broken;  ///< Whom it does not reach.
  };
  struct Broken {
    Cut cut;
    Duration since{};
  };
  /// In order.
  [[nodiscard]] std::vector<Cut> broken_links() const;
  void look_at_rows(const Step& s);
  [[nodiscard]] std::vector<const Cut*> all_cuts() const;
  void add_link(std::map<NodeName, Node>& nodes, const CutEnd& a, const CutEnd& b) const;

  const PeerTable& peers_;
  const Sessions& sessions_;
  std::set<NodeName> unreached_before_;
  std::optional<Duration> lost_at_;
  std::vector<Broken> since_;    ///< In the order of the links.
  std::uint64_t looked_at_ = 0;  ///< Sessions::changes() at the last look.
  std::vector<Cut> cuts_;
  Duration next_ = Duration::max();
  std::set<NodeName> left_out_;
  std::set<NodeName> unreached_;  ///< By this node, when it was left out.
  bool aside_ = false;
};

}  // namespace brood::core
