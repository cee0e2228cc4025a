// Window: how many ids of this node's bulk requests may be under way at once.
//
// What is under way of all nodes waits in the same queues, and single requests behind it. Where one node asks,
// many under way keep all busy; where all ask, as many each are only a longer wait. So the window shrinks while
// answers come later than an idle cluster would give them, and grows again while they do not. What an idle one
// would give is the quickest answer of late: far nodes and slow children answer late, and are no reason to
// shrink.
//
// Owns: its size and the quickest answers. Thread rule: none; owned by one core.
#pragma once

#include <algorithm>

#include "core/base/settings.hpp"

namespace brood::core {

class Window {
 public:
  /// An answer that comes this much later than twice the quickest one has waited for others.
  static constexpr Duration patience = std::chrono::milliseconds(15);
  /// For so long, and at most twice as long, an answer counts as the quickest of late.
  static constexpr Duration memory = std::chrono::seconds(10);

  [[nodiscard]] std::size_t size(const Settings& settings) const {
    return std::max(least(settings), std::min(size_, settings.request_window));
  }

  /// One id has its answer, so long after it was begun.
  void answered(const Settings& settings, Duration now, Duration took) {
    if (now >= turned_at_ + memory) {
      before_ = now >= turned_at_ + 2 * memory ? Duration::max() : quickest_;
      quickest_ = Duration::max();
      turned_at_ = now;
    }
    quickest_ = std::min(quickest_, took);
    const bool late = took > 2 * std::min(quickest_, before_) + patience;
    // It settles where one answer of three is late.
    size_ = late ? size(settings) - std::min<std::size_t>(2, size(settings)) : size(settings) + 1;
  }

 private:
  [[nodiscard]] static std::size_t least(const Settings& settings) {
    return std::max<std::size_t>(settings.request_window / 5, 1);
  }
  std::size_t size_ = static_cast<std::size_t>(-1);
  Duration quickest_ = Duration::max();  ///< Since then; max: there was none.
  Duration before_ = Duration::max();    ///< The same of the time before.
  Duration turned_at_{};
};

}  // namespace brood::core
