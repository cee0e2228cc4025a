#include "core/children/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::core {
namespace {
/// Children that the sweep passes cost a small part of one that is looked at.
constexpr std::size_t swept_for_one = 16;
}  // namespace

void Reconciler::touch(Child& child) {
  if (child.touched_.get()) return;
  child.touched_.value_ = true;
  (child.work() ? asked_for_ : touched_).push_back(child.ref);
}

Child* Reconciler::take() {
  asked_last_ = touched_.empty() || (!asked_for_.empty() && !asked_last_);
  std::deque<ChildRef>& turn = asked_last_ ? asked_for_ : touched_;
  Child* child = with_.children.get(turn.front());
  turn.pop_front();
  return child && take(*child) ? child : nullptr;
}

void Reconciler::on_time(Step& s) {
  // As many as one step has room for; deadline() is past then, and asks for the next.
  for (std::size_t left = s.settings.step_budget; left > 0 && deadline() <= s.time(); --left) {
    if (Child* child = with_.children.get(timers_.begin()->second)) touch(*child);
    timers_.erase(timers_.begin());
  }
}

void Reconciler::may_act(Step&, bool anew) {
  if (anew) sweep_ = 0;
  resumes_ = true;
}

void Reconciler::resume_some() {
  for (std::size_t left = swept_for_one; left > 0 && !waiting_.empty(); --left) {
    Child* child = with_.children.get(waiting_.back());
    waiting_.pop_back();
    if (!child) continue;
    child->waits_.value_ = false;
    touch(*child);
  }
  resumes_ = !waiting_.empty();
}

void Reconciler::sweep_some(Step& s) {
  s.spend(1);
  if (resumes_) return resume_some();
  for (std::size_t left = swept_for_one; left > 0 && sweeping(); --left) {
    Child* child = with_.children.at_slot(sweep_++);
    if (child && (touches_all_ || needs_a_look(*child))) touch(*child);
  }
  if (!sweeping()) touches_all_ = false;
}

// What is here of several is looked at in each view: its role depends on the order.
bool Reconciler::needs_a_look(const Child& child) const {
  if (child.being_replaced()) return true;  // its coordinator may be another
  const PeerIndex place = child.row() ? place_of(child) : no_peer;
  if (child.place() == no_peer || place != child.place()) return true;
  // It may wait for news of a node that is gone now.
  if (place == self_index && !child.own() && child.row()->assigned) return true;
  if (may_have_several(child)) return child.own() || belongs_here(child);
  return child.own() && place != self_index;
}

bool Reconciler::may_have_several(const Child& child) const {
  return child.row() && with_.views.replicas().several(*child.row());
}

bool Reconciler::belongs_here(const Child& child) const {
  return with_.views.replicas().includes(child.id, *child.row(), self_index);
}

PeerIndex Reconciler::place_of(const Child& child) const {
  return with_.views.placement().first(child.id, *child.row());
}

void Reconciler::look(Step& s, Child& child) {
  with_.instances.drop_dead(s, child);
  with_.incoming.look(s, child);
  const auto verdict = with_.losses.look(s, child);
  wake(child, verdict.look_again);
  with_.crashes.look_at_failed(s, child);
  if (!child.row()) with_.crashes.forget(child);
  if (child.own()) look_at_own(s, child);
  if (!child.own()) {
    if (verdict.may_start)
      maybe_start(s, child);
    else
      handovers_.erase(child.ref);
  }
  if (!child.own()) (void)with_.roles.look(s, child);
  with_.moves.look(s, child, with_.outgoing.leaves_to(child) != no_peer);
  if (with_.views.acting()) {
    child.place_.value_ = child.row() ? place_of(child) : no_peer;
  } else if (child.row() || child.own()) {
    child.place_.value_ = no_peer;
    if (!std::exchange(child.waits_.value_, true)) waiting_.push_back(child.ref);
  }
}

// Nothing has changed that would keep it here, or end it.
bool Reconciler::goes_on_leaving(const Child& child) const {
  const PeerIndex to = with_.outgoing.leaves_to(child);
  const Own& own = *child.own();
  if (to == no_peer) return true;
  if (!child.wanted() || !own.spec->same_as(*child.row()->spec) ||
      !with_.rows.table().find_birth(child, own.birth))
    return false;
  if (!with_.views.acting()) return true;
  if (may_have_several(child))
    return with_.partners.target_of(child, self_index) == to && with_.roles.may_hand_over(child);
  return place_of(child) == to && with_.instances.count(child) == 1;
}

