// Sleeping on a word of memory until it changes. A condition variable and its mutex do the same with two more
// locks for each wake-up, and where nobody sleeps they are not free either; std::atomic::wait() has no
// time-out.
//
// Thread rule: every function from any thread. The word may be gone when wake_all() is called: its address is
// all that is used.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <optional>

namespace brood::process {

using ParkingWord = std::atomic<std::uint32_t>;
static_assert(sizeof(ParkingWord) == sizeof(std::uint32_t) && ParkingWord::is_always_lock_free);

/// Sleeps as long as the word is `still`; may also return for no reason. False: the time was over.
[[nodiscard]] inline bool park(ParkingWord& word, std::uint32_t still,
                               std::optional<std::chrono::steady_clock::time_point> until) {
  timespec end{};
  if (until) {
    using std::chrono::nanoseconds;
    const auto since = std::chrono::duration_cast<nanoseconds>(until->time_since_epoch());
    const auto total = std::max(since, nanoseconds::zero()).count();  // one before the clock's begin is past
    end = {.tv_sec = total / 1'000'000'000, .tv_nsec = total % 1'000'000'000};
  }
  const auto result = ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, still, until ? &end : nullptr,
                                nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

inline void wake_all(ParkingWord* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace brood::process
