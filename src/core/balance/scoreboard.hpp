// Scoreboard: how loaded the nodes are, where the distribution balances. Each node measures its own load and
// tells the leader, at every measure and when the leader may be another; of a node that has told nothing yet
// the mean of the others counts. The history of each node is its own.
//
// Only the leader's is complete. Nothing of it is kept when the leader is lost: the next one begins with what
// it is told at once.
//
// Owns: the scores of the nodes, this node's last load. Reads: settings, views. Asks the sender. Tells:
// nothing. Thread rule: none; owned by one core.
#pragma once

#include "core/members/views.hpp"
#include "core/placement/load_balancer.hpp"

namespace brood::core {

class Scoreboard {
 public:
  Scoreboard(const Settings& settings, const Views& views, Sender& sender)
      : settings_(settings), views_(views), sender_(sender) {}

  /// Null: the distribution does not balance, and all else here is empty.
  [[nodiscard]] const BalancingSettings* how() const {
    return settings_.strategies.distribution->balancing();
  }
  /// Who gives children to nodes; no_peer: nobody is up.
  [[nodiscard]] PeerIndex leader() const;
  [[nodiscard]] bool leads() const { return how() && leader() == self_index; }

  /// This node's load, measured just now.
  void measured(const Load& load);
  /// A member's, as it says.
  void told(PeerIndex from, const Load& load);
  /// The leader may be another, which has to be told.
  void may_act();
  void reset(PeerIndex peer) { scores_.reset(peer); }

  struct Score {
    Load load;                ///< The last.
    std::deque<Ppm> history;  ///< Newest first; none: it has told nothing yet.
  };
  [[nodiscard]] const Score& of(PeerIndex peer) const { return scores_[peer]; }
  [[nodiscard]] Ppm score(PeerIndex peer) const;
  /// Its part of the children, relative to the others': what it has to spare, times its weight.
  [[nodiscard]] std::uint64_t share(const Placement::Node& node) const;

 private:
  void tell_leader();

  const Settings& settings_;
  const Views& views_;
  Sender& sender_;
  PeerMap<Score> scores_;
  std::optional<Load> own_;
};

}  // namespace brood::core
