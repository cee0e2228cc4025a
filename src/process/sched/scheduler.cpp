#include "process/sched/scheduler.hpp"

#include <algorithm>
#include <system_error>

#include "process/log/log.hpp"
#include "process/process.hpp"
#include "process/sched/poller.hpp"
#include "process/sched/scheduler_slot.hpp"
#include "process/sched/signal_stack.hpp"

namespace brood::process {

namespace {
constexpr unsigned look_elsewhere_every = 31;  // so that the shard of a blocked thread is not forgotten
constexpr auto spare_patience = std::chrono::seconds(2);
/// To wake a thread costs some microseconds: where turns are shorter than this the network waits for them.
constexpr auto long_turn = std::chrono::microseconds(100);
constexpr unsigned cautious_polls = 32;

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}
}  // namespace

Scheduler::Scheduler(SchedulerOptions options, RunFunction run)
    : options_(options), run_(std::move(run)), number_(next_number()) {
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

const std::shared_ptr<Scheduler::Slot>& Scheduler::guest_slot() {
  static thread_local Guest mine;
  if (mine.scheduler == number_) return mine.slot;
  auto slot = std::make_shared<Slot>();
  slot->scheduler = this;
  slot->is_guest = true;
  slot->guest = std::this_thread::get_id();
  {
    const std::lock_guard lock(threads_mutex_);
    std::erase_if(guests_, [](const auto& other) { return other.use_count() == 1; });  // its thread has ended
    guests_.push_back(slot);
  }
  mine = {number_, std::move(slot)};
  return mine.slot;
}

bool Scheduler::lend(Process& process) {
  if (current_slot != nullptr) return false;
  // As the scheduler's threads, it keeps all that a turn needs, and its slot where it is to lend itself to
  // another scheduler meanwhile.
  const auto keep = owner_.lock();
  const std::shared_ptr<Slot> slot = guest_slot();
  slot->lent.store(true, std::memory_order_seq_cst);
  // Either this sees that all are to end, or who ends them sees the guest.
  const bool may = keep && !quit_.load(std::memory_order_seq_cst);
  if (may) {
    current_slot = slot.get();
    run_(process);
    current_slot = nullptr;
  }
  slot->lent.store(false, std::memory_order_seq_cst);
  return may;
}

void Scheduler::push(Process& process) {
  Slot* own = current_slot != nullptr && current_slot->scheduler == this && !current_slot->is_guest
                  ? current_slot
                  : nullptr;
  const unsigned index =
      own != nullptr ? own->home : next_shard_.fetch_add(1, std::memory_order_relaxed) % options_.threads;
  shards_[index]->push(process);
  // The first process that something polled wakes is run by who polls, right after.
  if (own != nullptr && own->in_poll && !std::exchange(own->keeps_process, true)) return;
  if (own == nullptr && interrupt_poller(true)) return;
  // Either this sees the searcher or sleeper, or that one sees what was pushed (all of it is seq_cst).
  if (wake_one() || (own != nullptr && own->in_poll)) return;
  (void)interrupt_poller(false);
}

/// Who polls looks for work. False: nobody does, or it has been told already.
bool Scheduler::interrupt_poller(bool only_if_awake) {
  if (!polling_.load(std::memory_order_seq_cst)) return false;
  Poller* network = poller_.load(std::memory_order_acquire);
  if (network == nullptr || (only_if_awake && !network->is_awake())) return false;
  if (!polling_.exchange(false, std::memory_order_seq_cst)) return false;
  network->interrupt();
  return true;
}

/// Sees to it that somebody looks for work. False: all are awake, or poll.
bool Scheduler::wake_one() {
  return searching_.load(std::memory_order_seq_cst) != 0 || wake_sleeper();
}

bool Scheduler::wake_sleeper() {
  if (sleepers_.load(std::memory_order_seq_cst) == 0) return false;
  {
    std::lock_guard lock(sleep_mutex_);
    if (sleepers_.load(std::memory_order_relaxed) == 0) return false;
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    searching_.fetch_add(1, std::memory_order_seq_cst);  // on behalf of the one that wakes
    ++wakes_;
  }
  sleep_.notify_one();
  return true;
}

bool Scheduler::wake_to_poll() {
  return !quit_.load(std::memory_order_acquire) && wake_sleeper();
}

void Scheduler::set_poller(std::shared_ptr<Poller> poller) {
  BROOD_CHECK(!poller_owner_, "a scheduler has one poller");
  poller_owner_ = std::move(poller);
  poller_.store(poller_owner_.get(), std::memory_order_release);
}

std::size_t Scheduler::waiting() const {
  std::size_t all = 0;
  for (const auto& shard : shards_) all += shard->size.load(std::memory_order_relaxed);
  return all;
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
  const SignalStack for_crashes;
  current_slot = &slot;
  bool searching = false;
  while (!quit_.load(std::memory_order_acquire)) {
    if (!searching && active_.load(std::memory_order_relaxed) > options_.threads && retire(slot)) break;
    ++slot.turns;
    Process* process = next(slot);
    if (process == nullptr) {
      if (searching) searching_.fetch_sub(1, std::memory_order_seq_cst);
      searching = rest(slot);
      continue;
    }
    if (searching) {
      searching = false;
      if (searching_.fetch_sub(1, std::memory_order_seq_cst) == 1 && has_work()) wake_one();
    }
    if (std::exchange(slot.keeps_process, false)) {
      run_timed(slot, *process);
    } else {
      run_(*process);
    }
  }
  current_slot = nullptr;
}

void Scheduler::run_timed(Slot& slot, Process& process) {
  const auto since = std::chrono::steady_clock::now();
  run_(process);
  if (std::chrono::steady_clock::now() - since > long_turn) {
    slot.cautious = cautious_polls;
  } else if (slot.cautious > 0) {
    --slot.cautious;
  }
}

/// No work: polls, if nobody does, or sleeps. True: woken to look for work, and counted as searching.
bool Scheduler::rest(Slot& slot) {
  Poller* network = poller_.load(std::memory_order_acquire);
  if (network == nullptr || !network->try_acquire()) return stay_awake(slot) || sleep();
  poll(slot, *network);
  return false;
}

void Scheduler::poll(Slot& slot, Poller& network) {
  slot.in_poll = true;
  slot.keeps_process = false;
  // Who pushes from now on interrupts; what was pushed before is seen here.
  polling_.store(true, std::memory_order_seq_cst);
  const bool awaited = has_work() || quit_.load(std::memory_order_seq_cst);
  network.poll(awaited ? Poller::Wait::no : Poller::Wait::until_something);
  polling_.store(false, std::memory_order_seq_cst);
  slot.in_poll = false;
  network.release(slot.keeps_process || has_work());
  if (slot.keeps_process && slot.cautious > 0) wake_one();
}

/// One thread may stay awake for a moment. True: there is work, and it is counted as searching.
bool Scheduler::stay_awake(Slot& slot) {
  if (is_awake_.exchange(true, std::memory_order_relaxed)) return false;
  searching_.fetch_add(1, std::memory_order_seq_cst);
  const bool found =
      slot.alertness.wait([this] { return has_work() || quit_.load(std::memory_order_relaxed); });
  is_awake_.store(false, std::memory_order_relaxed);
  // Who pushed since and saw a searcher is seen by sleep(), which looks again.
  if (!found) searching_.fetch_sub(1, std::memory_order_seq_cst);
  return found;
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
  if (slot.is_guest) return;
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
      log::error("brood: no thread in place of one that is blocked: {}", error.what());
      if (!slots_.back()->thread.joinable()) slots_.pop_back();
    }
  }
}

void Scheduler::regain(Slot& slot) {
  if (slot.is_guest) return;
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
  Poller* network = poller_.load(std::memory_order_acquire);
  if (network != nullptr) network->interrupt();
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
    const auto is_out = [](const auto& slot) {
      return slot->ended || slot->in_handler() || slot->is_caller();
    };
    return std::all_of(slots_.begin(), slots_.end(), is_out) &&
           std::all_of(guests_.begin(), guests_.end(),
                       [&](const auto& guest) { return !guest->lent.load() || is_out(guest); });
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
  for (const auto& guest : guests_)
    if (Process* process = guest->lent.load() ? guest->process.load() : nullptr) left.push_back(process);
  lock.unlock();
  for (std::thread& thread : ended) thread.join();
  if (network) network->deserted();
  return left;
}

}  // namespace brood::process
