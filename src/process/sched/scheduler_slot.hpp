// The inside of Scheduler: a thread's slot and a shard of the run queue. Included by the scheduler only.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "process/process.hpp"
#include "process/sched/alertness.hpp"
#include "process/sched/scheduler.hpp"

namespace brood::process {

/// What the scheduler knows of one of its threads.
///
/// `state` counts handlers in its upper bits; `running` is set while one runs, and `stuck` once it was
/// reported. Who reports holds `report`, and a handler that ends as stuck takes it too: so the process stays
/// while it is reported.
struct alignas(64) Scheduler::Slot {
  static constexpr std::uint64_t running = 1;
  static constexpr std::uint64_t stuck = 2;
  static constexpr std::uint64_t one_more = 4;

  [[nodiscard]] bool in_handler() const { return (state.load(std::memory_order_seq_cst) & running) != 0; }
  [[nodiscard]] bool is_caller() const {
    return (is_guest ? guest : thread.get_id()) == std::this_thread::get_id();
  }

  std::atomic<std::uint64_t> state{0};
  std::atomic<Process*> process{nullptr};
  std::uint64_t turns = 0;  // the thread's own
  Scheduler* scheduler = nullptr;
  unsigned home = 0;
  // Of a guest:
  bool is_guest = false;
  std::thread::id guest;
  std::atomic<bool> lent{false};  // in a turn
  // The thread's own:
  bool in_poll = false;
  bool keeps_process = false;  // what it polled gave it a process to run
  Alertness alertness;
  unsigned cautious = 0;  // so many polls more it has another thread poll while it runs handlers
  std::mutex report;
  std::uint64_t seen_state = 0;  // the monitor's own
  std::chrono::steady_clock::time_point seen_at;
  // guarded by threads_mutex_
  unsigned capacity_lost = 0;
  bool ended = false;
  std::thread thread;
};

struct Scheduler::Guest {
  std::uint64_t scheduler = 0;
  std::shared_ptr<Slot> slot;
};

/// A first-in, first-out list through Process::next_run.
struct alignas(64) Scheduler::Shard {
  void push(Process& process) {
    std::lock_guard lock(mutex);
    process.next_run = nullptr;
    (head == nullptr ? head : tail->next_run) = &process;
    tail = &process;
    size.store(size.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  }
  [[nodiscard]] Process* pop() {
    if (looks_empty()) return nullptr;
    std::lock_guard lock(mutex);
    Process* first = head;
    if (first == nullptr) return nullptr;
    head = first->next_run;
    size.store(size.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    return first;
  }
  [[nodiscard]] bool looks_empty() const { return size.load(std::memory_order_seq_cst) == 0; }

  std::mutex mutex;
  Process* head = nullptr;
  Process* tail = nullptr;
  std::atomic<std::size_t> size{0};
};

}  // namespace brood::process
