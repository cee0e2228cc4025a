#include "exec/launcher/heartbeat.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

namespace brood::exec {

Heartbeat::Heartbeat(std::chrono::milliseconds limit) {
  fd_ = memfd_create("brood-heartbeat", MFD_CLOEXEC);
  void* memory = MAP_FAILED;
  if (fd_ >= 0 && ftruncate(fd_, heartbeat_page_bytes) == 0) {
    memory = mmap(nullptr, heartbeat_page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  }
  if (memory == MAP_FAILED) {
    error_ = errno;
    return;
  }
  page_ = new (memory) HeartbeatPage{};
  set_limit(limit);
  beat();
}

Heartbeat::~Heartbeat() {
  if (page_ != nullptr) munmap(page_, heartbeat_page_bytes);
  if (fd_ >= 0) close(fd_);
}

Result<void> Heartbeat::ready() const {
  if (page_ != nullptr) return {};
  return {Errc::io, "cannot make the heartbeat page for programs (memfd_create): " +
                        std::generic_category().message(error_)};
}

void Heartbeat::beat() noexcept {
  if (page_ != nullptr) page_->beat_ns.store(boot_time_ns(), std::memory_order_relaxed);
}

bool Heartbeat::is_old() const noexcept {
  if (page_ == nullptr) return false;
  const std::int64_t limit = page_->limit_ns.load(std::memory_order_relaxed);
  return limit > 0 && boot_time_ns() - page_->beat_ns.load(std::memory_order_relaxed) > limit;
}

void Heartbeat::set_limit(std::chrono::milliseconds limit) noexcept {
  // Beyond a year is for ever, and would not fit nanoseconds.
  static constexpr std::chrono::milliseconds limit_max = std::chrono::hours{24 * 365};
  const auto bounded = std::clamp(limit, std::chrono::milliseconds{0}, limit_max);
  if (page_ != nullptr)
    page_->limit_ns.store(std::chrono::nanoseconds{bounded}.count(), std::memory_order_relaxed);
}

}  // namespace brood::exec
