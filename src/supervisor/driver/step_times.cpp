#include "supervisor/driver/step_times.hpp"

#include <algorithm>
#include <utility>

namespace brood::supervisor {

void StepClock::add(std::size_t events, StepTimes::Duration step, StepTimes::Duration step_cpu,
                    StepTimes::Duration effects) {
  const std::lock_guard lock(mutex_);
  ++times_.steps;
  times_.events += events;
  times_.total += step + effects;
  times_.longest_step = std::max(times_.longest_step, step);
  times_.longest_step_cpu = std::max(times_.longest_step_cpu, step_cpu);
  times_.longest_effects = std::max(times_.longest_effects, effects);
  times_.longest = std::max(times_.longest, step + effects);
  times_.longest_lately = std::max(times_.longest_lately, step + effects);
}

StepTimes StepClock::read() const {
  const std::lock_guard lock(mutex_);
  return times_;
}

StepTimes StepClock::take() {
  const std::lock_guard lock(mutex_);
  StepTimes times = times_;
  times_.longest_lately = {};
  return times;
}

}  // namespace brood::supervisor
