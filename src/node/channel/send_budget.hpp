// SendBudget: how many bytes wait for all peers together. Each queue says what it takes and what it gives
// back; who finds too much taken sees to it that the slowest peer is cut.
//
// Thread rule: any thread.
#pragma once

#include <atomic>
#include <cstddef>

namespace brood::node {

class SendBudget {
 public:
  explicit SendBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void take(std::size_t bytes) { taken_.fetch_add(bytes, std::memory_order_relaxed); }
  void give_back(std::size_t bytes) { taken_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t taken() const { return taken_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t bytes_max() const { return bytes_max_; }
  [[nodiscard]] bool is_exceeded() const { return taken() > bytes_max_; }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace brood::node
