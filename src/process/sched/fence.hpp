// Fence: holds back handlers while this node does not know enough of the others to go on.
//
// Thread rule: every function from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <unordered_set>
#include <vector>

namespace brood::process {

class Process;

class Fence {
 public:
  void set_limit(std::chrono::milliseconds limit);
  void beat();
  void set_fenced(bool fenced) { fenced_.store(fenced, std::memory_order_seq_cst); }
  /// No handler may begin now.
  [[nodiscard]] bool is_closed() const;

  /// Keeps a process until the fence opens; the caller runs it no more. False: it is open, go on.
  bool park(Process& process);
  /// True when it was parked: the caller must see that it runs.
  bool unpark(Process& process);
  /// Those that may run now; empty while it is closed.
  [[nodiscard]] std::vector<Process*> open();
  [[nodiscard]] bool has_parked() const { return parked_count_.load(std::memory_order_seq_cst) > 0; }

 private:
  std::atomic<bool> fenced_{false};
  std::atomic<std::int64_t> limit_ns_{0};  // 0: no limit
  std::atomic<std::int64_t> beat_ns_{0};   // by CLOCK_MONOTONIC_COARSE
  std::atomic<std::size_t> parked_count_{0};
  std::mutex mutex_;
  std::unordered_set<Process*> parked_;
};

}  // namespace brood::process