void Reconciler::look_at_own(Step& s, Child& child) {
  if (!goes_on_leaving(child)) with_.outgoing.take_back(s, child);
  if (!child.wanted()) return with_.locals.end(s, child, StopWhy::removed);
  const SpecRow& row = *child.row();
  const Own& own = *child.own();
  if (own.spec != row.spec && !own.spec->same_as(*row.spec)) {
    if (!own.spec->runs_like(*row.spec)) return with_.locals.end(s, child, StopWhy::replaced);
    with_.locals.follow(child, row.spec);
  }
  if (row.held) return with_.locals.end(s, child, StopWhy::replaced);
  // Stopped and started again before this node learned of it: what runs is still the one that was stopped.
  if (own.birth != row.birth && !with_.rows.table().find_birth(child, own.birth))
    return with_.locals.end(s, child, StopWhy::replaced);
  const bool several = may_have_several(child);
  if (several) wake(child, with_.roles.look(s, child));
  if (own.stopping != StopWhy::none) return;
  if (row.trouble->failed && !own.alive)
    return with_.locals.drop(s, child, {}, Why::failed);  // given up while it waited to restart here
  // Of several, those that are left say nothing about what their nodes said that were lost.
  const bool is_proven = several && row.trouble->blame.proven > 0;
  if (row.trouble->failed && is_proven) return with_.locals.end(s, child, StopWhy::failed);
  if (with_.views.acting()) {
    const PeerIndex place = place_of(child);
    if (several && place != no_peer && !belongs_here(child)) return release_one_of_several(s, child);
    if (several && !handovers_.empty()) handovers_.erase(child.ref);
    if (!several && with_.instances.count(child) > 1 && resolve_conflict(s, child, place)) return;
    if (!several && place != self_index && place != no_peer) return release(s, child, place);
    if (row.trouble->failed && own.ran) return clear_failure(s, child);
    const bool had_trouble = row.trouble->blame.suspected > 0 || row.trouble->rounds > 0;
    if (had_trouble && own.ran && own.alive) clear_suspicion(s, child);
  }
  with_.locals.look_at_pause(s, child);
  if (child.own()->alive || !with_.crashes.may_restart()) return;
  if (child.own()->restart_at <= s.time())
    with_.locals.start_again(s, child);
  else
    wake(child, child.own()->restart_at);
}

// It runs, so it is not failed: it was blamed for the loss of this node, which only slept, or the other side
// of a split gave it up.
void Reconciler::clear_failure(Step& s, Child& child) {
  SpecRow next = *child.row();
  next.trouble.change().forgive();
  with_.rows.remark(s, child, std::move(next));
}

// A child that runs well where it was started after a loss did not cause it, as far as one can tell; and one
// that had failed everywhere does no longer.
void Reconciler::clear_suspicion(Step& s, Child& child) {
  const Duration at = child.own()->ran_at + s.settings.stable_after;
  if (s.time() < at) return wake(child, at);
  SpecRow next = *child.row();
  Trouble& trouble = next.trouble.change();
  trouble.blame.suspected = 0;
  trouble.rounds = 0;
  trouble.failure.clear();
  trouble.not_before = {};
  with_.rows.remark(s, child, std::move(next));
}

// A child that failed everywhere, or is a suspect, waits for its time. Clocks that differ do not hold it for
// ever.
bool Reconciler::must_wait(Step& s, Child& child) {
  const Hlc until = child.row()->trouble->not_before;
  if (until == Hlc{}) return false;
  const Duration left = wall_of(until) - s.now.wall;
  const Duration most = std::max(s.settings.suspect_delay_max, s.settings.round_pause_max);
  if (left <= Duration{} || left > most) return false;
  wake(child, s.time() + left);
  return true;
}

bool Reconciler::may_run_behind_a_split(Step& s, const Child& child) {
  const auto until = with_.takeover.waits(s, child);
  if (!until) return false;
  ++s.stats.held_takeovers;
  wake(child, *until);
  return true;
}

// Where it ran when it was given to this node is told by that node itself, perhaps after the row. If that
// node is gone, or has begun anew, it starts nothing of it any more.
bool Reconciler::knows_the_former(const Child& child) const {
  const auto& assigned = child.row()->assigned;
  if (!assigned || child.floor() >= assigned->after) return true;
  const PeerIndex peer = with_.peers.find(assigned->after.node);
  if (peer == self_index) return true;  // in a former life of this node, and so not any more
  const Member* member = peer == no_peer ? nullptr : with_.sessions.member(peer);
  return !member || member->up_since == Hlc{} || member->up_since > assigned->after.clock;
}

void Reconciler::maybe_start(Step& s, Child& child) {
  const bool mine = child.wanted() && !child.row()->held && !child.row()->trouble->failed &&
                    with_.views.acting() && with_.sessions.self().state == MemberState::up &&
                    belongs_here(child) && knows_the_former(child);
  if (!mine) {
    if (!handovers_.empty()) handovers_.erase(child.ref);
    return;
  }
  if (may_have_several(child)) return start_one_of_several(s, child);
  if (with_.incoming.expects(child)) return;
  const Hosted* elsewhere = with_.instances.any(child);
  if (!elsewhere || !s.settings.strategies.migration->stops_before_start()) {
    if (!handovers_.empty()) handovers_.erase(child.ref);
    if (must_wait(s, child) || may_run_behind_a_split(s, child) || with_.order.waits(child)) return;
    if (with_.crashes.may_run_at_the_next(s, child)) return;
    return with_.locals.start(s, child);
  }
  // While that node's session lives, it is for that node to end it, however long that takes.
  const auto [since, added] = handovers_.try_emplace(child.ref, s.time());
  if (!added && s.time() < since->second + s.settings.handover_wait) return;
  if (!added) {
    since->second = s.time();
    ++late_handovers_;
    if (s.time() >= next_handover_line_) {
      next_handover_line_ = s.time() + s.settings.handover_wait / 3;
      s.log(LogLevel::warning,
            fmt::format("still waiting for {} to hand over {}{}",
                        with_.peers.name(with_.instances.peer(*elsewhere)).text(), child.id.text(),
                        late_handovers_ > 1 ? fmt::format(", and for {} others", late_handovers_ - 1) : ""));
      late_handovers_ = 0;
    }
  }
  wake(child, s.time() + s.settings.handover_wait);
}

