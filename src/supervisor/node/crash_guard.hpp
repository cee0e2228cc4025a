// CrashGuard: lets a node that crashes inside a handler say which child did it, before it dies.
//
//   crashing thread: signal handler, or exit() -> notes the child, wakes the guard's thread, waits (bounded)
//   guard's thread:  tells the core (Crashing), waits until the obituary has left, lets the handler go on
//   crashing thread: restores the default action and crashes for real, core dump and all
//
// The other members then blame that child alone, not everything that ran here. Best effort: a heap that is
// locked or broken costs the obituary, never more than the wait.
//
// Process-wide (signal handlers are): one at a time, and only where the program asks for it
// (NodeOptions::report_crashes).
#pragma once

#include <brood/worker.hpp>
#include <functional>
#include <thread>

namespace brood::supervisor {

class CrashGuard {
 public:
  /// `tell` runs on the guard's thread with the child whose handler crashes; it returns when the message has
  /// left or cannot.
  explicit CrashGuard(std::function<void(const WorkerIdentity&)> tell);
  ~CrashGuard();
  CrashGuard(const CrashGuard&) = delete;
  CrashGuard& operator=(const CrashGuard&) = delete;

 private:
  void run();

  std::function<void(const WorkerIdentity&)> tell_;
  std::thread thread_;
};

}  // namespace brood::supervisor
