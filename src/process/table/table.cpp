#include "process/table/table.hpp"

#include <thread>

#include "process/process.hpp"

namespace brood::process {

struct ProcessTable::Slot {
  mutable std::atomic<std::uintptr_t> word{0};  // the process; the lowest bit is the lock
  std::uint32_t serial = 0;                     // guarded by the lock
};

struct ProcessTable::Chunk {
  std::array<Slot, chunk_slots> slots;
};

/// Holds a slot's lock; nothing but a few instructions happens meanwhile.
class ProcessTable::SlotLock {
 public:
  explicit SlotLock(const Slot& slot) : slot_(slot) {
    for (unsigned tries = 0;; ++tries) {
      word_ = slot_.word.load(std::memory_order_relaxed) & ~std::uintptr_t{1};
      if (slot_.word.compare_exchange_weak(word_, word_ | 1, std::memory_order_acquire,
                                           std::memory_order_relaxed))
        return;
      if (tries % 64 == 63) std::this_thread::yield();  // its holder was preempted
    }
  }
  ~SlotLock() { slot_.word.store(word_, std::memory_order_release); }
  SlotLock(const SlotLock&) = delete;
  SlotLock& operator=(const SlotLock&) = delete;
  [[nodiscard]] Process* process() const { return reinterpret_cast<Process*>(word_); }
  void set(Process* process) { word_ = reinterpret_cast<std::uintptr_t>(process); }

 private:
  const Slot& slot_;
  std::uintptr_t word_ = 0;
};

ProcessTable::~ProcessTable() {
  for (auto& pointer : chunks_) {
    Chunk* chunk = pointer.load(std::memory_order_relaxed);
    if (chunk == nullptr) continue;
    for (Slot& slot : chunk->slots)
      if (auto* process = reinterpret_cast<Process*>(slot.word.load(std::memory_order_relaxed)))
        intrusive_ptr_release(process);
    delete chunk;
  }
}

ProcessTable::Slot* ProcessTable::slot(std::uint32_t id) const {
  if (id == 0 || id / chunk_slots >= chunks_max) return nullptr;
  Chunk* chunk = chunks_[id / chunk_slots].load(std::memory_order_acquire);
  return chunk == nullptr ? nullptr : &chunk->slots[id % chunk_slots];
}

LocalPid ProcessTable::reserve() {
  std::uint32_t id = 0;
  {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      id = free_.front();  // the one that rested longest
      free_.pop_front();
    } else {
      if (next_id_ / chunk_slots >= chunks_max) return {};
      id = next_id_++;
      auto& chunk = chunks_[id / chunk_slots];
      if (chunk.load(std::memory_order_relaxed) == nullptr) chunk.store(new Chunk, std::memory_order_release);
    }
  }
  Slot* found = slot(id);
  SlotLock lock(*found);
  return LocalPid{id, found->serial};
}

void ProcessTable::publish(LocalPid pid, const ProcessPtr& process) {
  intrusive_ptr_add_ref(process.get());
  SlotLock lock(*slot(pid.id));
  lock.set(process.get());
  count_.fetch_add(1, std::memory_order_acq_rel);
}

void ProcessTable::release(LocalPid pid) {
  Slot* found = slot(pid.id);
  Process* process = nullptr;
  {
    SlotLock lock(*found);
    process = lock.process();
    lock.set(nullptr);
    ++found->serial;
  }
  {
    std::lock_guard lock(mutex_);
    free_.push_back(pid.id);
  }
  count_.fetch_sub(1, std::memory_order_acq_rel);
  if (process != nullptr) intrusive_ptr_release(process);
}

ProcessPtr ProcessTable::find(LocalPid pid) const {
  const Slot* found = slot(pid.id);
  if (found == nullptr) return nullptr;
  SlotLock lock(*found);
  if (found->serial != pid.serial) return nullptr;
  return ProcessPtr(lock.process());
}

std::vector<ProcessPtr> ProcessTable::all() const {
  std::vector<ProcessPtr> out;
  out.reserve(count());
  for (const auto& pointer : chunks_) {
    const Chunk* chunk = pointer.load(std::memory_order_acquire);
    if (chunk == nullptr) break;
    for (const Slot& slot : chunk->slots) {
      SlotLock lock(slot);
      if (lock.process() != nullptr) out.emplace_back(lock.process());
    }
  }
  return out;
}

}  // namespace brood::process
