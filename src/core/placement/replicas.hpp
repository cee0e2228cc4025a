// Replicas: on which nodes the instances of a child belong: the first of its order, as many as the redundancy
// says. A pure function of the view, the row and the strategy, the same on every node.
//
// Thread rule: pure data; owned by one core.
#pragma once

#include "core/placement/placement.hpp"

namespace brood::core {

class Replicas {
 public:
  Replicas(const Placement& placement, std::shared_ptr<const Redundancy> redundancy)
      : placement_(placement), redundancy_(std::move(redundancy)) {}

  /// The child may have more than one instance at a time. False: never, however many nodes there are.
  [[nodiscard]] bool several(const SpecRow& row) const;
  /// One of them is the active one.
  [[nodiscard]] bool has_roles(const SpecRow& row) const {
    return redundancy_->one_is_active() && several(row);
  }
  /// Where they belong, the first of the order first; empty when it may run nowhere.
  [[nodiscard]] std::vector<PeerIndex> nodes(const ChildId& id, const SpecRow& row) const;
  [[nodiscard]] bool includes(const ChildId& id, const SpecRow& row, PeerIndex peer) const;

 private:
  [[nodiscard]] std::size_t count(const SpecRow& row, std::size_t eligible) const;

  const Placement& placement_;
  std::shared_ptr<const Redundancy> redundancy_;
};

/// The place of a node in an order; one that is not in it comes after all that are.
[[nodiscard]] std::size_t place_in(const std::vector<PeerIndex>& order, PeerIndex peer);

}  // namespace brood::core
