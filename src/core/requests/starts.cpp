// Starts at the coordinator.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/requests/coordinator.hpp"
#include "core/requests/refusals.hpp"

namespace brood::core {

void Coordinator::start(Step& s, const ChildId& id, const LaterStart& start) {
  if (answered_before(s, start.asked, id)) return;
  Child& child = with_.children.obtain(id);
  with_.notes.touched(s, child);
  go_on_replacing(s, child);
  if (child.work()) {
    if (keep(s, start.asked, id)) return;
    Work& work = work_of(child);
    if (!work.stops.empty()) {
      work.later.push_back(start);
      with_later_.insert(child.ref);
      return;
    }
  }
  const SpecRow* row = child.row();
  const bool was_done = with_.replay.finished(start.asked.request, id) ||
                        (row && !row->wanted && row->request == start.asked.request);
  if (was_done && start.mode != StartMode::ensure && !start.goes_on)
    return fail(
        s, start.asked, id, Errc::stopped,
        row && row->wanted ? "it was replaced while it started" : "it was started, and is gone again");
  if (row && (row->wanted || start.mode == StartMode::ensure)) return start_known(s, start, child);
  // It was stopped, perhaps while this was on its way, and stays so.
  const bool is_of_one_there = start.mode == StartMode::restart || start.mode == StartMode::change;
  if (is_of_one_there) return fail(s, start.asked, id, no_such_child(s.settings, id));
  start_fresh(s, start, child);
}

void Coordinator::start_known(Step& s, const LaterStart& start, Child& child) {
  const SpecRow& row = *child.row();
  Outcome here = located_now(child);
  StartWait wait{start.asked, start.mode, false, {}, 0, {}, {}};
  if (start.mode == StartMode::ensure) {
    wait.number = with_.replication.newest();
    return add(s, child, std::move(wait));
  }
  if (row.request == start.asked.request) {  // ours, asked again after its coordinator was lost
    wait.fresh = wait.again = true;
    if (row.dot.node != s.settings.self) with_.rows.write(s, child, SpecRow(row), false);
    wait.number = with_.replication.newest();
    return add(s, child, std::move(wait));
  }
  if (start.mode == StartMode::restart) {
    LaterStart again = start;
    again.spec = row.spec;  // which may be newer than what was asked
    again.on = row.start_on.unboxed();
    return replace(s, again, child);
  }
  if (is_apply(start.mode)) {
    wait.number = with_.replication.newest();
    if (row.spec == start.spec || row.spec->same_as(*start.spec)) return add(s, child, std::move(wait));
    if (auto error = cannot_start(s.settings, child.id, start)) {
      here.error = std::move(error);
      return answer(s, start.asked, std::move(here));
    }
    return replace(s, start, child);
  }
  if (row.spec != start.spec && !row.spec->is_asked_by(*start.spec)) {
    here.error = conflict(child.id);
    return answer(s, start.asked, std::move(here));
  }
  const bool waits = !row.trouble->failed && !here.host && !failed_start(child, {});
  if (waits) return add(s, child, std::move(wait));
  here.error = row.trouble->failed ? Error{Errc::start_failed, "it is failed: " + row.trouble->failure}
                                   : runs_already(child.id);
  answer(s, start.asked, std::move(here));
}

std::optional<Error> Coordinator::cannot_start(const Settings& settings, const ChildId& id,
                                               const LaterStart& start) const {
  const Spec& spec = *start.spec;
  const Placement& placement = with_.views.placement();
  if (start.on && !placement.is_up(*start.on)) return not_up(*start.on, placement);
  if (auto fine = accepts(settings.strategies, id, spec); !fine) return std::move(fine).error();
  if (!start.on) {
    SpecRow row;
    row.spec = start.spec;
    if (const auto owner = placement.absent_owner(id, row))
      return Error{
          Errc::no_target,
          fmt::format(
              "{}, on which it belongs, is down, and the ring is fixed (monitor_nodes is false): wait "
              "for it, or take it out with remove_nodes",
              owner->text())};
  }
  if (!placement.offered(spec.needs)) {
    if (spec.needs.starts_with("exec:"))
      return Error{Errc::not_allowed,
                   "no member allows that command: allow it (exec_allow) or name it in the file of a node"};
    return unknown_worker(spec, placement);
  }
  if (start.on || !spec.extras->nodes.empty()) {
    SpecRow row;
    row.spec = start.spec;
    const auto order = placement.eligible(id, row);
    if (order.empty()) return Error{Errc::no_target, "no member that is up may run it"};
    if (start.on && std::none_of(order.begin(), order.end(),
                                 [&](PeerIndex peer) { return with_.peers.name(peer) == *start.on; }))
      return Error{Errc::no_target, fmt::format("{} cannot or may not run it", start.on->text())};
  } else {
    SpecRow row;
    row.spec = start.spec;
    if (placement.is_homeless(id, row)) return Error{Errc::no_target, "no member that is up may run it"};
  }
  if (with_.rows.wanted() >= settings.children_max)
    return Error{Errc::limit_exceeded, "children_max is reached"};
  return std::nullopt;
}

void Coordinator::start_fresh(Step& s, const LaterStart& start, Child& child) {
  if (start.mode != StartMode::ensure) {
    if (auto error = cannot_start(s.settings, child.id, start)) {
      Outcome outcome;
      outcome.id = child.id;
      outcome.error = std::move(error);
      return answer(s, start.asked, std::move(outcome));
    }
  }
  SpecRow row;
  row.spec = start.spec;
  row.request = start.asked.request;
  row.start_on = start.on;
  row.assigned = start.assigned;
  with_.assignments.give(child.id, row);
  StartWait wait{start.asked, start.mode, true, child.floor(), 0, {}, {}};
  with_.rows.write(s, child, std::move(row), true);
  with_.assignments.count(child);
  wait.number = with_.replication.newest();
  add(s, child, std::move(wait));
}

void Coordinator::add(Step& s, Child& child, StartWait wait) {
  wait.until = wait_until(s, child);
  if (wait.number > 0 && !asker_holds(wait)) count_acks(child, wait);
  work_of(child).starts.push_back(std::move(wait));
  note_instance(child, {});
}

}  // namespace brood::core
