// Placement: on which nodes a child belongs, and which node coordinates an id. A pure function of the view
// (the up members with their weights and offers), the row and the distribution, the same on every node.
//
// The distribution prepares a ring for each set of nodes that some child may run on: once in a view, when the
// first such child is asked about. Children that need the same worker share a ring, and so do workers that
// the same nodes offer; what a child's own spec leaves out (`nodes`) is left out of the order.
//
// Thread rule: pure data; owned by one core.
#pragma once

#include <map>
#include <unordered_map>

#include "core/base/peer_index.hpp"
#include "core/base/types.hpp"
#include "core/placement/choice.hpp"

namespace brood::core {

class Placement {
 public:
  explicit Placement(std::shared_ptr<const Distribution> distribution)
      : distribution_(std::move(distribution)) {}
  Placement(Placement&&) = default;
  Placement(const Placement&) = delete;  // by_needs_ points into rings_
  Placement& operator=(const Placement&) = delete;

  struct Node {
    PeerIndex peer = no_peer;
    NodeName name;
    std::uint32_t weight = 0;
    Offers offers;
    std::uint64_t up_since = 0;
  };
  /// The up members of a view; nodes that keep their places on the ring though they are not there; and nodes
  /// that no mapping counts any more. Each in name order.
  void set(std::vector<Node> nodes, std::vector<NodeName> absent = {}, std::vector<NodeName> forgotten = {});

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  /// The node that coordinates that id; no_peer when no node is up. Nodes of weight 0 only where all are.
  [[nodiscard]] PeerIndex coordinator(const ChildId& id) const;
  /// Where the child belongs; no_peer when it may run nowhere, or where the distribution is centralised and
  /// its leader has yet to say where.
  [[nodiscard]] PeerIndex first(const ChildId& id, const SpecRow& row) const;
  /// All nodes that may run it, best first.
  [[nodiscard]] std::vector<PeerIndex> order(const ChildId& id, const SpecRow& row) const;
  /// The same, whether or not the leader of a centralised distribution has said yet where it belongs.
  [[nodiscard]] std::vector<PeerIndex> eligible(const ChildId& id, const SpecRow& row) const;
  /// No node may run it, and none will be given to it.
  [[nodiscard]] bool is_homeless(const ChildId& id, const SpecRow& row) const {
    return first(id, row) == no_peer && !(is_centralised() && !eligible(id, row).empty());
  }
  /// One node, the longest up, coordinates all ids, and says where children belong.
  [[nodiscard]] bool is_centralised() const { return distribution_->balancing() != nullptr; }
  [[nodiscard]] const Node* find(const NodeName& name) const;  ///< Null: it is not up.
  /// The absent node on which the child would belong if it were there; nullopt: it belongs on one that is
  /// there.
  [[nodiscard]] std::optional<NodeName> absent_owner(const ChildId& id, const SpecRow& row) const;
  [[nodiscard]] bool offered(const std::string& needs) const;  ///< By any up node.
  [[nodiscard]] bool is_up(const NodeName& node) const;
  /// Rings that are kept.
  [[nodiscard]] std::size_t rings() const { return rings_.size(); }

 private:
  using Members = std::vector<std::uint32_t>;  ///< Places in nodes_.
  /// A ring and whom its indices mean; no ring where there are no members.
  struct Prepared {
    Members members;
    std::shared_ptr<const Ring> ring;
  };

  [[nodiscard]] const Prepared& coordinators() const;
  [[nodiscard]] Members members_for(const std::string& needs) const;
  [[nodiscard]] Prepared prepared(Members members, bool by_weight) const;
  /// Both valid until the next call.
  [[nodiscard]] const Prepared& ring_for(Members members) const;
  [[nodiscard]] const Prepared& ring_of(const std::string& needs) const;
  [[nodiscard]] const Node* node_at(const Prepared& prepared, std::size_t index) const;

  /// Calls `f` with what the ring is told of the child.
  template <typename F>
  auto with_key(const ChildId& id, const SpecRow& row, const F& f) const;
  [[nodiscard]] PeerIndex assigned(const SpecRow& row) const;

  std::shared_ptr<const Distribution> distribution_;
  std::vector<Node> nodes_;
  PeerIndex leader_ = no_peer;  ///< Of a centralised distribution.
  std::vector<NodeName> absent_;
  std::vector<NodeName> forgotten_;
  mutable Prepared coordinators_;  ///< Without its ring until that is asked for.
  bool by_weight_ = false;
  mutable std::map<Members, Prepared> rings_;
  mutable std::unordered_map<std::string, const Prepared*> by_needs_;  ///< Of workers; commands are too many.
  mutable const std::string* last_needs_ = nullptr;  ///< Most children need the same: keeps the look-up out.
  mutable const Prepared* last_ring_ = nullptr;
};

/// What a distribution is told of a child, or of an id alone. Valid as long as these are.
[[nodiscard]] RingKey ring_key(const ChildId& id, const Spec* spec = nullptr);
/// Whether the distribution can place such a child, as far as its spec says it (Distribution::accepts()).
[[nodiscard]] Result<void> accepts(const Strategies& strategies, const ChildId& id, const Spec& spec);

}  // namespace brood::core
