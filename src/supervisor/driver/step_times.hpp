// StepTimes: how long the control thread is busy with one supervisor at a time. Steady clock, but for
// longest_step_cpu.
//
// StepClock owns them. Thread rule: every function from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace brood::supervisor {

struct StepTimes {
  using Duration = std::chrono::nanoseconds;
  std::uint64_t steps = 0;   ///< Since boot.
  std::uint64_t events = 0;  ///< Given to the core in them.
  Duration total{};          ///< All steps and what they asked for, since boot.
  Duration longest_step{};   ///< Inside the core, since boot ...
  Duration
      longest_step_cpu{};      ///< ... in time of a processor, which others that want one do not lengthen ...
  Duration longest_effects{};  ///< ... and carrying out what it asked for.
  Duration longest{};          ///< Both together: what other work of the control thread had to wait.
  Duration longest_lately{};   ///< The same, since take() was called last.
};

class StepClock {
 public:
  void add(std::size_t events, StepTimes::Duration step, StepTimes::Duration step_cpu,
           StepTimes::Duration effects);
  [[nodiscard]] StepTimes read() const;
  /// As read(), and `longest_lately` begins anew.
  [[nodiscard]] StepTimes take();

 private:
  mutable std::mutex mutex_;
  StepTimes times_;
};

}  // namespace brood::supervisor
