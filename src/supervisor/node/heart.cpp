#include "supervisor/node/heart.hpp"

#include "supervisor/node/clock.hpp"

namespace brood::supervisor {

namespace {
/// Beats within the limit, and how many of them may be late before it is called a gap.
constexpr int beats_per_limit = 16;
constexpr int late_beats = 2;
}  // namespace

Heart::Heart(Options options)
    : options_(std::move(options)),
      gaps_(late_beats * options_.limit / beats_per_limit, read_clocks().boot) {}

void Heart::start() {
  thread_ = std::thread([this] { run(); });
}

void Heart::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Heart::gap_handled() {
  {
    std::lock_guard lock(mutex_);
    if (!in_gap_) return;
    in_gap_ = false;
    beat_now_ = true;
  }
  // A program that starts before the next beat would be killed for the last one's age.
  wake_.notify_all();
  options_.fence(false);
}

core::Duration Heart::take_longest_gap(Gaps::Cursor& cursor) const {
  return gaps_.take_longest(cursor, read_clocks().boot);
}

void Heart::run() {
  const auto every = options_.limit / beats_per_limit;
  auto last = read_clocks().boot;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    beat_now_ = false;
    const auto now = read_clocks().boot;
    gaps_.beat(now);
    if (now - last > options_.limit && !in_gap_) {
      in_gap_ = true;
      lock.unlock();
      options_.fence(true);
      options_.on_gap();
      lock.lock();
    }
    last = now;
    if (!in_gap_) {
      lock.unlock();
      options_.beat();
      lock.lock();
    }
    wake_.wait_for(lock, every, [this] { return stop_ || beat_now_; });
  }
}

}  // namespace brood::supervisor
