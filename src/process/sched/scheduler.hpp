// Scheduler: the threads that run processes. A process that has something to do is pushed once; some thread
// then runs it.
//
// Each thread prefers the shard it began with and takes from the others when that is empty. A thread whose
// handler blocks or runs too long stops counting: another is woken or made in its place, at most
// `replacements_max` of them, and when the handler returns after all, whoever is too many retires.
//
// Of the threads without work one polls, if there is a poller; the others sleep.
//
// A thread that is none of these may lend itself for a turn of one process. It then is a guest: seen when its
// handler runs long, but never made up for, and waited for at the end as the others are.
//
// Thread rule: every function from any thread, but HandlerScope and BlockingScope, which belong to a thread
// that runs a process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace brood::process {

class Poller;
class Process;

struct SchedulerOptions {
  unsigned threads = 2;
  unsigned replacements_max = 256;
  std::chrono::milliseconds stuck_after{5000};
};

class Scheduler {
 public:
  using RunFunction = std::function<void(Process&)>;

  Scheduler(SchedulerOptions options, RunFunction run);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Starts the threads; each keeps `owner` alive until it ends.
  void start(const std::shared_ptr<void>& owner);
  /// Runs `process` soon. It must be in no queue and on no thread.
  void push(Process& process);
  /// The calling thread runs `process` for one turn, in place of push(). False, and nothing was done: it runs
  /// a process already, or all are to end.
  [[nodiscard]] bool lend(Process& process);
  /// What a thread without work does; set once, before anything is pushed from it.
  void set_poller(std::shared_ptr<Poller> poller);
  /// Wakes a thread that sleeps, to poll; false when none does.
  bool wake_to_poll();
  /// Lets the threads end. Returns the processes whose handlers still run then: their threads are detached,
  /// and when such a handler returns nothing more of its process is touched.
  std::vector<Process*> stop();
  [[nodiscard]] bool is_stopped() const { return quit_.load(std::memory_order_acquire); }

  [[nodiscard]] unsigned thread_count() const;
  /// Processes that wait for a thread, about.
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] unsigned stuck_count() const { return stuck_.load(std::memory_order_relaxed); }

 private:
  struct Slot;  // a thread
  struct Shard;
  struct Guest;                                             // a thread's own memory of its slot
  static inline thread_local Slot* current_slot = nullptr;  // of the calling thread

 public:
  /// The calling thread runs code of a user for `process`.
  class HandlerScope {
   public:
    explicit HandlerScope(Process& process);
    ~HandlerScope() { end(); }
    HandlerScope(const HandlerScope&) = delete;
    HandlerScope& operator=(const HandlerScope&) = delete;
    void end();

   private:
    Slot* slot_;
    Process* process_;
  };

  /// The handler that the calling thread runs waits for something; nothing when it runs none.
  class BlockingScope {
   public:
    BlockingScope();
    ~BlockingScope();
    BlockingScope(const BlockingScope&) = delete;
    BlockingScope& operator=(const BlockingScope&) = delete;

   private:
    Slot* slot_;
  };

  /// The process whose handler the calling thread runs; nullptr when none.
  [[nodiscard]] static Process* running() noexcept;
  /// The calling thread is a scheduler's, or lent to it.
  [[nodiscard]] static bool on_thread() noexcept { return current_slot != nullptr; }

 private:
  void spawn_thread(unsigned home);
  void thread_main(Slot& slot);
  [[nodiscard]] const std::shared_ptr<Slot>& guest_slot();
  [[nodiscard]] bool retire(Slot& slot);
  [[nodiscard]] Process* next(const Slot& slot);
  [[nodiscard]] Process* pop(Shard& shard);
  [[nodiscard]] bool rest(Slot& slot);
  void poll(Slot& slot, Poller& poller);
  void run_timed(Slot& slot, Process& process);
  [[nodiscard]] bool sleep();
  [[nodiscard]] bool stay_awake(Slot& slot);
  bool interrupt_poller(bool only_if_awake);
  [[nodiscard]] bool has_work() const;
  bool wake_one();
  bool wake_sleeper();
  void lose(Slot& slot);
  void regain(Slot& slot);
  void monitor_main();
  void look_for_stuck(std::chrono::steady_clock::time_point now);
  void forget_ended();

  const SchedulerOptions options_;
  const RunFunction run_;
  const std::uint64_t number_;  ///< Of no other scheduler of this program, ever.
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<unsigned> next_shard_{0};
  std::atomic<bool> quit_{false};

  // Sleeping: who pushes wakes one thread, unless one is looking for work already.
  std::mutex sleep_mutex_;
  std::condition_variable sleep_;
  std::atomic<unsigned> searching_{0};
  std::atomic<unsigned> sleepers_{0};
  std::atomic<bool> is_awake_{false};  // a thread without work stays awake for a moment
  unsigned wakes_ = 0;
  std::shared_ptr<Poller> poller_owner_;  // of what `poller_` points to
  std::atomic<Poller*> poller_{nullptr};  // set once
  std::atomic<bool> polling_{false};      // a thread polls, and looks for work only when that ends

  // Capacity: `active_` threads neither block nor are stuck nor spare.
  mutable std::mutex threads_mutex_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::shared_ptr<Slot>>
      guests_;                 ///< Of threads that have lent themselves; each has its own too.
  std::weak_ptr<void> owner_;  ///< Constant once it has started.
  std::atomic<unsigned> active_{0};
  unsigned spares_ = 0;
  unsigned spare_wakes_ = 0;
  std::condition_variable spare_;
  std::condition_variable ended_;
  std::atomic<unsigned> stuck_{0};

  std::condition_variable monitor_wake_;
  std::thread monitor_;
};

}  // namespace brood::process
