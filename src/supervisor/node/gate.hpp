// Gate: counts who uses a thing, so that its owner can end it when nobody does any more.
//
//   open --shut()--> shut: nobody enters any more --the last one leaves--> empty
//
// Every use of the node from outside its own threads (a call by the program, a request that ends later)
// enters the gate and holds the pass until it is done. The end of the node shuts the gate, cuts short what
// waits inside, and goes on when all have left; who comes later finds it shut and answers `stopped`.
//
// Owns: the count. Calls nobody. Thread rule: every function from any thread. The gate must live until the
// last pass is gone: who holds a pass holds a reference to the gate's owner too, or is waited for by it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace brood::supervisor {

class Gate {
 public:
  /// The right to use what is behind the gate, until it is destroyed. Movable. Empty where the gate was shut.
  class Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), door_(other.door_) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(door_, other.door_);
      return *this;
    }
    ~Pass() {
      if (gate_) gate_->leave(door_);
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    friend class Gate;
    Pass(Gate* gate, std::size_t door) : gate_(gate), door_(door) {}
    Gate* gate_ = nullptr;
    std::size_t door_ = 0;
  };

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Two atomic operations. An empty pass: the gate is shut.
  [[nodiscard]] Pass enter();
  [[nodiscard]] bool is_shut() const { return shut_.load(); }
  /// From now on nobody enters. Does not wait.
  void shut() { shut_.store(true); }
  /// Shuts it, and waits until all have left, at most `patience`. False: somebody is still inside.
  [[nodiscard]] bool close(std::chrono::milliseconds patience);

 private:
  void leave(std::size_t door);

  /// One of several counters, by thread, so that threads which come and go all the time do not wait for each
  /// other's cache line.
  struct alignas(64) Door {
    std::atomic<std::int64_t> inside{0};
  };
  std::array<Door, 16> doors_;
  std::atomic<bool> shut_{false};
  std::mutex mutex_;
  std::condition_variable empty_;
};

}  // namespace brood::supervisor
