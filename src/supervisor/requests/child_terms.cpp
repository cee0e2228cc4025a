#include "supervisor/requests/child_terms.hpp"

#include "core/base/hlc.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/driver/uptime.hpp"
#include "supervisor/node/clock.hpp"

namespace brood::supervisor {

Term node_pids(const Entry& entry) {
  std::vector<Term> items;
  for (const Place& place : entry.places) {
    if (place.has_pid()) items.push_back(Term::tuple({Term(place.host->node), Term(place.full_pid())}));
  }
  return Term::list(std::move(items));
}

namespace {

/// In how long that wall time is; nothing where it is none or over.
void add_next_try(std::vector<std::pair<Term, Term>>& map, core::Hlc when) {
  if (when == core::Hlc{}) return;
  const core::Duration left = core::wall_of(when) - read_clocks().wall;
  if (left <= core::Duration{}) return;
  map.emplace_back(Term::atom("next_try_ms"),
                   Term(std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
}

Term instance_map(const Entry& entry, const Place& place) {
  const std::int64_t up_ms = uptime(place, std::chrono::steady_clock::now()).count();
  // What is stopped is on its way out, also where its node has not said so yet.
  const core::Phase phase = entry.wanted ? place.phase : core::Phase::stopping;
  std::vector<std::pair<Term, Term>> map = {
      {Term::atom("node"), Term(place.host->node)},
      {Term::atom("pid"), place.has_pid() ? Term(place.full_pid()) : Term::atom("undefined")},
      {Term::atom("os_pid"), Term(std::int64_t{place.os_pid})},
      {Term::atom("phase"), Term::atom(core::to_string(phase))},
      {Term::atom("role"), Term::atom(place.is_active() ? "active" : "passive")},
      {Term::atom("restarts"), Term(place.restarts)},
      {Term::atom("uptime_ms"), Term(up_ms)},
      {Term::atom("epoch"), Term(place.epoch_clock.value)},
      {Term::atom("reason"), Term::binary(*place.reason)}};
  if (place.health != core::Health::none)
    map.emplace_back(Term::atom("health"), Term::atom(core::to_string(place.health)));
  if (place.phase == core::Phase::restarting) add_next_try(map, place.retry_at);
  return Term::map(std::move(map));
}

}  // namespace

Term child_map(const ChildId& id, const Entry& entry) {
  std::vector<Term> instances;
  for (const Place& place : entry.places) instances.push_back(instance_map(entry, place));
  const core::Spec& spec = *entry.spec;
  std::vector<Term> tags;
  if (!spec.extras->tag.empty()) tags.push_back(Term::binary(spec.extras->tag));
  std::vector<std::pair<Term, Term>> map = {
      {Term::atom("id"), id.to_term()},
      {Term::atom("worker"), Term::binary(spec.worker)},
      {Term::atom("restart"), Term::atom(core::to_string(spec.restart))},
      {Term::atom("tags"), Term::list(std::move(tags))},
      {Term::atom("static"), Term(spec.is_static)},
      {Term::atom("wanted"), Term(entry.wanted)},
      {Term::atom("failed"), Term(entry.failed)},
      {Term::atom("failure"), Term::binary(*entry.failure)},
      {Term::atom("args"), args_term(spec)},
      {Term::atom("shutdown"), *spec_term(id, spec).get("shutdown")},
      {Term::atom("instances"), Term::list(std::move(instances))}};
  for (auto& option : added_entries(spec)) map.push_back(std::move(option));
  if (entry.wanted && entry.places.empty()) {
    add_next_try(map, entry.not_before);
    if (!entry.failed && !entry.failure->empty())
      map.emplace_back(Term::atom("waiting"), Term::binary(*entry.failure));
  }
  return Term::map(std::move(map));
}

}  // namespace brood::supervisor
