#include "supervisor/node/gate.hpp"

#include <algorithm>
#include <numeric>

namespace brood::supervisor {

namespace {

std::size_t number_of_this_thread() {
  static std::atomic<std::size_t> last{0};
  static thread_local const std::size_t mine = last.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

Gate::Pass Gate::enter() {
  const std::size_t door = number_of_this_thread() % doors_.size();
  // Either this sees that it is shut, or who shuts it sees this inside.
  doors_[door].inside.fetch_add(1);
  if (!shut_.load()) return {this, door};
  leave(door);
  return {};
}

void Gate::leave(std::size_t door) {
  if (!shut_.load()) {
    doors_[door].inside.fetch_sub(1);  // the gate may be gone from here on
    return;
  }
  const std::lock_guard lock(mutex_);
  doors_[door].inside.fetch_sub(1);
  empty_.notify_all();
}

bool Gate::close(std::chrono::milliseconds patience) {
  shut();
  const auto is_empty = [this] {
    return std::accumulate(doors_.begin(), doors_.end(), std::int64_t{0},
                           [](std::int64_t sum, const Door& door) { return sum + door.inside.load(); }) == 0;
  };
  const auto until = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  // Who was just leaving as it was shut says nothing.
  while (!empty_.wait_for(lock, std::chrono::milliseconds(1), is_empty))
    if (std::chrono::steady_clock::now() >= until) return is_empty();
  return true;
}

}  // namespace brood::supervisor
