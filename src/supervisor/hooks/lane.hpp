// Lane: a thread that does jobs in the order in which they are put, begun with the first of them. For what a
// program's own functions do, which may take any time: whoever puts a job never waits for it.
//
// Owns: the queue and the thread. What a job throws is its own affair: it must throw nothing.
// Thread rule: put() from any thread, jobs too; finish() once, not from a job.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace brood::supervisor {

class Lane {
 public:
  using Job = std::function<void()>;

  Lane() = default;
  ~Lane() { finish(std::chrono::milliseconds(0)); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// False: after finish(), or where there is no thread to be had; the job is dropped.
  bool put(Job job);
  /// Waits until what waits is done, but not for longer than `patience`: then the rest is dropped, and a job
  /// that still runs is left behind with its thread.
  void finish(std::chrono::milliseconds patience);

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> jobs;
    bool is_over = false;
    bool has_ended = false;  ///< The thread does nothing any more.
  };
  static void run(const std::shared_ptr<Shared>& shared);

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;  ///< Guarded by shared_->mutex.
};

/// Those of a node: a handler that hangs holds up none of another kind.
struct Lanes {
  Lane events;       ///< Handlers and listeners.
  Lane alters;       ///< What starts wait for.
  Lane subscribers;  ///< Erlang processes.
};

}  // namespace brood::supervisor
