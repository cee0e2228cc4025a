// HeldAnswers: what a restored worker answers before its move is final. It leaves when the process is opened,
// and never when it is discarded: its callers then wait at the source, as before.
//
// Thread rule: every function from any thread.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "process/callback.hpp"

namespace brood::process {

class HeldAnswers {
 public:
  using Job = std::function<void()>;

  /// Gives an answer, now or when the process is opened.
  void pass(Job answer) {
    {
      std::lock_guard lock(mutex_);
      if (state_ == State::discarded) return;
      if (state_ == State::held) return held_.push_back(std::move(answer));
    }
    answer();
  }
  void open() {
    for (const Job& answer : close(State::open)) (void)run_callback("an answer that was held", answer);
  }
  /// Nothing when it was opened.
  void discard() { (void)close(State::discarded); }

 private:
  enum class State : std::uint8_t { held, open, discarded };
  std::vector<Job> close(State state) {
    std::lock_guard lock(mutex_);
    if (state_ != State::held) return {};
    state_ = state;
    return std::exchange(held_, {});
  }

  std::mutex mutex_;
  State state_ = State::held;
  std::vector<Job> held_;
};

}  // namespace brood::process
