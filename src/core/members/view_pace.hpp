// ViewPace: how soon a view that is another one only because more nodes are up may follow the one before.
//
// Each node tells each other of each of its views. Where n nodes boot together each comes up at a time of its
// own: as many views as nodes, and n³ messages, for views in which nobody could do anything yet. So a few are
// said at once, and each that follows soon waits twice as long as the one before, up to a bound: however many
// nodes come, no more is said in a second than a machine can bear beside its work. Where that is still more
// than machines can bear no view is confirmed before the next one comes, and they wait longer.
//
// Owns: when the view changed last, and how long the next one waits. Thread rule: none; owned by one core.
#pragma once

#include <algorithm>

#include "core/base/settings.hpp"

namespace brood::core {

class ViewPace {
 public:
  /// For each node that tells the others: the shortest wait and the longest while views are confirmed. Too
  /// small: views that the next one replaces before all have said them. Too large: nodes that come one after
  /// the other get children late.
  static constexpr Duration first = std::chrono::microseconds(200);
  static constexpr Duration most = std::chrono::milliseconds(8);

  /// Before that time only a view without one of those of the present one may follow it, or with another.
  [[nodiscard]] Duration next() const { return next_; }

  /// The view is another one, and so many nodes tell it to each other. `confirmed`: the one before was.
  void changed(const Settings& settings, Duration now, std::size_t nodes, bool confirmed) {
    const auto each = static_cast<std::int64_t>(nodes);
    lately_ = std::max(Duration{}, lately_ - (now - changed_at_)) + each * most;
    changed_at_ = now;
    const std::int64_t paced =
        lately_ / (each * most) - static_cast<std::int64_t>(settings.views_free / nodes);
    if (confirmed) in_vain_ = {};
    Duration wait{};
    if (paced > 0)
      wait = each * std::min(most, first * (std::int64_t{1} << std::min<std::int64_t>(paced - 1, 10)));
    if (!confirmed && (paced > 0 || in_vain_ > Duration{}))
      in_vain_ = std::min(std::max(2 * in_vain_, each * first), settings.view_wait);
    next_ = now + std::max(wait, in_vain_);
  }

 private:
  Duration changed_at_{};
  Duration lately_{};   ///< For each change the longest wait, less the time since: how many came of late.
  Duration in_vain_{};  ///< How long one waits because those before it were not confirmed.
  Duration next_{};
};

}  // namespace brood::core
