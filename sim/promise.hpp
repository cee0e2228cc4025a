// Promise: what each partition strategy promises, checked apart from the code that keeps it: from the cuts of
// the network, the nodes that run and the numbers of the profile alone.
//
//   overlap    while views may differ, a child runs on two nodes for no longer than the bound that follows
//   from
//              the settings; under divergence for any time
//   minority   a node that has reached too few others for long enough runs nothing
//
// What is promised at other times (never two) is Processes' to check.
//
// Thread rule: one thread.
#pragma once

#include <array>
#include <map>

#include "sim/world.hpp"

namespace brood::sim {

class Promise {
 public:
  explicit Promise(World& world) : world_(world), alone_(world.nodes.size()) {}

  /// Looks now, and again for ever.
  void watch();
  /// A node left in good order: one less is needed.
  void node_left() { ++left_; }
  /// The longest overlap that there was.
  [[nodiscard]] Duration longest_overlap() const { return longest_; }

  /// Whether one of them may have begun anew without any word of the other, and of who has left before.
  [[nodiscard]] bool are_strangers(std::size_t a, std::size_t b) const;

 private:
  struct Alone {
    /// Of each node the life that is reached, or reached before it ended; 0: none. With the number of cuts:
    /// between two looks a node may come, give this one a quorum, and be gone again.
    std::vector<std::uint64_t> reached;
    std::uint64_t cuts = 0;
    std::uint64_t incarnation = 0, pauses = 0;
    Duration since{};
  };
  void look();
  void note_meetings();
  void look_at_overlaps();
  void look_at_minorities();
  [[nodiscard]] std::size_t needed() const;

  World& world_;
  std::map<ChildId, Duration> two_since_;
  std::vector<Alone> alone_;
  /// Lives of two nodes, the lesser node first, that have had the same view, and since when.
  std::map<std::array<std::uint64_t, 4>, Duration> met_;
  std::size_t left_ = 0;
  Duration longest_{};
  bool was_cloudy_ = false;
};

}  // namespace brood::sim
