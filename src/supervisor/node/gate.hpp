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

#include <atomic>
#include <chrono>
#include <condition_variable>
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
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Pass() {
      if (gate_) gate_->leave();
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    friend class Gate;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Gate* gate_ = nullptr;
  };

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Two atomic operations. An empty pass: the gate is shut.
  [[nodiscard]] Pass enter();
  [[nodiscard]] bool is_shut() const { return (state_.load() & shut_bit) != 0; }
  /// From now on nobody enters. Does not wait.
  void shut() { state_.fetch_or(shut_bit); }
  /// Shuts it, and waits until all have left, at most `patience`. False: somebody is still inside.
  [[nodiscard]] bool close(std::chrono::milliseconds patience);

 private:
  void leave();

  static constexpr std::uint64_t shut_bit = std::uint64_t{1} << 63;
  std::atomic<std::uint64_t> state_{0};  ///< The number inside, and shut_bit.
  std::mutex mutex_;
  std::condition_variable empty_;
};

}  // namespace brood::supervisor
