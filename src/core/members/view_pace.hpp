// ViewPace: how soon a view that is another one only because more nodes are up may follow the one before.
//
// Each node tells each other of each of its views. Where n nodes boot together each comes up at a time of its
// own: as many views as nodes, and n³ messages, for views in which nobody could do anything yet. So a few are
// said at once, and each that follows soon waits twice as long as the one before, up to a bound: however many
// nodes come, no more is said in a second than a machine can bear beside its work.
//
// Owns: when the view changed last, and how long the next one waits. Thread rule: none; owned by one core.
#pragma once

#include <algorithm>

#include "core/base/types.hpp"

namespace brood::core {

class ViewPace {
 public:
  /// For each node that tells the others: the shortest wait and the longest. Too small: views that the next one
  /// replaces before all have said them. Too large: nodes that come one after the other get children late.
  static constexpr Duration first = std::chrono::microseconds(200);
  static constexpr Duration most = std::chrono::milliseconds(8);

  /// Before that time only a view without one of those of the present one may follow it, or with another.
  [[nodiscard]] Duration next() const { return next_; }

  /// The view is another one, and so many nodes tell it to each other. `free`: Settings::views_free.
  void changed(Duration now, std::size_t nodes, std::size_t free) {
    const auto each = static_cast<std::int64_t>(nodes);
    lately_ = std::max(Duration{}, lately_ - (now - changed_at_)) + each * most;
    changed_at_ = next_ = now;
    const std::int64_t paced = lately_ / (each * most) - static_cast<std::int64_t>(free / nodes);
    if (paced > 0) next_ += each * std::min(most, first * (std::int64_t{1} << std::min<std::int64_t>(paced - 1, 10)));
  }

 private:
  Duration changed_at_{};
  Duration lately_{};  ///< For each change the longest wait, less the time since: how many came of late.
  Duration next_{};
};

}  // namespace brood::core
