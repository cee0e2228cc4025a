// Replacements at the coordinator: another spec under a known id, or the same once more.
//
// Where the child stays on its node one row does it: that node ends what runs and starts the new one. Else
// another node may still be starting it by the old row. So the new row is held (SpecRow::held): nobody starts
// it, and whoever runs the child ends it. Once all who may have started it have heard of that, and nothing of
// it is left, the coordinator begins the row, as a new birth. That is for whoever coordinates the child by
// then: what is to become of it is in the row, and known to all.
#include <algorithm>
#include <iterator>

#include "core/requests/coordinator.hpp"

namespace brood::core {

// What runs goes on where only the way it is looked after differs.
void Coordinator::replace(Step& s, const LaterStart& start, Child& child) {
  if (start.mode != StartMode::restart && start.spec->runs_like(*child.row()->spec))
    return follow(s, start, child);
  Work& work = work_of(child);
  // What was only to be changed, or moved, begins anew with the change: they wait on for that; and who
  // replaced it, or began it anew too, for the new one to run.
  std::vector<LaterStart> go_on;
  for (const StartWait& other : work.starts)
    if (start.mode == StartMode::restart && other.mode != StartMode::start)
      go_on.push_back({other.asked,
                       other.fresh && other.mode != StartMode::ensure ? StartMode::change : StartMode::ensure,
                       std::nullopt,
                       start.spec,
                       {},
                       true});
    else
      fail(s, other.asked, child.id, Errc::stopped, "it was replaced while it started");
  work.starts.clear();
  SpecRow next;
  next.spec = start.spec;
  next.request = start.asked.request;
  next.start_on = start.on;
  next.assigned = child.row()->assigned;
  if (stays_on_its_node(child, next)) {
    LaterStart same = start;
    same.assigned = next.assigned;
    start_fresh(s, same, child);
    for (const LaterStart& one : go_on) this->start(s, child.id, one);
    return;
  }
  const Starters starters = starters_of(s, child, *child.row());
  next.held = true;
  with_.rows.write(s, child, std::move(next), true);
  wait_for_starters(s, child, {}, starters);
  work.later.push_back(start);
  std::move(go_on.begin(), go_on.end(), std::back_inserter(work.later));
  with_later_.insert(child.ref);
}

void Coordinator::follow(Step& s, const LaterStart& start, Child& child) {
  SpecRow next = *child.row();
  next.spec = start.spec;
  next.request = start.asked.request;
  Trouble& trouble = next.trouble.change();
  trouble.failed = false;
  trouble.failure.clear();
  trouble.not_before = {};
  with_.rows.write(s, child, std::move(next), false);
  // What waits to be started again has failed with what it was told before; that is no answer to this.
  const StartMode mode = pauses(child) ? StartMode::ensure : start.mode;
  add(s, child, StartWait{start.asked, mode, false, {}, with_.replication.newest(), {}, {}});
}

bool Coordinator::stays_on_its_node(const Child& child, const SpecRow& next) const {
  const Replicas& replicas = with_.views.replicas();
  if (replicas.several(*child.row()) || replicas.several(next)) return false;
  const Placement& placement = with_.views.placement();
  const PeerIndex place = placement.first(child.id, *child.row());
  if (place != placement.first(child.id, next)) return false;
  bool elsewhere = false;
  with_.instances.each(
      child, [&](const Hosted& hosted) { elsewhere = elsewhere || with_.instances.peer(hosted) != place; });
  return !elsewhere;
}

// What another node began as its coordinator, or this one in a view before. Who ran the child then is not
// known: every member has to have heard of the row.
void Coordinator::go_on_replacing(Step& s, Child& child) {
  if (!child.being_replaced() || !with_.views.acting() || !is_mine(child)) return;
  Work& work = work_of(child);
  if (work.replaces(child.row()->birth)) return;
  std::erase_if(work.stops, [](const StopWait& wait) { return wait.replaces != Dot{}; });
  with_.rows.remark(s, child, SpecRow(*child.row()));
  wait_for_starters(s, child, {}, starters_of(s, child, *child.row()));
}

// All that ran has ended, and may be forgotten.
void Coordinator::begin_replacement(Step& s, Child& child) {
  SpecRow next = *child.row();
  next.held = false;
  if (next.assigned) next.assigned->after = Epoch{};
  with_.assignments.give(child.id, next);
  with_.rows.write(s, child, std::move(next), true);
  with_.assignments.count(child);
}

}  // namespace brood::core
