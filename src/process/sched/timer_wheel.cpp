#include "process/sched/timer_wheel.hpp"

#include <algorithm>
#include <bit>

#include "process/callback.hpp"

namespace brood::process {

namespace {

/// A number of this thread's; those of threads that follow each other follow each other.
std::uint32_t thread_number() {
  static std::atomic<std::uint32_t> last{0};
  thread_local const std::uint32_t mine = last.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

// ---- a lane, with its mutex held -------------------------------------------------------------------------

void TimerWheel::Lane::link(TimerNode& timer) {
  const std::size_t bucket = timer.tick_ % buckets;
  timer.previous_ = nullptr;
  timer.next_ = heads[bucket];
  if (timer.next_ != nullptr) timer.next_->previous_ = &timer;
  heads[bucket] = &timer;
  used[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
  timer.linked_ = true;
}

void TimerWheel::Lane::unlink(TimerNode& timer) {
  const std::size_t bucket = timer.tick_ % buckets;
  if (timer.previous_ != nullptr) timer.previous_->next_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  if (heads[bucket] == &timer) heads[bucket] = timer.next_;
  if (heads[bucket] == nullptr) used[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
  timer.linked_ = false;
}

/// Where memory runs out for `due`, what is in it has been taken and the rest is found by the next look.
void TimerWheel::Lane::take_due(std::uint64_t now, std::vector<TimerPtr>& due) {
  const std::uint64_t first = now - done_tick >= buckets ? now - buckets + 1 : done_tick + 1;
  for (std::uint64_t tick = first; tick <= now; ++tick) {
    TimerNode* timer = heads[tick % buckets];
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
  done_tick = now;
}

std::uint64_t TimerWheel::Lane::next_tick() const {
  const std::uint64_t start = done_tick + 1;
  for (std::uint64_t step = 0; step < buckets;) {
    const std::uint64_t bucket = (start + step) % buckets;
    const std::uint64_t word = used[bucket / 64] >> (bucket % 64);
    if (word != 0) return start + step + static_cast<std::uint64_t>(std::countr_zero(word));
    step += 64 - bucket % 64;
  }
  // The scan may end inside the word that it began with; one more look at its lower part.
  const std::uint64_t bucket = start % buckets;
  if (used[bucket / 64] != 0) return start + buckets - bucket % 64;
  return never;
}

// ---- the wheel -------------------------------------------------------------------------------------------

TimerWheel::TimerWheel() : thread_([this] { run(); }) {}

TimerWheel::~TimerWheel() {
  stop();
}

std::uint64_t TimerWheel::now_tick() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - origin_).count());
}

/// Null: it was never added.
TimerWheel::Lane* TimerWheel::lane_of(const TimerNode& timer) {
  const std::uint8_t lane = timer.lane_.load(std::memory_order_acquire);
  return lane == TimerNode::no_lane ? nullptr : &lanes_[lane];
}

bool TimerWheel::add(const TimerPtr& timer, std::chrono::milliseconds delay) {
  // A tick begins up to a millisecond before now: one more makes "never early" true.
  const auto wait = std::clamp<std::int64_t>(delay.count(), 0, INT64_MAX / 4);
  std::uint8_t none = TimerNode::no_lane;
  (void)timer->lane_.compare_exchange_strong(none, static_cast<std::uint8_t>(thread_number() % lane_count));
  Lane& lane = *lane_of(*timer);
  std::uint64_t tick = 0;
  {
    const std::lock_guard lock(lane.mutex);
    if (lane.stopped) return false;
    if (timer->linked_) return true;
    tick = std::max(now_tick() + static_cast<std::uint64_t>(wait) + 1, lane.done_tick + 1);
    timer->tick_ = tick;
    lane.link(*timer);
    intrusive_ptr_add_ref(timer.get());
  }
  if (tick < wake_tick_.load(std::memory_order_seq_cst)) wake();
  return true;
}

/// Its tick; nullopt: it does not wait.
std::optional<std::uint64_t> TimerWheel::take_out(TimerNode& timer) {
  Lane* lane = lane_of(timer);
  if (!lane) return std::nullopt;
  std::uint64_t tick = 0;
  {
    const std::lock_guard lock(lane->mutex);
    if (!timer.linked_) return std::nullopt;
    tick = timer.tick_;
    lane->unlink(timer);
  }
  intrusive_ptr_release(&timer);
  return tick;
}

bool TimerWheel::cancel(TimerNode& timer) {
  return take_out(timer).has_value();
}

std::optional<std::chrono::milliseconds> TimerWheel::take(TimerNode& timer) {
  const std::optional<std::uint64_t> tick = take_out(timer);
  if (!tick) return std::nullopt;
  const auto left = static_cast<std::int64_t>(*tick) - static_cast<std::int64_t>(now_tick());
  return std::chrono::milliseconds(std::max<std::int64_t>(left, 0));
}

void TimerWheel::wake() {
  if (look_again_) return;
  {
    const std::lock_guard lock(sleep_mutex_);
    look_again_ = true;
  }
  changed_.notify_one();
}

/// When the next one is due, `never` for none; 0: some have been fired, and time has gone by.
std::uint64_t TimerWheel::fire_due() {
  std::vector<TimerPtr> due;
  std::uint64_t next = never;
  const std::uint64_t now = now_tick();
  for (Lane& lane : lanes_) {
    const std::lock_guard lock(lane.mutex);
    if (now > lane.done_tick) run_callback("looking for due timers", [&] { lane.take_due(now, due); });
    next = std::min(next, lane.next_tick());
  }
  for (const TimerPtr& timer : due) run_callback("a timer", [&] { timer->fire(); });
  return due.empty() ? next : 0;
}

void TimerWheel::sleep_until(std::uint64_t tick) {
  wake_tick_.store(tick, std::memory_order_seq_cst);
  std::unique_lock lock(sleep_mutex_);
  const auto is_over = [this] { return look_again_ || stopped_; };
  if (tick == never) {
    changed_.wait(lock, is_over);
  } else {
    changed_.wait_until(lock, origin_ + std::chrono::milliseconds(tick), is_over);
  }
}

void TimerWheel::run() {
  for (;;) {
    wake_tick_.store(never, std::memory_order_seq_cst);
    {
      const std::lock_guard lock(sleep_mutex_);
      if (stopped_) return;
      look_again_ = false;
    }
    if (const std::uint64_t next = fire_due(); next != 0) sleep_until(next);
  }
}

void TimerWheel::stop() {
  {
    const std::lock_guard lock(sleep_mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  std::vector<TimerPtr> left;
  for (Lane& lane : lanes_) {
    const std::lock_guard lock(lane.mutex);
    lane.stopped = true;
    for (TimerNode* head : lane.heads)
      for (TimerNode* timer = head; timer != nullptr;) {
        TimerNode* next = timer->next_;
        timer->linked_ = false;
        left.emplace_back(timer, false);
        timer = next;
      }
    lane.heads.fill(nullptr);
    lane.used.fill(0);
  }
  for (const TimerPtr& timer : left) timer->wheel_stopped();
}

}  // namespace brood::process
