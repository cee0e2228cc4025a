// ProcessTable: finds the processes of this node by number. A lookup locks nothing but the slot it reads, for
// a few instructions.
//
// Invariant: a number's serial rises with each use of its slot, so an old pid never finds a new process.
// Thread rule: every function from any thread.
#pragma once

#include <array>
#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "process/runtime.hpp"

namespace brood::process {

class Process;
using ProcessPtr = boost::intrusive_ptr<Process>;

class ProcessTable {
 public:
  static constexpr std::uint32_t chunk_slots = 4096;
  static constexpr std::uint32_t chunks_max = 4096;  // 16.7 million processes

  ProcessTable() = default;
  ~ProcessTable();
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  /// Reserves a number. Id 0 is never given out; {0, 0} means that the table is full.
  [[nodiscard]] LocalPid reserve();
  /// The process can be found from now on; the table owns a share of it.
  void publish(LocalPid pid, const ProcessPtr& process);
  /// It can be found no more; the number may be used again, with the next serial.
  void release(LocalPid pid);
  [[nodiscard]] ProcessPtr find(LocalPid pid) const;
  [[nodiscard]] std::size_t count() const { return count_.load(std::memory_order_acquire); }
  [[nodiscard]] std::vector<ProcessPtr> all() const;

 private:
  struct Slot;
  struct Chunk;
  class SlotLock;

  [[nodiscard]] Slot* slot(std::uint32_t id) const;

  std::array<std::atomic<Chunk*>, chunks_max> chunks_{};
  std::atomic<std::size_t> count_{0};
  mutable std::mutex mutex_;  // numbers, not slots
  std::deque<std::uint32_t> free_;
  std::uint32_t next_id_ = 1;
};

}  // namespace brood::process
