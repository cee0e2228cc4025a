// Stops at the coordinator.
#include <algorithm>

#include "core/requests/coordinator.hpp"
#include "core/requests/refusals.hpp"

namespace brood::core {

void Coordinator::stop(Step& s, Child& child, const Asked& asked) {
  if (answered_before(s, asked, child.id)) return;
  with_.notes.touched(s, child);
  Work& work = work_of(child);
  if (keep(s, asked, child.id)) return;
  const SpecRow* row = child.row();
  StopWait wait;
  wait.asked = asked;
  const Epoch* finished = with_.replay.finished(asked.request, child.id);
  const bool was_done = finished || (row && row->request == asked.request);
  if (finished) wait.last = *finished;
  if (was_done && row && row->wanted) {  // done, but what it stopped may still be on its way out
    const auto fresh = std::find_if(work.starts.begin(), work.starts.end(), [](const StartWait& start) {
      return start.fresh && start.after != Epoch{};
    });
    wait.past = true;
    if (fresh != work.starts.end()) wait.last = std::max(wait.last, fresh->after);
  } else if (row && row->wanted) {
    fail_all(s, child);
    return end_row(s, child, asked);
  } else if (!was_done && !with_.instances.any(child)) {
    return fail(s, asked, child.id, no_such_child(s.settings, child.id));
  }
  // Else it was stopped, by this request or by another, and may be on its way out still. If that other has
  // its answer, what is left belongs to a node that has slept.
  wait.late = !was_done && std::all_of(work.stops.begin(), work.stops.end(),
                                       [](const StopWait& other) { return other.late; });
  wait.number = with_.replication.newest();
  for (const auto& node : with_.views.placement().nodes()) add_starter(child, wait, node.peer);
  // Whoever stopped it waited for a lost one too that may run it still, and is perhaps gone.
  for (SessionId& session : with_.takeover.sessions()) wait.starters.push_back(std::move(session));
  add(s, child, std::move(wait));
}

// A stop wins over the starts that wait, and over a replacement.
void Coordinator::fail_all(Step& s, Child& child) {
  Work& work = work_of(child);
  for (const StartWait& start : work.starts)
    fail(s, start.asked, child.id, Errc::stopped, "a stop came while it started");
  for (const LaterStart& start : work.later)
    fail(s, start.asked, child.id, Errc::stopped, "a stop came while it started");
  work.starts.clear();
  work.later.clear();
  with_later_.erase(child.ref);
  std::erase_if(work.stops, [](const StopWait& wait) { return wait.replaces != Dot{}; });
}

// Ends the row, for a request (none: number 0). Until whoever may have started it knows of that, no other
// row of the id is written: a node that still holds the old one would start it beside the new one.
void Coordinator::end_row(Step& s, Child& child, const Asked& asked) {
  const SpecRow row = *child.row();
  const Starters starters = starters_of(s, child, row);
  if (row.spec->is_static) {
    SpecRow next = row;
    next.wanted = false;
    next.trouble.change().failed = false;
    if (asked.request.number != 0) next.request = asked.request;
    with_.rows.write(s, child, std::move(next), true);
  } else {
    with_.rows.remove(s, child, asked.request);
  }
  wait_for_starters(s, child, asked, starters);
}

// As end_row(), of static ones too: it was lost with its node, which starts it anew when it is back.
void Coordinator::remove(Step& s, Child& child) {
  const Starters starters = starters_of(s, child, *child.row());
  with_.rows.remove(s, child, {});
  wait_for_starters(s, child, {}, starters);
}

void Coordinator::wait_for_starters(Step& s, Child& child, const Asked& asked, const Starters& starters) {
  StopWait wait;
  wait.asked = asked;
  if (child.being_replaced()) wait.replaces = child.row()->birth;
  wait.starters = starters.lost;
  wait.number = with_.replication.newest();
  for (const PeerIndex peer : starters.members) add_starter(child, wait, peer);
  add(s, child, std::move(wait));
}

// Where it should run by that row, and where it does. In a view that not all have confirmed any of them may
// have begun something in the view before, and not been heard of since. And where it runs still, perhaps, on
// the other side of a split. By which row they do where it is held, is forgotten: it may be any of them.
Coordinator::Starters Coordinator::starters_of(const Step& s, const Child& child, const SpecRow& row) {
  Starters all;
  if (row.held || with_.takeover.waits(s, child)) all.lost = with_.takeover.sessions();
  if (row.held || !with_.views.confirmed()) {
    all.members = with_.sessions.others();
    return all;
  }
  all.members = with_.views.replicas().nodes(child.id, row);
  with_.instances.each(child,
                       [&](const Hosted& hosted) { all.members.push_back(with_.instances.peer(hosted)); });
  return all;
}

void Coordinator::add(Step& s, Child& child, StopWait wait) {
  wait.until = wait.replaces != Dot{} ? Duration::max() : wait_until(s, child);
  with_.replication.wait(wait.number, child);
  work_of(child).stops.push_back(std::move(wait));
}

void Coordinator::add_starter(const Child& child, StopWait& wait, PeerIndex peer) {
  if (peer == no_peer || peer == self_index || !with_.sessions.member(peer) || has_starter(wait, peer))
    return;
  wait.starters.push_back(with_.sessions.member(peer)->session);
  with_.replication.wait_for(peer, wait.number, child);
}

bool Coordinator::has_starter(const StopWait& wait, PeerIndex peer) const {
  const Member* member = with_.sessions.member(peer);
  return member &&
         std::find(wait.starters.begin(), wait.starters.end(), member->session) != wait.starters.end();
}

// A host changed the row (to send the child on to the next node) before it knew of the removal: that next
// node may have started it.
void Coordinator::note_late(Step&, const SpecChange& change) {
  if (open_.empty() || !change.row) return;
  Child* child = with_.children.find(change.id);
  if (!child || !child->work()) return;
  const auto nodes = with_.views.replicas().nodes(child->id, *change.row);
  for (StopWait& wait : work_of(*child).stops)
    for (const PeerIndex peer : nodes) add_starter(*child, wait, peer);
}

// A host may have sent the child on to the next node before it knew of the removal. Its table, which came in
// place of its changes, does not say so where the host has taken the removal in by then: the next node may be
// any.
void Coordinator::note_table(PeerIndex from) {
  for (const ChildRef& ref : open_) {
    Child* child = with_.children.get(ref);
    if (!child || !child->work()) continue;
    for (StopWait& wait : work_of(*child).stops) {
      if (wait.all_start || !has_starter(wait, from)) continue;
      wait.all_start = true;
      for (const PeerIndex other : with_.sessions.others()) add_starter(*child, wait, other);
    }
  }
}

}  // namespace brood::core
