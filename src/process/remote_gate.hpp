// RemoteGate: the way to the network, which may be missing or taken away while it is used.
//
// Thread rule: every function from any thread. set() waits until nobody is inside any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

#include "process/remote.hpp"

namespace brood::process {

class RemoteGate {
 public:
  void set(Remote* remote) {
    std::unique_lock lock(mutex_);
    remote_ = remote;
  }
  /// Runs `use(Remote&)`; false when there is no network.
  template <typename Use>
  bool with(Use&& use) {
    std::shared_lock lock(mutex_);
    if (remote_ == nullptr) return false;
    use(*remote_);
    return true;
  }
  /// As with(), for what is lost (and counted) without a network.
  template <typename Use>
  void try_with(Use&& use) {
    if (!with(std::forward<Use>(use))) dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::shared_mutex mutex_;
  Remote* remote_ = nullptr;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace brood::process
