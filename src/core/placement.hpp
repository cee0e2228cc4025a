// Placement: on which nodes a child belongs, and which node coordinates an id. A pure function of the view
// (the up members with their weights and offers) and the row, the same on every node.
//
// The hash order is weighted rendezvous: a node's score for a key is -weight / ln(u), with u in (0, 1) from a
// hash of key and node name, computed in whole numbers, because floating `log` differs between machines.
// Equal weights make it the plain order of the hashes. Source: Thaler and Ravishankar, "A name-based mapping
// scheme for rendezvous" (1998); the weights as in Schindelhauer and Schomaker (2005).
//
// Thread rule: pure data; cheap to copy once per view.
#pragma once

#include <span>
#include <unordered_map>

#include "core/child.hpp"
#include "core/strategies.hpp"

namespace brood::core {

/// -log2(u) of u = hash / 2^64, as a fixed-point number with 32 fraction bits; at least 1, at most 64.
[[nodiscard]] std::uint64_t negative_log2(std::uint64_t hash) noexcept;
/// The hash of a node's name that placement mixes with keys.
[[nodiscard]] std::uint64_t node_hash(const NodeName& node) noexcept;

/// The built-in distribution.
class WeightedRendezvous final : public Distribution {
 public:
  [[nodiscard]] std::size_t first(std::uint64_t key, std::span<const RingNode> ring) const override;
  [[nodiscard]] std::vector<std::size_t> order(std::uint64_t key,
                                               std::span<const RingNode> ring) const override;
};

class Placement {
 public:
  explicit Placement(const Distribution& distribution) : distribution_(&distribution) {}

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
  [[nodiscard]] const std::vector<RingNode>& ring_of(const std::string& needs) const;
  [[nodiscard]] std::vector<RingNode> eligible(const SpecRow& row) const;

  const Distribution* distribution_;
  std::vector<Node> nodes_;
  std::vector<RingNode> coordinators_;
  mutable std::unordered_map<std::string, std::vector<RingNode>> rings_;  ///< By Spec::needs.
  mutable const std::string* last_needs_ = nullptr;  ///< Most children need the same: keeps the look-up out.
  mutable const std::vector<RingNode>* last_ring_ = nullptr;
};

/// Whether a node with these offers can run what needs that.
[[nodiscard]] bool offers(const std::set<std::string>& offers, const std::string& needs);

}  // namespace brood::core
