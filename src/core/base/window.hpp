// Window: how many of one kind may be under way at once: ids of bulk requests, children on the move.
//
// What is under way of all nodes waits in the same queues, and single requests behind it. Where one node
// asks, many under way keep all busy; where all ask, as many each are only a longer wait. So the window
// begins small, grows while they take no longer than in an idle cluster, and shrinks while they do. The
// quickest of late says how long that is: far nodes and slow children take long, and are no reason to shrink.
//
// Owns: its size and the quickest times. Thread rule: none; owned by one core.
#pragma once

#include <algorithm>

#include "core/base/types.hpp"

namespace brood::core {

class Window {
 public:
  /// What takes this much longer than twice the quickest has waited for others.
  static constexpr Duration patience = std::chrono::milliseconds(15);
  /// For so long, and at most twice as long, a time counts as the quickest of late.
  static constexpr Duration memory = std::chrono::seconds(10);

  /// `most`: the setting; it is never below a fifth of that, or one.
  [[nodiscard]] std::size_t size(std::size_t most) const {
    return std::max({most / 5, std::size_t{1}, std::min(size_, most)});
  }

  /// One is done, so long after it was begun.
  void done(std::size_t most, Duration now, Duration took) {
    if (now >= turned_at_ + memory) {
      before_ = now >= turned_at_ + 2 * memory ? Duration::max() : quickest_;
      quickest_ = Duration::max();
      turned_at_ = now;
    }
    quickest_ = std::min(quickest_, took);
    const bool late = took > 2 * std::min(quickest_, before_) + patience;
    // It settles where one of three is late.
    size_ = late ? size(most) - std::min<std::size_t>(2, size(most)) : size(most) + 1;
  }

 private:
  std::size_t size_ = 0;
  Duration quickest_ = Duration::max();  ///< Since then; max: there was none.
  Duration before_ = Duration::max();    ///< The same of the time before.
  Duration turned_at_{};
};

}  // namespace brood::core
