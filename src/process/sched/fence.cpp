#include "process/sched/fence.hpp"

#include <time.h>

namespace brood::process {

namespace {

// Coarse: a few nanoseconds to read, and its few milliseconds of grain do not matter here.
std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

void Fence::set_limit(std::chrono::milliseconds limit) {
  beat_ns_.store(now_ns(), std::memory_order_relaxed);  // the first interval begins now
  limit_ns_.store(std::chrono::nanoseconds(limit).count(), std::memory_order_seq_cst);
}

void Fence::beat() {
  beat_ns_.store(now_ns(), std::memory_order_seq_cst);
}

bool Fence::is_closed() const {
  if (fenced_.load(std::memory_order_seq_cst)) return true;
  const std::int64_t limit = limit_ns_.load(std::memory_order_seq_cst);
  return limit != 0 && now_ns() - beat_ns_.load(std::memory_order_seq_cst) > limit;
}

bool Fence::park(Process& process) {
  std::lock_guard lock(mutex_);
  // Counted before the second look: whoever opens the fence afterwards sees that somebody waits.
  parked_count_.fetch_add(1, std::memory_order_seq_cst);
  if (!is_closed()) {
    parked_count_.fetch_sub(1, std::memory_order_seq_cst);
    return false;
  }
  parked_.insert(&process);
  return true;
}

bool Fence::unpark(Process& process) {
  std::lock_guard lock(mutex_);
  if (parked_.erase(&process) == 0) return false;
  parked_count_.fetch_sub(1, std::memory_order_seq_cst);
  return true;
}

std::vector<Process*> Fence::open() {
  std::vector<Process*> out;
  if (!has_parked()) return out;
  std::lock_guard lock(mutex_);
  if (is_closed()) return out;
  out.assign(parked_.begin(), parked_.end());
  parked_.clear();
  parked_count_.store(0, std::memory_order_seq_cst);
  return out;
}

}  // namespace brood::process
