// RestartWindow: whether there have been too many restarts within a time.
//
// Thread rule: one thread at a time; the time is an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

namespace brood::process {

class RestartWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;

  RestartWindow(std::size_t most, std::chrono::milliseconds period) : most_(most), period_(period) {}

  /// One more. False: these are more than may be within a period that ends now.
  [[nodiscard]] bool add(Time now) {
    while (!times_.empty() && times_.front() + period_ < now) times_.pop_front();
    times_.push_back(now);
    return times_.size() <= most_;
  }

 private:
  std::size_t most_;
  std::chrono::milliseconds period_;
  std::deque<Time> times_;
};

}  // namespace brood::process
