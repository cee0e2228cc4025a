// Copies: how often a question about one child was sent to whoever coordinates it, by the view in which it
// was asked, and which of these copies were refused (`busy`).
//
// A refusal is of one copy. Another one may wait in the coordinator's inbox since before that was full, or
// come when there is room again; what it asks for is done then. So nothing is done of a question only when
// each copy of it was refused. A copy that was lost, or dropped, counts as one that may be done.
//
// Copies of views that are over count by themselves: the coordinator has dropped them, if it had not done
// what they ask for by then.
//
// Thread rule: plain data of one core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace brood::core {

class Copies {
 public:
  void sent_in(std::uint64_t view) {
    const auto known = find(view);
    if (known == left_.end())
      left_.emplace_back(view, 1);
    else
      ++known->second;
  }
  /// One that was asked in that view is refused. True: none of that view is left.
  [[nodiscard]] bool refused_in(std::uint64_t view) {
    const auto known = find(view);
    if (known == left_.end()) return false;
    if (--known->second > 0) return false;
    left_.erase(known);
    return true;
  }

  /// In whatever view.
  [[nodiscard]] bool all_refused() const { return left_.empty(); }

 private:
  using Left = std::vector<std::pair<std::uint64_t, std::uint32_t>>;
  [[nodiscard]] Left::iterator find(std::uint64_t view) {
    return std::find_if(left_.begin(), left_.end(), [view](const auto& one) { return one.first == view; });
  }
  Left left_;  ///< Of most questions one view.
};

}  // namespace brood::core
