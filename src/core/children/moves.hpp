// Moves: which children this node is handing over, and how many at once: moves_in_flight, or fewer
// (base/window.hpp).
//
// Owns: what is on the move and what waits for its turn. Reads: instances. Tells: touched.
// Thread rule: none; owned by one core.
#pragma once

#include <algorithm>

#include "core/base/window.hpp"
#include "core/rows/instances.hpp"

namespace brood::core {

class Moves {
 public:
  Moves(ChildTable& children, const Instances& instances) : children_(children), instances_(instances) {}

  [[nodiscard]] bool any() const { return !moving_.empty(); }
  /// Whether the child may leave now; if not, it is touched when its turn has come.
  [[nodiscard]] bool may_leave(Step& s, const Child& child);
  /// Something about the child has changed: a move is over when it runs elsewhere or is gone.
  /// `leaving`: it runs here until it is handed over.
  void look(const Step& s, const Child& child, bool leaving);
  /// One that waits for its turn may leave.
  [[nodiscard]] bool can_go_on(const Settings& settings) const {
    return !queue_.empty() && moving_.size() < most(settings);
  }
  void forget_queue() { queue_.clear(); }

  [[nodiscard]] bool has_work(const Step& s) const { return can_go_on(s.settings) || deadline() <= s.time(); }
  void work(Step& s, Notes& notes);
  [[nodiscard]] Duration deadline() const { return until_.empty() ? Duration::max() : until_.begin()->first; }

 private:
  struct Move {
    Duration begun{};
    Duration until =
        Duration::max();  ///< Released by us, we wait to see it run again; max: it is here still.
  };
  [[nodiscard]] std::size_t most(const Settings& settings) const {
    return window_.size(settings.moves_in_flight);
  }
  void end(std::map<ChildRef, Move>::iterator move);

  ChildTable& children_;
  const Instances& instances_;
  std::map<ChildRef, Move> moving_;
  std::set<std::pair<Duration, ChildRef>> until_;
  std::set<ChildRef> queue_;
  Window window_;
};

}  // namespace brood::core
