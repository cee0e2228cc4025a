// SharedOctets: octets that several hold and nobody changes, or none. Smaller than a std::shared_ptr and
// quicker to move, as each EncodedTerm has one.
//
// Thread rule: plain data; those who hold the same octets may be on any threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

class SharedOctets {
 public:
  SharedOctets() noexcept = default;
  /// Leaves `octets` empty.
  explicit SharedOctets(std::string&& octets);
  SharedOctets(const SharedOctets& other) noexcept : held_(other.held_) {
    if (held_ != nullptr) held_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  SharedOctets(SharedOctets&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  SharedOctets& operator=(SharedOctets other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~SharedOctets() {
    if (held_ != nullptr) let_go();
  }

  explicit operator bool() const noexcept { return held_ != nullptr; }
  [[nodiscard]] const std::string& operator*() const noexcept { return held_->octets; }
  /// Without a copy where nobody else holds them. There are some.
  [[nodiscard]] std::string take() &&;

 private:
  struct Held {
    std::string octets;
    std::atomic<std::uint32_t> owners{1};
  };
  void let_go() noexcept;

  Held* held_ = nullptr;
};

}  // namespace brood::inline v0::detail

#pragma GCC visibility pop
