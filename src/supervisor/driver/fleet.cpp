#include "supervisor/driver/fleet.hpp"

#include <algorithm>
#include <map>

#include "core/base/program_args.hpp"

namespace brood::supervisor {
namespace {

FleetStep step_for(const FleetChild& child, const core::SpecPtr& spec, const FleetOptions& options) {
  FleetStep step{FleetAction::stopped, child.id, spec, {}};
  if (!child.wanted) {
    if (options.start_stopped) step.action = FleetAction::start;
    return step;
  }
  auto change = compare(*child.spec, *spec);
  step.keys = std::move(change.keys);
  step.action = change.process ? FleetAction::replace : FleetAction::update;
  if (step.keys.empty()) step.action = FleetAction::retry;
  return step;
}

}  // namespace

std::string_view to_string(FleetAction action) noexcept {
  switch (action) {
    case FleetAction::start:
      return "start";
    case FleetAction::replace:
      return "replace";
    case FleetAction::update:
      return "update";
    case FleetAction::retry:
      return "retry";
    case FleetAction::remove:
      return "remove";
    case FleetAction::extra:
      return "extra";
    case FleetAction::stopped:
      return "stopped";
  }
  return "start";
}

bool is_change(FleetAction action) noexcept {
  return action != FleetAction::extra && action != FleetAction::stopped;
}

SpecChange compare(const core::Spec& now, const core::Spec& next) {
  SpecChange change;
  const auto differs = [&](bool is, std::string_view key) {
    if (is) change.keys.push_back(key);
    return is;
  };
  if (now.is_program() != next.is_program()) {
    change.process = differs(true, next.is_program() ? "exec" : "worker");
  } else if (next.is_program()) {
    const auto taken_over = core::differences_taken_over(now.args, next.args);
    for (const auto key : taken_over.value_or(std::vector<std::string_view>{})) (void)differs(true, key);
    change.process = differs(!taken_over, "exec");
  } else {
    const bool worker = differs(now.worker != next.worker || now.needs != next.needs, "worker");
    const bool args = differs(now.args != next.args, "args");
    change.process = worker || args;
  }
  (void)differs(now.restart != next.restart, "restart");
  (void)differs(now.shutdown != next.shutdown, "shutdown");
  // The tag is a part of the metadata: where it differs, so do they.
  if (!differs(now.extras->tag != next.extras->tag, "tag"))
    (void)differs(now.metadata != next.metadata, "metadata");
  (void)differs(now.extras->nodes != next.extras->nodes, "nodes");
  (void)differs(now.extras->mapping != next.extras->mapping, "mapping");
  (void)differs(now.extras->ready_within != next.extras->ready_within, "start_before_stop");
  (void)differs(now.extras->pace.start_period != next.extras->pace.start_period, "start_period_ms");
  (void)differs(now.extras->pace.backoff_first != next.extras->pace.backoff_first, "backoff_ms");
  (void)differs(now.extras->pace.backoff_max != next.extras->pace.backoff_max, "backoff_max_ms");
  (void)differs(now.extras->pace.rounds_max != next.extras->pace.rounds_max, "give_up_after");
  (void)differs(now.extras->after != next.extras->after, "after");
  (void)differs(now.extras->is_supervisor != next.extras->is_supervisor, "type");
  (void)differs(now.is_static != next.is_static, "static");
  return change;
}

FleetPlan plan_fleet(const std::vector<FleetChild>& now, const std::vector<core::NamedSpec>& file,
                     const FleetOptions& options) {
  std::map<ChildId, const FleetChild*> current;
  for (const FleetChild& child : now) current.emplace(child.id, &child);
  FleetPlan plan;
  for (const auto& [id, spec] : file) {
    const auto it = current.find(id);
    if (it == current.end()) {
      plan.steps.push_back({FleetAction::start, id, spec, {}});
      continue;
    }
    auto step = step_for(*it->second, spec, options);
    if (step.action == FleetAction::retry && !it->second->failed) {
      ++plan.unchanged;
    } else {
      plan.steps.push_back(std::move(step));
    }
    current.erase(it);
  }
  const auto gone = options.prune ? FleetAction::remove : FleetAction::extra;
  for (const auto& [id, child] : current) {
    if (child->spec->is_static && child->wanted) plan.steps.push_back({gone, id, nullptr, {}});
  }
  std::sort(plan.steps.begin(), plan.steps.end(),
            [](const FleetStep& a, const FleetStep& b) { return a.id < b.id; });
  return plan;
}

}  // namespace brood::supervisor
