#include "node/channel/ticker.hpp"

#include <algorithm>

#include "process/callback.hpp"

namespace brood::node {

using std::chrono::milliseconds;

TickAction judge(const TickView& view) {
  if (view.now - view.silent_since > view.timeout) return TickAction::give_up;
  // One round early rather than one late: a round may be that much off.
  const auto due = view.timeout / 4 - round_interval(view.timeout);
  if (view.now - view.last_sent >= due) return TickAction::send;
  return TickAction::none;
}

milliseconds round_interval(milliseconds timeout) {
  return std::clamp(timeout / 16, milliseconds(1), milliseconds(1000));
}

void Ticker::start(Round round) {
  const std::scoped_lock lock(mutex_);
  if (thread_.joinable() || stopping_) return;
  thread_ = std::thread([this, round = std::move(round)] { run(round); });
}

void Ticker::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
}

void Ticker::wake() {
  const std::scoped_lock lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void Ticker::run(const Round& round) {
  auto planned = Clock::now();
  milliseconds interval{0};
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto now = Clock::now();
    // A quarter of a time-out is four rounds; small delays of a busy machine are no gap.
    const bool late = now - planned > std::max(4 * interval, milliseconds(100));
    interval = milliseconds(100);  // where the round itself cannot say
    process::run_callback("a round of ticks", [&] { interval = round(now, late); });
    planned = Clock::now() + interval;
    lock.lock();
    changed_.wait_until(lock, planned, [this] { return stopping_ || woken_; });
    woken_ = false;
  }
}

}  // namespace brood::node
