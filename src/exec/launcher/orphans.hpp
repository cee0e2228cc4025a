// OrphanReaper: takes away what is left of processes that this one was given when their parents ended. That
// happens to process 1 of a container, and to a child subreaper; nobody else would ever take them away.
//
// A process that ended and stays for two looks is an orphan: who starts a process waits for it sooner. The
// shims are spared by name, as their launcher may be late. Public functions: any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace brood::exec {

class OrphanReaper {
 public:
  /// Does nothing at all in a process that gets no orphans.
  explicit OrphanReaper(std::chrono::milliseconds look_every = std::chrono::seconds{5});
  ~OrphanReaper();
  OrphanReaper(const OrphanReaper&) = delete;
  OrphanReaper& operator=(const OrphanReaper&) = delete;

  /// The launcher waits for this one itself, until it says release().
  void spare(pid_t child);
  void release(pid_t child);

 private:
  void run();
  void look();

  const std::chrono::milliseconds look_every_;
  std::mutex mutex_;  // the following
  std::condition_variable changed_;
  std::set<pid_t> spared_;
  std::set<pid_t> seen_ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace brood::exec
