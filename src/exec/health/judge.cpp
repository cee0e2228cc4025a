#include "exec/health/judge.hpp"

namespace brood::exec {

bool HealthJudge::on_answer(Time now, bool good) {
  const bool counts = state_ != Health::starting || now - started_ >= check_.start_period;
  bool changed = false;
  if (good) {
    bad_ = 0;
    changed = become(Health::healthy);
  } else if (counts && (bad_ == 0 || now - counted_ >= check_.interval)) {
    counted_ = now;
    changed = ++bad_ >= check_.threshold && become(Health::unhealthy);
  }
  next_ = now + (state_ == Health::starting ? std::min(check_.interval, starting_interval) : check_.interval);
  return changed;
}

}  // namespace brood::exec
