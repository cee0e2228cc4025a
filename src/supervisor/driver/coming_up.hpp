// ComingUp: when it is said that a supervisor is up on this node.
//
// Nodes that are expected (core::Settings::expect) come up one after the other, and a quorum counts those
// that are. So it is not said before as many are up as are expected and this part of the cluster may act:
// whoever waits for that starts children next. It is said after `longest` all the same.
//
// Owns: since when it is up, and whether that was said. Calls nobody; the time is an argument. Thread rule:
// control thread only.
#pragma once

#include <cstdint>
#include <optional>

#include "supervisor/driver/deadlines.hpp"

namespace brood::supervisor {

class ComingUp {
 public:
  static constexpr std::chrono::milliseconds longest{1000};
  struct Facts {
    bool is_up = false;        ///< This node, in its core's view.
    std::size_t up_nodes = 0;  ///< This one too.
    std::size_t expected = 0;  ///< 0: none are.
    bool locked = false;       ///< By the partition strategy.
  };

  /// True once: now it is to be said.
  [[nodiscard]] bool look(SteadyTime now, const Facts& facts) {
    if (told_ || !facts.is_up) return false;
    if (!by_) by_ = now + longest;
    const bool is_alone = facts.expected > 0 && (facts.up_nodes < facts.expected || facts.locked);
    return told_ = !is_alone || now >= *by_;
  }
  /// When to look again, if nothing happens before.
  [[nodiscard]] std::optional<SteadyTime> deadline() const { return told_ ? std::nullopt : by_; }

 private:
  std::optional<SteadyTime> by_;
  bool told_ = false;
};

}  // namespace brood::supervisor
