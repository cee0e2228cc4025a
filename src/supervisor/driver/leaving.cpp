#include "supervisor/driver/leaving.hpp"

#include <brood/result.hpp>

namespace brood::supervisor {

void Leaving::begin(SteadyTime now, std::chrono::milliseconds hand_over) {
  BROOD_CHECK(stage_ == Stage::here, "a supervisor begins to leave once");
  stage_ = Stage::handing_over;
  deadline_ = deadline_after(now, hand_over);
}

std::optional<Leaving::Stage> Leaving::next(SteadyTime now, const Facts& facts) {
  const bool late = now >= deadline_;
  switch (stage_) {
    case Stage::handing_over:
      if (!facts.handed_over && !facts.only_unkillable && !late) return std::nullopt;
      stage_ = Stage::ending;
      deadline_ = now;  // until ends_by()
      return stage_;
    case Stage::ending:
      if (facts.running > 0 && !facts.only_unkillable && !late) return std::nullopt;
      stage_ = Stage::over;
      return stage_;
    case Stage::here:
    case Stage::over:
      break;
  }
  return std::nullopt;
}

std::optional<SteadyTime> Leaving::deadline() const {
  if (stage_ == Stage::handing_over || stage_ == Stage::ending) return deadline_;
  return std::nullopt;
}

}  // namespace brood::supervisor
