// The centralised load balancer: one node, the leader, gives each child to a node by the nodes' loads and
// weights (balance/assignments.hpp), and it stays there: nothing moves when a node joins. Where it does not
// come to run on that node, weighted rendezvous says which is next.
//
// Here is how a load makes a score, and scores a capacity; the same on every node. Scores and capacities are
// whole numbers, shares of a million, so that no machine rounds them otherwise.
//
// Thread rule: pure functions.
#pragma once

#include <brood/strategies.hpp>
#include <deque>

#include "core/base/types.hpp"

namespace brood::core {

using Ppm = std::uint32_t;
inline constexpr Ppm whole_ppm = 1'000'000;

/// How loaded a node with that load is, from 0 to `whole_ppm`: the mean of its four measures by the settings'
/// weights, each at most whole_ppm: processors in use, 100 processes that wait, 10,000 processes, 1 GiB. Or
/// its own measure.
[[nodiscard]] Ppm score_of(const Load& load, const BalancingSettings& settings);
/// The mean of a node's last scores, newest first, in which each counts less by the decay than the one after
/// it.
[[nodiscard]] Ppm mean_of(const std::deque<Ppm>& newest_first, const BalancingSettings& settings);
/// What such a node has to spare: the rest to `whole_ppm`, at least a tenth.
[[nodiscard]] Ppm capacity_of(Ppm score);

class LoadBalancer final : public Distribution {
 public:
  explicit LoadBalancer(BalancingSettings settings) : settings_(settings) {}
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::shared_ptr<const Ring> prepare(std::vector<RingNode> nodes) const override;
  [[nodiscard]] const BalancingSettings* balancing() const override { return &settings_; }

 private:
  BalancingSettings settings_;
};

}  // namespace brood::core
