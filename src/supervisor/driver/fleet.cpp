#include "supervisor/driver/fleet.hpp"

#include <algorithm>
#include <map>

namespace brood::supervisor {

std::string_view to_string(FleetAction action) noexcept {
  switch (action) {
    case FleetAction::start:
      return "start";
    case FleetAction::replace:
      return "replace";
    case FleetAction::remove:
      return "remove";
  }
  return "start";
}

std::vector<FleetStep> plan_fleet(const std::vector<FleetChild>& now,
                                  const std::vector<core::SpecPtr>& file) {
  std::map<ChildId, const FleetChild*> current;
  for (const FleetChild& child : now) current.emplace(child.spec->id, &child);
  std::vector<FleetStep> steps;
  for (const core::SpecPtr& spec : file) {
    const auto it = current.find(spec->id);
    if (it == current.end() || !it->second->wanted) {
      steps.push_back({FleetAction::start, spec->id, spec});
    } else if (!it->second->spec->same_as(*spec) || !it->second->spec->is_static) {
      steps.push_back({FleetAction::replace, spec->id, spec});
    }
    if (it != current.end()) current.erase(it);
  }
  for (const auto& [id, child] : current) {
    if (child->spec->is_static && child->wanted) steps.push_back({FleetAction::remove, id, nullptr});
  }
  std::sort(steps.begin(), steps.end(), [](const FleetStep& a, const FleetStep& b) { return a.id < b.id; });
  return steps;
}

}  // namespace brood::supervisor
