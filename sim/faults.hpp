// Faults: what goes wrong, and when. Also brings nodes that are off back.
//
// A fault is left out where it would leave stopped nodes as the only members: whoever boots then rightly
// forms a cluster of its own, which is a split that nobody has asked for.
//
// Thread rule: one thread.
#pragma once

#include "sim/world.hpp"

namespace brood::sim {

class Faults {
 public:
  explicit Faults(World& world);

  void work_until(Duration end);
  /// A node went off, for whatever reason: it boots again later.
  void node_down(std::size_t node);
  /// No more faults: wakes what is stopped; what is off boots.
  void heal();

  void crash(std::size_t node);
  /// If the others may lose it.
  void maybe_crash(std::size_t node);
  void pause(std::size_t node, Duration length, bool slept);
  void leave(std::size_t node);

 private:
  void next();
  void act();
  void break_some();
  void jump_clock();
  void slow_down();
  void boot_later(std::size_t node, Duration delay);
  [[nodiscard]] bool may_lose(std::size_t node) const;
  [[nodiscard]] std::optional<std::size_t> any(SimNode::State state);
  [[nodiscard]] Duration pause_length();

  World& world_;
  Random random_;
  Duration end_{};
};

}  // namespace brood::sim
