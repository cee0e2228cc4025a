// Clients: what is asked of the cluster: starts, stops, lookups of a small id space from all nodes, alone, in
// races and in bulk; and the static children of each node's file at each boot.
//
// Thread rule: one thread.
#pragma once

#include "sim/world.hpp"

namespace brood::sim {

class Clients {
 public:
  explicit Clients(World& world);

  /// From now until `end` requests are made.
  void work_until(Duration end);
  void node_booted(std::size_t node);

  // ---- single requests, also for tests
  void start(std::size_t node, const std::vector<ChildId>& ids, Asked mode, std::uint32_t version = 0,
             std::optional<NodeName> on = std::nullopt);
  void stop(std::size_t node, const std::vector<ChildId>& ids);
  void lookup(std::size_t node, const ChildId& id);
  void retry(std::size_t node, const ChildId& id);
  void move(std::size_t node, const ChildId& id);
  void drain(std::size_t node);
  void maybe_undrain(std::size_t node);

 private:
  void next();
  void act();
  void start_one();
  void start_everywhere();
  void race();
  void bulk(bool starting);
  void change(std::size_t node, const ChildId& id);
  core::ClientId ask(std::size_t node, const std::vector<ChildId>& ids, Asked mode, std::uint32_t version,
                     std::optional<NodeName> on);
  void answer_early(std::size_t node, const core::ClientStart& event);
  void maybe_give_up(std::size_t node, core::ClientId client);
  void give_up(std::size_t node, core::ClientId client, Duration after);
  [[nodiscard]] std::optional<std::size_t> any_node();
  [[nodiscard]] std::vector<std::size_t> awake() const;
  [[nodiscard]] const ChildId& any_id() { return random_.pick(world_.catalog.ids()); }

  World& world_;
  Random random_;
  Random mover_;  ///< Of its own, so that all else of a seed is as without it.
  Random undrainer_;
  Random changer_;
  Duration end_{};
};

}  // namespace brood::sim
