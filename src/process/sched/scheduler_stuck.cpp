// Handlers that block or run too long: how the scheduler sees them and makes up for their threads.
#include <algorithm>

#include "process/callback.hpp"
#include "process/process.hpp"
#include "process/sched/scheduler.hpp"
#include "process/sched/scheduler_slot.hpp"

namespace brood::process {

namespace {

void tell(Process& process, bool stuck) {
  if (process.on_stuck) run_callback("on_stuck", [&] { process.on_stuck(stuck); });
}

}  // namespace

Scheduler::HandlerScope::HandlerScope(Process& process) : slot_(current_slot), process_(&process) {
  if (slot_ == nullptr) return;
  slot_->process.store(&process, std::memory_order_relaxed);
  const std::uint64_t before = slot_->state.load(std::memory_order_relaxed);
  slot_->state.store(before + Slot::one_more + Slot::running, std::memory_order_seq_cst);
}

void Scheduler::HandlerScope::end() {
  Slot* slot = slot_;
  if (slot == nullptr) return;
  slot_ = nullptr;
  const std::uint64_t running = slot->state.load(std::memory_order_relaxed) & ~Slot::stuck;
  const std::uint64_t before = slot->state.exchange(running - Slot::running, std::memory_order_seq_cst);
  if ((before & Slot::stuck) != 0) {
    { std::lock_guard reported(slot->report); }  // wait until the report is made
    slot->scheduler->stuck_.fetch_sub(1, std::memory_order_relaxed);
    slot->scheduler->regain(*slot);
    if (!slot->scheduler->is_stopped()) tell(*process_, false);
  }
  slot->process.store(nullptr, std::memory_order_relaxed);
}

Process* Scheduler::running() noexcept {
  return current_slot == nullptr ? nullptr : current_slot->process.load(std::memory_order_relaxed);
}

Scheduler::BlockingScope::BlockingScope() : slot_(running() == nullptr ? nullptr : current_slot) {
  if (slot_ != nullptr) slot_->scheduler->lose(*slot_);
}

Scheduler::BlockingScope::~BlockingScope() {
  if (slot_ != nullptr) slot_->scheduler->regain(*slot_);
}

void Scheduler::monitor_main() {
  using std::chrono::milliseconds;
  const auto period = std::clamp<milliseconds>(options_.stuck_after / 8, milliseconds(2), milliseconds(500));
  std::unique_lock lock(threads_mutex_);
  while (!quit_.load(std::memory_order_acquire)) {
    monitor_wake_.wait_for(lock, period);
    if (quit_.load(std::memory_order_acquire)) return;
    forget_ended();
    lock.unlock();
    look_for_stuck(std::chrono::steady_clock::now());
    lock.lock();
  }
}

void Scheduler::look_for_stuck(std::chrono::steady_clock::time_point now) {
  std::vector<Slot*> all;
  std::vector<std::shared_ptr<Slot>> guests;
  {
    std::lock_guard lock(threads_mutex_);
    for (const auto& slot : slots_)
      if (!slot->ended) all.push_back(slot.get());  // only this thread takes slots away
    guests = guests_;
  }
  for (const auto& guest : guests) all.push_back(guest.get());
  for (Slot* slot : all) {
    std::uint64_t state = slot->state.load(std::memory_order_acquire);
    if ((state & Slot::running) == 0 || (state & Slot::stuck) != 0) continue;
    if (state != slot->seen_state) {
      slot->seen_state = state;
      slot->seen_at = now;
      continue;
    }
    if (now - slot->seen_at < options_.stuck_after) continue;
    std::lock_guard report(slot->report);
    if (!slot->state.compare_exchange_strong(state, state | Slot::stuck, std::memory_order_seq_cst)) continue;
    stuck_.fetch_add(1, std::memory_order_relaxed);
    lose(*slot);
    if (Process* process = slot->process.load(std::memory_order_relaxed)) tell(*process, true);
  }
}

/// Called with threads_mutex_ held.
void Scheduler::forget_ended() {
  const auto first =
      std::partition(slots_.begin(), slots_.end(), [](const auto& slot) { return !slot->ended; });
  for (auto it = first; it != slots_.end(); ++it)
    if ((*it)->thread.joinable()) (*it)->thread.join();  // its last act was to say that it has ended
  slots_.erase(first, slots_.end());
}

}  // namespace brood::process
