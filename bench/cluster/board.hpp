// Board: what the nodes of a benchmark tell its driver, in memory that they share, so that looking at it
// costs none of them anything.
//
// Thread rule: any thread of any of the programs.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace brood::bench {

inline constexpr std::size_t nodes_max = 16;

struct Slot {
  alignas(64) std::atomic<std::int64_t> running{0};  ///< Children that run on this node.
  std::atomic<std::int64_t> handled{0};              ///< Messages that its sink has taken.
  std::atomic<std::int64_t> began_ns{0};             ///< When it began to start its node.
};

struct Board {
  std::array<Slot, nodes_max> slots;

  /// A new one; `fd` is for the programs that are to share it.
  static Board& make(int& fd);
  static Board& open(int fd);
};

/// The same clock in all programs of this machine.
inline std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace brood::bench
