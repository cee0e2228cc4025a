// HealthJudge: what follows from the answers to a program's health check.
//
//   starting ──a good answer──> healthy <──────────────┐
//      │                          │ threshold bad ones │ a good one
//      └──the same, but those ────v in a row           │
//         in start_period      unhealthy ──────────────┘
//         do not count
//
// A program that starts is asked often, so that who waits for it need not wait for a whole interval; of bad
// answers one an interval counts.
//
// Plain arithmetic: time is an argument. One thread.
#pragma once

#include <algorithm>
#include <brood/program_options.hpp>
#include <chrono>
#include <utility>

namespace brood::exec {

enum class Health : unsigned char { starting, healthy, unhealthy };

class HealthJudge {
 public:
  using Time = std::chrono::steady_clock::time_point;

  HealthJudge(const HealthCheck& check, Time started)
      : check_(check), started_(started), next_(started + std::min(check.interval, first_pause)) {}

  [[nodiscard]] Health state() const { return state_; }
  /// When the next question is to be asked.
  [[nodiscard]] Time next() const { return next_; }
  /// The question that was asked last has its answer. True: the state is another one.
  bool on_answer(Time now, bool good);
  /// It is unhealthy, and is to be restarted for that.
  [[nodiscard]] bool wants_restart() const {
    return state_ == Health::unhealthy && check_.on_failure == HealthCheck::OnFailure::restart;
  }

 private:
  static constexpr std::chrono::milliseconds first_pause{100};
  static constexpr std::chrono::milliseconds starting_interval{500};
  bool become(Health state) { return std::exchange(state_, state) != state; }

  HealthCheck check_;
  Time started_;
  Time next_;
  Health state_ = Health::starting;
  unsigned bad_ = 0;  ///< In a row, that count; the last of them at ...
  Time counted_ = Time::min();
};

}  // namespace brood::exec
