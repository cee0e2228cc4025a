#include "core/children/standby.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::core {
namespace {

/// So often what was not answered is sent again, and a look is taken at what cannot be answered.
constexpr Duration again = 1s;
/// A state outlives the instance of this node so long, and longer where it may still be needed.
constexpr Duration keep_for = 30s;
constexpr Duration lines_apart = 10s;

}  // namespace

// One that joins may be one that has slept, with what it held then.
bool Standby::is_to_answer(PeerIndex peer) const {
  return with_.sessions.in_state(peer, MemberState::up) ||
         with_.sessions.in_state(peer, MemberState::draining) ||
         (with_.sessions.in_state(peer, MemberState::joining) && with_.links[peer].open);
}

// ---- the active instance's node --------------------------------------------------------------------------

void Standby::on_saved(Step& s, StateSaved& event) {
  Child* child = with_.locals.find(event.id, event.epoch);
  const Instance* here = child ? with_.instances.here(*child) : nullptr;
  const auto follows = following(s);
  if (!here || !follows) return;
  if (here->role != Role::active) {
    // It was active when it saved that, and is not any more: nobody is sent it.
    if (!follows->every)
      s.effects.handovers.emplace_back(
          Followed{child->id, event.epoch, event.number, Followed::How::given_up});
    return;
  }
  ++s.stats.states_saved;
  Lead& lead = leads_[child->ref];
  if (lead.process != event.epoch) {
    lead = {};
    lead.process = event.epoch;
  }
  const HeldState* held = with_.states.find(*child);
  const bool fits = held && held->mark.token == here->epoch && held->mark.number + 1 == event.number;
  if (event.is_whole) {
    with_.states.put(
        *child,
        HeldState{
            child->own()->birth, {here->epoch, event.number}, event.version, std::move(event.state), {}});
  } else if (held && held->mark.number + 1 == event.number) {
    if (!fits) with_.states.rename(*child, here->epoch);  // a conflict was survived meanwhile
    with_.states.append(*child, event.number, {std::move(event.state)});
  } else {
    return;  // it begins with a whole one
  }
  if (const HeldState* now = with_.states.find(*child); is_too_large(s, *now)) say_too_large(s, *child, *now);
  if (!follows->every) {
    lead.open = event.number;
    lead.wait_until = s.time() + follows->wait;
  }
  update_followers(*child, lead);
  send(s, *child, lead);
  look_at_wait(s, *child, lead);
}

void Standby::update_followers(const Child& child, Lead& lead) {
  std::vector<Follower> now;
  with_.instances.each(child, [&](const Hosted& hosted) {
    const PeerIndex peer = with_.instances.peer(hosted);
    if (peer == self_index || hosted.instance.phase == Phase::moved) return;
    const auto known = std::find_if(lead.followers.begin(), lead.followers.end(), [&](const auto& one) {
      return one.peer == peer && one.instance == hosted.instance.epoch;
    });
    const std::uint64_t channel = channels_[peer];
    now.push_back(known == lead.followers.end() ? Follower{peer, hosted.instance.epoch, channel, {}, {}}
                                                : *known);
    if (std::exchange(now.back().channel, channel) != channel) now.back().sent = {};
  });
  lead.followers = std::move(now);
}

// To each what it lacks, as far as it has not been sent; the same body to all that lack the same.
void Standby::send(const Step& s, const Child& child, Lead& lead) {
  const HeldState* held = with_.states.find(child);
  if (!held || is_too_large(s, *held)) return;
  std::vector<PeerIndex> need_last, need_all;
  for (Follower& follower : lead.followers) {
    if (follower.sent == held->mark || !with_.links[follower.peer].open) continue;
    const bool has_before = !held->changes.empty() && follower.sent.token == held->mark.token &&
                            follower.sent.number + 1 == held->mark.number;
    (has_before ? need_last : need_all).push_back(follower.peer);
    follower.sent = held->mark;
  }
  if (!need_all.empty())
    with_.sender.send(std::move(need_all), Follow{child.id, 0, HeldStates::copy_of(*held)});
  if (need_last.empty()) return;
  StateCopy last{held->birth, held->mark.token, held->mark.number, held->version, {}, {}};
  last.changes.push_back(*held->changes.back());
  with_.sender.send(std::move(need_last), Follow{child.id, held->mark.number - 1, std::move(last)});
}

void Standby::release(Step& s, const Child& child, Lead& lead, Followed::How how) {
  s.effects.handovers.emplace_back(Followed{child.id, lead.process, lead.open, how});
  if (how == Followed::How::unheld) ++s.stats.states_unheld;
  lead.open = 0;
}

