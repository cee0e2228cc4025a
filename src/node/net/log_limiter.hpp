// LogLimiter: one line a minute about each peer, however often it misbehaves.
//
// Thread rule: any thread.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace brood::node {

class LogLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  /// Whether to write a line about `key` now. Keys come from strangers: only so many are kept, and beyond
  /// them nothing is written until old ones have passed.
  bool allow(const std::string& key, Clock::time_point now = Clock::now()) {
    const std::scoped_lock lock(mutex_);
    if (last_.size() >= keys_max) forget_passed(now);
    const auto found = last_.find(key);
    if (found != last_.end()) {
      if (now - found->second < pause) return false;
      found->second = now;
      return true;
    }
    if (last_.size() >= keys_max) return false;
    last_.emplace(key, now);
    return true;
  }

  /// Drops keys that count no more. Called now and then, for nothing here comes by itself.
  void sweep(Clock::time_point now = Clock::now()) {
    const std::scoped_lock lock(mutex_);
    forget_passed(now);
  }
  [[nodiscard]] std::size_t size() {
    const std::scoped_lock lock(mutex_);
    return last_.size();
  }

 private:
  void forget_passed(Clock::time_point now) {
    std::erase_if(last_, [&](const auto& entry) { return now - entry.second >= pause; });
  }

  static constexpr std::size_t keys_max = 1024;
  static constexpr std::chrono::minutes pause{1};

  std::mutex mutex_;
  std::map<std::string, Clock::time_point> last_;
};

}  // namespace brood::node
