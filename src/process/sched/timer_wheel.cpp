#include "process/sched/timer_wheel.hpp"

#include <algorithm>
#include <bit>

#include "process/callback.hpp"

namespace brood::process {

TimerWheel::TimerWheel() : thread_([this] { run(); }) {}

TimerWheel::~TimerWheel() {
  stop();
}

std::uint64_t TimerWheel::now_tick() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - origin_).count());
}

bool TimerWheel::add(const TimerPtr& timer, std::chrono::milliseconds delay) {
  // A tick begins up to a millisecond before now: one more makes "never early" true.
  const auto wait = std::clamp<std::int64_t>(delay.count(), 0, INT64_MAX / 4);
  std::lock_guard lock(mutex_);
  if (stopped_) return false;
  if (timer->linked_) return true;
  timer->tick_ = std::max(now_tick() + static_cast<std::uint64_t>(wait) + 1, done_tick_ + 1);
  const std::size_t bucket = timer->tick_ % buckets;
  timer->previous_ = nullptr;
  timer->next_ = heads_[bucket];
  if (timer->next_ != nullptr) timer->next_->previous_ = timer.get();
  heads_[bucket] = timer.get();
  used_[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
  timer->linked_ = true;
  intrusive_ptr_add_ref(timer.get());
  if (timer->tick_ < wake_tick_) {
    wake_tick_ = timer->tick_;
    changed_.notify_one();
  }
  return true;
}

void TimerWheel::unlink(TimerNode& timer) {
  const std::size_t bucket = timer.tick_ % buckets;
  if (timer.previous_ != nullptr) timer.previous_->next_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  if (heads_[bucket] == &timer) heads_[bucket] = timer.next_;
  if (heads_[bucket] == nullptr) used_[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
  timer.linked_ = false;
}

bool TimerWheel::cancel(TimerNode& timer) {
  {
    std::lock_guard lock(mutex_);
    if (!timer.linked_) return false;
    unlink(timer);
  }
  intrusive_ptr_release(&timer);
  return true;
}

std::optional<std::chrono::milliseconds> TimerWheel::take(TimerNode& timer) {
  std::int64_t left = 0;
  {
    std::lock_guard lock(mutex_);
    if (!timer.linked_) return std::nullopt;
    left = static_cast<std::int64_t>(timer.tick_) - static_cast<std::int64_t>(now_tick());
    unlink(timer);
  }
  intrusive_ptr_release(&timer);
  return std::chrono::milliseconds(std::max<std::int64_t>(left, 0));
}

/// Where memory runs out for `due`, what is in it has been taken and the rest is found by the next look.
void TimerWheel::take_due(std::uint64_t now, std::vector<TimerPtr>& due) {
  const std::uint64_t first = now - done_tick_ >= buckets ? now - buckets + 1 : done_tick_ + 1;
  for (std::uint64_t tick = first; tick <= now; ++tick) {
    TimerNode* timer = heads_[tick % buckets];
    while (timer != nullptr) {
      TimerNode* next = timer->next_;
      if (timer->tick_ <= now) {
        due.emplace_back();
        unlink(*timer);
        due.back().reset(timer, false);  // the wheel's share moves over
      }
      timer = next;
    }
  }
  done_tick_ = now;
}

std::uint64_t TimerWheel::next_tick() const {
  const std::uint64_t start = done_tick_ + 1;
  for (std::uint64_t step = 0; step < buckets;) {
    const std::uint64_t bucket = (start + step) % buckets;
    const std::uint64_t word = used_[bucket / 64] >> (bucket % 64);
    if (word != 0) return start + step + static_cast<std::uint64_t>(std::countr_zero(word));
    step += 64 - bucket % 64;
  }
  // The scan may end inside the word that it began with; one more look at its lower part.
  const std::uint64_t bucket = start % buckets;
  if (used_[bucket / 64] != 0) return start + buckets - bucket % 64;
  return UINT64_MAX;
}

void TimerWheel::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    std::vector<TimerPtr> due;
    const std::uint64_t now = now_tick();
    if (now > done_tick_) run_callback("looking for due timers", [&] { take_due(now, due); });
    if (!due.empty()) {
      lock.unlock();
      for (const TimerPtr& timer : due) run_callback("a timer", [&] { timer->fire(); });
      due.clear();
      lock.lock();
      continue;
    }
    wake_tick_ = next_tick();
    if (wake_tick_ == UINT64_MAX) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, origin_ + std::chrono::milliseconds(wake_tick_));
    }
  }
}

void TimerWheel::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  std::vector<TimerPtr> left;
  {
    std::lock_guard lock(mutex_);
    for (TimerNode* head : heads_)
      for (TimerNode* timer = head; timer != nullptr;) {
        TimerNode* next = timer->next_;
        timer->linked_ = false;
        left.emplace_back(timer, false);
        timer = next;
      }
    heads_.fill(nullptr);
    used_.fill(0);
  }
  for (const TimerPtr& timer : left) timer->wheel_stopped();
}

}  // namespace brood::process