// One that has slept may be held by another that has slept, while a third is active long since.
bool Standby::may_answer() const {
  const MemberState state = with_.sessions.self().state;
  return !with_.fence.is_fenced() && (state == MemberState::up || state == MemberState::draining);
}

bool Standby::release_held(Step& s, const Child& child, Lead& lead) {
  if (lead.open == 0 || lead.stale || !may_answer()) return false;
  const StateMark open{with_.states.mark(child).token, lead.open};
  const bool is_held = std::any_of(lead.followers.begin(), lead.followers.end(), [&](const auto& one) {
    return one.holds >= open && one.holds.token == open.token;
  });
  if (is_held) release(s, child, lead, Followed::How::held);
  return is_held;
}

void Standby::say_alone(Step& s, const Child& child) {
  if (s.time() < next_line_) return;
  next_line_ = s.time() + lines_apart;
  s.log(
      LogLevel::warning,
      fmt::format("no other node holds the state of {} (and perhaps of others): what it answers is lost with "
                  "this node",
                  child.id.text()));
}

// What changes() gave since is no more than the whole, see StateForm.
bool Standby::is_too_large(const Step& s, const HeldState& held) {
  return held.whole && held.whole->size() > s.settings.state_bytes_max;
}

void Standby::say_too_large(Step& s, const Child& child, const HeldState& held) {
  if (s.time() < next_line_) return;
  next_line_ = s.time() + lines_apart;
  s.log(LogLevel::warning,
        fmt::format("the state of {} has {} bytes, more than the {} that are sent to others: {}",
                    child.id.text(), held.whole->size(), s.settings.state_bytes_max,
                    following(s)->strict ? "its callers are told that what they have asked for is not safe"
                                         : "what it answers is lost with this node"));
}

// No waiting helps.
bool Standby::release_too_large(Step& s, const Child& child, Lead& lead) {
  const HeldState* held = with_.states.find(child);
  if (!held || !is_too_large(s, *held)) return false;
  release(s, child, lead, following(s)->strict ? Followed::How::given_up : Followed::How::unheld);
  return true;
}

void Standby::look_at_wait(Step& s, Child& child, Lead& lead) {
  if (lead.open == 0 || release_held(s, child, lead) || release_too_large(s, child, lead)) return;
  const bool may_go = !following(s)->strict && !lead.stale && with_.views.acting() && may_answer();
  if (may_go && (lead.alone || s.time() >= lead.wait_until)) {
    if (!lead.alone) say_alone(s, child);
    lead.alone = true;
    return release(s, child, lead, Followed::How::unheld);
  }
  const Duration next =
      s.time() < lead.wait_until ? std::min(lead.wait_until, s.time() + again) : s.time() + again;
  if (lead.timer <= next && lead.timer > s.time()) return;
  lead.timer = next;
  wake(next, child);
}

void Standby::on_answer(Step& s, PeerIndex from, const FollowAnswer& answer) {
  Child* child = with_.children.find(answer.id);
  const auto found = child ? leads_.find(child->ref) : leads_.end();
  if (found == leads_.end()) return;
  Lead& lead = found->second;
  const auto follower = std::find_if(lead.followers.begin(), lead.followers.end(),
                                     [&](const auto& one) { return one.peer == from; });
  const HeldState* held = with_.states.find(*child);
  if (follower == lead.followers.end() || !held || held->mark.token != answer.token) return;
  switch (answer.verdict) {
    case FollowVerdict::held:
      follower->holds = std::max(follower->holds, StateMark{answer.token, answer.number});
      if (answer.number == held->mark.number) lead.alone = lead.stale = false;
      (void)release_held(s, *child, lead);
      if (lead.giving) with_.notes.touched(s, *child);
      break;
    case FollowVerdict::gap:
      follower->sent = {};
      send(s, *child, lead);
      break;
    case FollowVerdict::stale:
      lead.stale = true;
      with_.instances.raise_floor(*child, answer.fence);
      look_at_stale(s, *child, lead);
      break;
  }
}

bool Standby::is_only_active(const Child& child) const {
  const Instance* here = with_.instances.here(child);
  if (!here || here->role != Role::active || !with_.views.acting()) return false;
  if (!child.own() || child.own()->stopping != StopWhy::none) return false;
  bool only = true;
  with_.instances.each(child, [&](const Hosted& hosted) {
    if (with_.instances.peer(hosted) != self_index) only = only && hosted.instance.role == Role::passive;
  });
  return only;
}

