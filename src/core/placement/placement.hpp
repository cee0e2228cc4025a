// Placement: on which nodes a child belongs, and which node coordinates an id. A pure function of the view
// (the up members with their weights and offers), the row and the distribution, the same on every node.
//
// Thread rule: pure data; owned by one core.
#pragma once

#include <brood/strategies.hpp>
#include <span>
#include <unordered_map>

#include "core/base/peer_index.hpp"
#include "core/base/types.hpp"

namespace brood::core {

class Placement {
 public:
  explicit Placement(std::shared_ptr<const Distribution> distribution)
      : distribution_(std::move(distribution)) {}

  struct Node {
    PeerIndex peer = no_peer;
    NodeName name;
    std::uint32_t weight = 0;
    std::set<std::string> offers;
  };
  /// The up members of a view, in name order.
  void set(std::vector<Node> nodes);

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  /// The node that coordinates that key; no_peer when no node is up. Nodes of weight 0 only where all are.
  [[nodiscard]] PeerIndex coordinator(std::uint64_t key) const;
  /// Where the child belongs; no_peer when it may run nowhere.
  [[nodiscard]] PeerIndex first(std::uint64_t key, const SpecRow& row) const;
  /// All nodes that may run it, best first.
  [[nodiscard]] std::vector<PeerIndex> order(std::uint64_t key, const SpecRow& row) const;
  [[nodiscard]] bool offered(const std::string& needs) const;  ///< By any up node.
  [[nodiscard]] bool is_up(const NodeName& node) const;

 private:
  /// Valid until the next call.
  [[nodiscard]] const std::vector<RingNode>& ring_of(const std::string& needs) const;
  void fill(std::vector<RingNode>& ring, const std::string& needs) const;
  [[nodiscard]] std::vector<RingNode> eligible(const SpecRow& row) const;

  std::shared_ptr<const Distribution> distribution_;
  std::vector<Node> nodes_;
  std::vector<RingNode> coordinators_;
  mutable std::unordered_map<std::string, std::vector<RingNode>> rings_;  ///< By Spec::needs, of workers.
  mutable std::vector<RingNode> for_command_;        ///< Commands are too many for a ring of each to be kept.
  mutable const std::string* last_needs_ = nullptr;  ///< Most children need the same: keeps the look-up out.
  mutable const std::vector<RingNode>* last_ring_ = nullptr;
};

/// Whether a node with these offers can run what needs that.
[[nodiscard]] bool offers(const std::set<std::string>& offers, const std::string& needs);

}  // namespace brood::core
