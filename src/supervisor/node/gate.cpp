#include "supervisor/node/gate.hpp"

namespace brood::supervisor {

Gate::Pass Gate::enter() {
  if ((state_.fetch_add(1) & shut_bit) == 0) return Pass(this);
  leave();
  return {};
}

void Gate::leave() {
  if (state_.fetch_sub(1) != (shut_bit | 1)) return;
  const std::lock_guard lock(mutex_);
  empty_.notify_all();
}

bool Gate::close(std::chrono::milliseconds patience) {
  shut();
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, patience, [this] { return state_.load() == shut_bit; });
}

}  // namespace brood::supervisor