// A claim that came to nothing, or another side of a split that has met us again, has fenced this one off.
// Where all members see that it is the active one, an epoch above the fence says so. Not of one that has to
// end: another may have been active while its node was away, and what it saved last would go ahead of what
// that one has answered since.
void Standby::look_at_stale(Step& s, Child& child, Lead& lead) {
  const HeldState* held = with_.states.find(child);
  if (held && is_only_active(child) && !lead.giving) {
    with_.locals.raise(s, child);
    with_.states.rename(child, with_.instances.here(child)->epoch);
    lead.stale = false;
    update_followers(child, lead);
    return send(s, child, lead);
  }
  wake(s.time() + again, child);
}

bool Standby::has_given(Step& s, const Child& child, PeerIndex to) {
  const auto found = leads_.find(child.ref);
  const auto follows = following(s);
  if (found == leads_.end() || !follows) return true;
  Lead& lead = found->second;
  const StateMark newest = with_.states.mark(child);
  update_followers(child, lead);
  send(s, child, lead);
  const auto follower = std::find_if(lead.followers.begin(), lead.followers.end(),
                                     [&](const auto& one) { return one.peer == to; });
  const bool holds = follower != lead.followers.end() && follower->holds >= newest;
  if (!lead.giving) lead.wait_until = s.time() + follows->wait;
  // What does not take it in time does not keep the role from changing hands.
  const bool waits = !holds && !lead.stale && (follows->strict || s.time() < lead.wait_until);
  if (waits && !std::exchange(lead.giving, true)) wake(lead.wait_until, child);
  return !waits;
}

std::size_t Standby::not_followed() const {
  return static_cast<std::size_t>(std::count_if(leads_.begin(), leads_.end(), [&](const auto& entry) {
    const Child* child = with_.children.get(entry.first);
    if (!child) return false;
    const Epoch token = with_.states.mark(*child).token;
    const auto& followers = entry.second.followers;
    return std::none_of(followers.begin(), followers.end(),
                        [&](const auto& one) { return one.holds.token == token; });
  }));
}

// ---- a passive one's -------------------------------------------------------------------------------------

void Standby::on_follow(Step& s, PeerIndex from, const Follow& follow) {
  Child* child = with_.children.find(follow.id);
  const StateCopy& copy = follow.copy;
  if (!child || !child->wanted() || !child->own() || !with_.rows.table().find_birth(*child, copy.birth))
    return;
  const auto answer = [&](FollowVerdict verdict) {
    with_.sender.send(from,
                      FollowAnswer{follow.id, copy.token, copy.number, verdict, with_.states.fence(*child)});
  };
  const Instance* here = with_.instances.here(*child);
  if (here && here->role == Role::active) with_.states.raise_fence(*child, here->epoch);
  if (copy.token < with_.states.fence(*child) || (here && here->role == Role::active)) {
    ++s.stats.states_stale;
    return answer(FollowVerdict::stale);
  }
  const StateMark mark{copy.token, copy.number};
  const StateMark held = with_.states.mark(*child);
  if (mark <= held) return answer(FollowVerdict::held);
  if (follow.after == 0) {
    with_.states.put(*child, copy);
  } else {
    if (held != StateMark{copy.token, follow.after}) return answer(FollowVerdict::gap);
    std::vector<SharedBytes> changes;
    for (const Bytes& change : copy.changes) changes.push_back(std::make_shared<const Bytes>(change));
    with_.states.append(*child, copy.number, std::move(changes));
  }
  ++s.stats.states_held;
  answer(FollowVerdict::held);
}

void Standby::on_ask(Step& s, PeerIndex from, const StateAsk& ask) {
  const Child* child = with_.children.find(ask.id);
  StateTell tell{ask.id, ask.attempt, {}};
  if (child && child->row()) {
    const HeldState* held = with_.states.find(*child);
    if (held && held->mark > StateMark{ask.token, ask.number}) tell.newer = HeldStates::copy_of(*held);
    with_.states.raise_fence(*child, ask.fence);
    if (!child->own()) {
      kept_.try_emplace(child->ref, s.time() + keep_for);
      wake(s.time() + keep_for, *child);
    }
  }
  with_.sender.send(from, std::move(tell));
}

// ---- who claims the role ---------------------------------------------------------------------------------

void Standby::ask(Step& s, Child& child) {
  Asking& asking = asking_[child.ref];
  asking.attempt = ++attempts_;
  asking.fence = with_.instances.next_epoch(s, child);
  with_.instances.raise_floor(child, asking.fence);
  with_.states.raise_fence(child, asking.fence);
  asking.open.clear();
  for (const PeerIndex peer : with_.sessions.others()) {
    if (!is_to_answer(peer)) continue;
    asking.open.push_back(peer);
    send_ask(child, asking, peer);
  }
  asking.timer = s.time() + again;
  wake(asking.timer, child);
}

