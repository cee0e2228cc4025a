// The one source of chance of a simulation: the same seed gives the same numbers on every machine and
// compiler. Nothing of <random> is used, since its distributions differ between libraries.
//
// Thread rule: one thread. Algorithms: splitmix64 for the seed, xoshiro256** for the stream (Blackman,
// Vigna).
#pragma once

#include <array>
#include <brood/result.hpp>
#include <chrono>
#include <cstdint>
#include <vector>

namespace brood::sim {

using Duration = std::chrono::nanoseconds;

class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) word = split_mix(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// 0 to limit - 1; the slight unevenness of the remainder does not matter here.
  std::uint64_t below(std::uint64_t limit) {
    BROOD_CHECK(limit > 0, "a choice among nothing");
    return next() % limit;
  }
  /// Both ends included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  Duration between(Duration low, Duration high) {
    return low +
           Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((high - low).count()) + 1)));
  }
  bool chance(std::uint32_t per_mille) { return below(1000) < per_mille; }

  template <typename T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  /// A stream of its own, so that one part's use of chance does not shift another's.
  Random fork() { return Random(next()); }

 private:
  static std::uint64_t rotate(std::uint64_t value, int by) { return (value << by) | (value >> (64 - by)); }
  static std::uint64_t split_mix(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace brood::sim
