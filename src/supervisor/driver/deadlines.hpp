// Deadlines: who waits until when, as one queue for any number of them: the owner needs a single timer.
//
// Owns: keys and times. Calls nobody; the time is an argument. Thread rule: none, one thread at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace brood::supervisor {

using SteadyTime = std::chrono::steady_clock::time_point;

/// One that does not end (milliseconds::max()) becomes a hundred years, which can be counted in nanoseconds.
[[nodiscard]] inline std::chrono::milliseconds countable(std::chrono::milliseconds wait) {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365 * 100);
  return std::clamp(wait, std::chrono::milliseconds(0), longest);
}
/// `now + wait`, whatever `wait` is.
[[nodiscard]] inline SteadyTime deadline_after(SteadyTime now, std::chrono::milliseconds wait) {
  return now + countable(wait);
}

template <typename Key>
class Deadlines {
 public:
  /// Each key once. O(log n), as remove().
  void add(Key key, SteadyTime when) {
    remove(key);
    times_[key] = when;
    order_.emplace(when, key);
  }
  void remove(Key key) {
    const auto found = times_.find(key);
    if (found == times_.end()) return;
    order_.erase({found->second, key});
    times_.erase(found);
  }
  /// Those whose time has come, the earliest first; they are forgotten.
  [[nodiscard]] std::vector<Key> take_due(SteadyTime now) {
    std::vector<Key> due;
    while (!order_.empty() && order_.begin()->first <= now) {
      due.push_back(order_.begin()->second);
      times_.erase(due.back());
      order_.erase(order_.begin());
    }
    return due;
  }
  [[nodiscard]] std::optional<SteadyTime> next() const {
    return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
  }
  [[nodiscard]] std::size_t size() const { return times_.size(); }

 private:
  std::set<std::pair<SteadyTime, Key>> order_;
  std::unordered_map<Key, SteadyTime> times_;
};

}  // namespace brood::supervisor