void Standby::send_ask(const Child& child, Asking& asking, PeerIndex to) {
  if (!with_.links[to].open) return;
  const StateMark mine = with_.states.mark(child);
  with_.sender.send(to, StateAsk{child.id, asking.attempt, asking.fence, mine.token, mine.number});
}

void Standby::on_tell(Step& s, PeerIndex from, StateTell& tell) {
  Child* child = with_.children.find(tell.id);
  const auto found = child ? asking_.find(child->ref) : asking_.end();
  if (found == asking_.end() || found->second.attempt != tell.attempt) return;
  if (tell.newer && StateMark{tell.newer->token, tell.newer->number} > with_.states.mark(*child) &&
      with_.rows.table().find_birth(*child, tell.newer->birth))
    with_.states.put(*child, *tell.newer);
  std::erase(found->second.open, from);
  if (found->second.open.empty()) with_.notes.touched(s, *child);
}

bool Standby::has_heard(Step& s, Child& child) {
  if (!following(s)) return true;
  if (!asking_.contains(child.ref)) ask(s, child);
  const auto found = asking_.find(child.ref);
  std::erase_if(found->second.open, [&](PeerIndex peer) { return !is_to_answer(peer); });
  return found->second.open.empty();
}

// ---- looking ---------------------------------------------------------------------------------------------

void Standby::look(Step& s, Child& child) {
  if (with_.states.empty() && leads_.empty() && asking_.empty()) return;
  const HeldState* held = with_.states.find(child);
  const bool gone = !child.wanted() || (held && !with_.rows.table().find_birth(child, held->birth));
  const Own* own = child.own();
  const Instance* here = with_.instances.here(child);
  const auto lead = leads_.find(child.ref);
  if (lead != leads_.end()) {
    const bool lives = own && own->alive && own->epoch == lead->second.process;
    if (!lives || !here || here->role != Role::active) {
      if (lives && lead->second.open != 0) release(s, child, lead->second, Followed::How::given_up);
      leads_.erase(lead);
    } else {
      update_followers(child, lead->second);
      send(s, child, lead->second);
      if (lead->second.stale) look_at_stale(s, child, lead->second);
      look_at_wait(s, child, lead->second);
    }
  }
  if (!own || !here || here->role != Role::claiming) asking_.erase(child.ref);
  if (gone) {
    with_.states.erase(child);
    kept_.erase(child.ref);
  } else if (own) {
    if (!kept_.empty()) kept_.erase(child.ref);
  } else if (with_.states.knows(child) && kept_.try_emplace(child.ref, s.time() + keep_for).second) {
    wake(s.time() + keep_for, child);
  }
}

// It is of no use once an active instance runs elsewhere and another node follows it.
void Standby::drop_if_useless(Step& s, const Child& child) {
  const auto kept = kept_.find(child.ref);
  if (kept == kept_.end() || s.time() < kept->second) return;
  bool active = false;
  with_.instances.each(child, [&](const Hosted& hosted) {
    active = active || (hosted.instance.role == Role::active && hosted.instance.phase == Phase::running);
  });
  if (active && with_.instances.count(child) > 1) {
    with_.states.erase(child);
    kept_.erase(kept);
    return;
  }
  kept->second = s.time() + keep_for;
  wake(kept->second, child);
}

void Standby::on_time(Step& s) {
  for (std::size_t left = s.settings.step_budget; left > 0 && deadline() <= s.time(); --left) {
    const ChildRef ref = timers_.begin()->second;
    timers_.erase(timers_.begin());
    Child* child = with_.children.get(ref);
    if (!child) {
      leads_.erase(ref);
      asking_.erase(ref);
      kept_.erase(ref);
      continue;
    }
    if (const auto found = leads_.find(ref); found != leads_.end()) {
      Lead& lead = found->second;
      update_followers(*child, lead);
      send(s, *child, lead);
      if (lead.stale) look_at_stale(s, *child, lead);
      look_at_wait(s, *child, lead);
      if (lead.giving) with_.notes.touched(s, *child);
    }
    if (const auto found = asking_.find(ref); found != asking_.end() && s.time() >= found->second.timer) {
      for (const PeerIndex peer : found->second.open) send_ask(*child, found->second, peer);
      found->second.timer = s.time() + again;
      wake(found->second.timer, *child);
    }
    if (!child->own()) drop_if_useless(s, *child);
  }
}

}  // namespace brood::core
