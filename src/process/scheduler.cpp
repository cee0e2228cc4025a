#include "process/scheduler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>

#include "process/process.hpp"
#include "process/scheduler_slot.hpp"

namespace brood::process {

namespace {
constexpr unsigned look_elsewhere_every = 31;  // so that the shard of a blocked thread is not forgotten
constexpr auto spare_patience = std::chrono::seconds(2);
}  // namespace

Scheduler::Scheduler(SchedulerOptions options, RunFunction run) : options_(options), run_(std::move(run)) {
  for (unsigned i = 0; i < options_.threads; ++i) shards_.push_back(std::make_unique<Shard>());
}

Scheduler::~Scheduler() = default;

void Scheduler::start(const std::shared_ptr<void>& owner) {
  std::lock_guard lock(threads_mutex_);
  owner_ = owner;
  active_ = options_.threads;
  for (unsigned i = 0; i < options_.threads; ++i) spawn_thread(i);
  monitor_ = std::thread([this] { monitor_main(); });
}

void Scheduler::spawn_thread(unsigned home) {
  auto slot = std::make_unique<Slot>();
  slot->scheduler = this;
  slot->home = home;
  Slot* raw = slot.get();
  slots_.push_back(std::move(slot));
  raw->thread = std::thread([this, raw, keep = owner_.lock()] {
    thread_main(*raw);
    std::lock_guard lock(threads_mutex_);
    raw->ended = true;
    ended_.notify_all();
  });
}

void Scheduler::push(Process& process) {
  Slot* own = current_slot;
  const unsigned index = own != nullptr && own->scheduler == this
                             ? own->home
                             : next_shard_.fetch_add(1, std::memory_order_relaxed) % options_.threads;
  shards_[index]->push(process);
  // Either this sees the searcher or sleeper, or that one sees what was pushed (all of it is seq_cst).
  wake_one();
}

void Scheduler::wake_one() {
  if (searching_.load(std::memory_order_seq_cst) != 0 || sleepers_.load(std::memory_order_seq_cst) == 0)
    return;
  {
    std::lock_guard lock(sleep_mutex_);
    if (sleepers_.load(std::memory_order_relaxed) == 0) return;
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    searching_.fetch_add(1, std::memory_order_seq_cst);  // on behalf of the one that wakes
    ++wakes_;
  }
  sleep_.notify_one();
}

bool Scheduler::has_work() const {
  return std::any_of(shards_.begin(), shards_.end(), [](const auto& shard) { return !shard->looks_empty(); });
}

Process* Scheduler::next(const Slot& slot) {
  const unsigned start =
      slot.turns % look_elsewhere_every == 0 ? slot.turns / look_elsewhere_every : slot.home;
  for (unsigned i = 0; i < options_.threads; ++i)
    if (Process* process = shards_[(start + i) % options_.threads]->pop()) return process;
  return nullptr;
}

void Scheduler::thread_main(Slot& slot) {
  current_slot = &slot;
  bool searching = false;
  while (!quit_.load(std::memory_order_acquire)) {
    if (!searching && active_.load(std::memory_order_relaxed) > options_.threads && retire(slot)) break;
    ++slot.turns;
    Process* process = next(slot);
    if (process == nullptr) {
      if (searching) searching_.fetch_sub(1, std::memory_order_seq_cst);
      searching = sleep();
      continue;
    }
    if (searching) {
      searching = false;
      if (searching_.fetch_sub(1, std::memory_order_seq_cst) == 1 && has_work()) wake_one();
    }
    run_(*process);
  }
  current_slot = nullptr;
}

/// True: woken to look for work, and counted as searching.
bool Scheduler::sleep() {
  std::unique_lock lock(sleep_mutex_);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  if (has_work() || quit_.load(std::memory_order_acquire)) {
    // Whoever wanted to wake a sleeper meanwhile may have meant this one.
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    return false;
  }
  sleep_.wait(lock, [this] { return wakes_ > 0 || quit_.load(std::memory_order_acquire); });
  if (wakes_ == 0) return false;
  --wakes_;
  return true;
}

/// A thread too many waits a while to be needed again. True: it was not, and ends.
bool Scheduler::retire(Slot& slot) {
  std::unique_lock lock(threads_mutex_);
  if (active_.load() <= options_.threads) return false;
  active_.fetch_sub(1);
  ++spares_;
  const bool needed = spare_.wait_for(lock, spare_patience, [this] { return spare_wakes_ > 0 || quit_; });
  if (needed && spare_wakes_ > 0) {
    --spare_wakes_;
    return false;  // counted as active by who woke it
  }
  --spares_;
  slot.capacity_lost = 1;
  return true;
}

void Scheduler::lose(Slot& slot) {
  std::lock_guard lock(threads_mutex_);
  if (slot.capacity_lost++ > 0 || quit_) return;
  if (active_.fetch_sub(1) > options_.threads) return;
  if (spares_ > 0) {
    --spares_;
    ++spare_wakes_;
    active_.fetch_add(1);
    spare_.notify_one();
  } else if (slots_.size() < std::size_t{options_.threads} + options_.replacements_max) {
    try {
      spawn_thread(slot.home);
      active_.fetch_add(1);
    } catch (const std::system_error& error) {
      spdlog::error("brood: no thread in place of one that is blocked: {}", error.what());
      if (!slots_.back()->thread.joinable()) slots_.pop_back();
    }
  }
}

void Scheduler::regain(Slot& slot) {
  std::lock_guard lock(threads_mutex_);
  if (--slot.capacity_lost == 0) active_.fetch_add(1);
}

unsigned Scheduler::thread_count() const {
  std::lock_guard lock(threads_mutex_);
  return static_cast<unsigned>(
      std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) { return !slot->ended; }));
}

std::vector<Process*> Scheduler::stop() {
  {
    std::lock_guard lock(sleep_mutex_);
    quit_.store(true, std::memory_order_seq_cst);
  }
  sleep_.notify_all();
  {
    std::lock_guard lock(threads_mutex_);
    spare_.notify_all();
    monitor_wake_.notify_all();
  }
  if (monitor_.joinable()) monitor_.join();

  std::vector<Process*> left;
  std::vector<std::thread> ended;
  std::unique_lock lock(threads_mutex_);
  // A thread that is not inside a handler ends by itself, soon; a handler may end at any time, too, so look
  // again now and then.
  const auto settled = [this] {
    return std::all_of(slots_.begin(), slots_.end(), [](const auto& slot) {
      return slot->ended || slot->in_handler() || slot->is_caller();
    });
  };
  while (!settled()) ended_.wait_for(lock, std::chrono::milliseconds(5));
  for (const auto& slot : slots_) {
    if (!slot->thread.joinable()) continue;
    if (slot->ended) {
      ended.push_back(std::move(slot->thread));
    } else {
      if (Process* process = slot->process.load()) left.push_back(process);
      slot->thread.detach();
    }
  }
  lock.unlock();
  for (std::thread& thread : ended) thread.join();
  return left;
}

}  // namespace brood::process
