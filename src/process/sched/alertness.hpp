// Alertness: whether to stay awake for a moment before one sleeps. To sleep and to be woken costs some
// microseconds, and tens of them on an idle virtual processor; to stay awake costs the moment, in vain where
// nothing comes. So who stayed awake in vain passes over some times, twice as many each time, and is alert
// again at the first success.
//
// Thread rule: one thread at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace brood::process {

/// Tells the processor that this thread waits for memory to change.
inline void relax_processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Alertness {
 public:
  /// Stays awake, if that is worth it, until `has_come` or the moment is over. True: it has come.
  template <typename HasCome>
  [[nodiscard]] bool wait(const HasCome& has_come) {
    if (!may_stay_awake || skipped_ < to_skip_) {
      ++skipped_;
      return false;
    }
    skipped_ = 0;
    const auto until = std::chrono::steady_clock::now() + moment;
    do {
      if (has_come()) {
        to_skip_ = 0;
        return true;
      }
      relax_processor();
    } while (std::chrono::steady_clock::now() < until);
    to_skip_ = std::min(2 * to_skip_ + 1, to_skip_max);
    return false;
  }

 private:
  static constexpr auto moment = std::chrono::microseconds(30);
  static constexpr unsigned to_skip_max = 63;
  /// With one processor what is waited for could not happen meanwhile.
  static inline const bool may_stay_awake = std::thread::hardware_concurrency() > 1;

  unsigned to_skip_ = 0;
  unsigned skipped_ = 0;
};

}  // namespace brood::process