// For people; `to`: no_peer where others run it already.
Why Reconciler::why_it_leaves(const Child& child, PeerIndex to) const {
  if (with_.sessions.self().state == MemberState::draining) return Why::drained;
  const auto& assigned = child.row()->assigned;
  const Member* there = to == no_peer ? nullptr : with_.sessions.member(to);
  if (there && assigned && assigned->node == there->session.node)
    return assigned->by == AssignedBy::hand ? Why::moved : Why::load_shared;
  const Instance* here = with_.instances.here(child);
  if (!there || !here) return Why::rebalanced;
  return there->up_since > (here->since == Hlc{} ? here->epoch.clock : here->since) ? Why::joined
                                                                                    : Why::rebalanced;
}

void Reconciler::release(Step& s, Child& child, PeerIndex place) {
  with_.locals.set_way(child, why_it_leaves(child, place), place);
  if (!with_.moves.may_leave(s, child) || with_.outgoing.leave(s, child, place)) return;
  with_.locals.end(s, child, StopWhy::released);
}

void Reconciler::start_one_of_several(Step& s, Child& child) {
  if (!handovers_.empty()) handovers_.erase(child.ref);
  // One that has moved away is still to be seen at its new place.
  if (with_.instances.here(child) || with_.incoming.expects(child) ||
      with_.partners.source_of(child, self_index) != no_peer)
    return;
  if (must_wait(s, child) || with_.order.waits(child)) return;
  with_.roles.start(s, child);
  wake(child, with_.roles.look(s, child));
  if (child.own()->waits_for_role) wake(child, child.own()->restart_at);
}

// With all that it holds, to the node that lacks an instance; that node waits for it. False: there is none.
bool Reconciler::hand_over_one_of_several(Step& s, Child& child) {
  const PeerIndex to = with_.partners.target_of(child, self_index);
  if (to == no_peer) return false;
  with_.locals.set_way(child, why_it_leaves(child, to), to);
  // The role goes first; whoever takes it says so.
  if (with_.outgoing.leaves_to(child) == no_peer && !with_.roles.may_hand_over(child)) return true;
  return !with_.moves.may_leave(s, child) || with_.outgoing.leave(s, child, to);
}

// It stays until all run that should, and another is the active one. A node that leaves does not wait for
// ever.
void Reconciler::release_one_of_several(Step& s, Child& child) {
  if (hand_over_one_of_several(s, child)) return;
  const auto nodes = with_.views.replicas().nodes(child.id, *child.row());
  const bool all_run = std::all_of(nodes.begin(), nodes.end(), [&](PeerIndex peer) {
    const Instance* instance = with_.instances.on(child, peer);
    return instance && (instance->phase == Phase::running || instance->phase == Phase::stuck);
  });
  if (!all_run || !with_.roles.may_release(child)) {
    const auto [since, added] = handovers_.try_emplace(child.ref, s.time());
    const Duration until = since->second + s.settings.release_wait;
    if (with_.sessions.self().state != MemberState::draining) return;
    if (s.time() < until) return wake(child, until);
  }
  // It cannot be handed over: the others have what it knows, or not.
  if (!with_.moves.may_leave(s, child)) return;
  with_.locals.set_way(child, why_it_leaves(child, no_peer), no_peer);
  with_.locals.end(s, child, StopWhy::released);
}

// True: the instance here has to end.
bool Reconciler::resolve_conflict(Step& s, Child& child, PeerIndex place) {
  ++s.stats.conflicts;
  PeerIndex stays = place;
  if (place == no_peer || !with_.instances.on(child, place)) {
    const auto since = [](const Instance& instance) {
      return instance.since == Hlc{} ? instance.epoch.clock : instance.since;
    };
    std::optional<std::pair<Hlc, NodeName>> longest;
    with_.instances.each(child, [&](const Hosted& hosted) {
      const PeerIndex peer = with_.instances.peer(hosted);
      std::pair<Hlc, NodeName> one{since(hosted.instance), with_.peers.name(peer)};
      if (longest && *longest <= one) return;
      longest = std::move(one);
      stays = peer;
    });
  }
  if (stays != self_index) {
    with_.locals.end(s, child, StopWhy::conflict);
    return true;
  }
  // The survivor's epoch is above all others'.
  const Epoch mine = with_.instances.here(child)->epoch;
  bool greatest = true;
  with_.instances.each(child,
                       [&](const Hosted& hosted) { greatest = greatest && hosted.instance.epoch <= mine; });
  if (!greatest) with_.locals.raise(s, child);
  return false;
}

}  // namespace brood::core
