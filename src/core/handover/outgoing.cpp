#include "core/handover/outgoing.hpp"

#include <fmt/format.h>

namespace brood::core {
namespace {

constexpr Duration pause_first = 50ms;
constexpr Duration pause_max = 10s;
/// So often it is tried by a node that wants to leave.
constexpr std::uint32_t failures_max = 5;
/// A node that leaves ends no later for it than this; who looks a child up just before finds the pid at work.
constexpr Duration retention_of_leavers = 500ms;
constexpr Duration commit_again = 1s;
constexpr Duration line_every = 10s;

}  // namespace

Outgoing::Entry Outgoing::find(const ChildId& id, const Epoch& epoch, std::uint64_t attempt) {
  const Child* child = children_.find(id);
  const auto entry = child ? leaving_.find(child->ref) : leaving_.end();
  const bool same =
      entry != leaving_.end() && entry->second.epoch == epoch && entry->second.attempt == attempt;
  return same ? entry : leaving_.end();
}

void Outgoing::set_time(Entry entry, Duration until) {
  auto& [ref, leaving] = *entry;
  if (leaving.until != Duration::max()) timers_.erase({leaving.until, ref});
  leaving.until = until;
  if (until != Duration::max()) timers_.emplace(until, ref);
}

void Outgoing::erase(Entry entry) {
  set_time(entry, Duration::max());
  leaving_.erase(entry);
}

PeerIndex Outgoing::leaves_to(const Child& child) const {
  if (leaving_.empty()) return no_peer;
  const auto entry = leaving_.find(child.ref);
  return entry == leaving_.end() || entry->second.state == State::moved ? no_peer : entry->second.to;
}

bool Outgoing::can_leave(const Step& s, const Own& own) const {
  if (!own.alive || !own.ran) return false;
  if (own.spec->is_program()) return own.spec->starts_before_stop();
  if (own.spec->moves_cold()) return false;
  const Migration& migration = *s.settings.strategies.migration;
  return migration.hands_over() || (migration.keeps_state() && own.keeps_state);
}

// A node that leaves does not try for ever, and what a program loses by it is only time.
bool Outgoing::gives_up(const Child& child, const Leaving& leaving) const {
  const std::uint32_t most = child.own()->spec->is_program() ? 1 : failures_max;
  return leaving.failures >= most && sessions_.self().state == MemberState::draining;
}

bool Outgoing::leave(Step& s, Child& child, PeerIndex to) {
  if (!can_leave(s, *child.own())) return false;
  const auto [entry, added] = leaving_.try_emplace(child.ref);
  Leaving& leaving = entry->second;
  if (!added && gives_up(child, leaving)) {
    s.log(LogLevel::warning,
          fmt::format("{} cannot be handed over, and this node leaves: it ends here and starts anew "
                      "elsewhere, without what it holds",
                      child.id.text()));
    take_back(s, child);
    return false;
  }
  if (added) {
    leaving.pause = pause_first;
    leaving.to = to;
  }
  if (leaving.state == State::waits && s.time() >= (added ? Duration{} : leaving.until))
    begin(s, child, entry, to);
  return true;
}

void Outgoing::begin(Step& s, Child& child, Entry entry, PeerIndex to) {
  Leaving& leaving = entry->second;
  leaving.to = to;
  leaving.epoch = child.own()->epoch;
  if (!links_[to].open) return put_off(s, entry, false, "no channel");
  leaving.attempt = ++last_attempt_;
  if (!child.own()->spec->is_program()) return freeze(s, child, entry);
  const Instance* here = instances_.here(child);
  if (!here) return put_off(s, entry, false, "it has yet to be seen here");
  set_time(entry, s.time() + child.own()->spec->extras->ready_within);
  offer(child, entry, *here, {});
}

void Outgoing::freeze(Step& s, Child& child, Entry entry) {
  Leaving& leaving = entry->second;
  const auto hot = s.settings.strategies.migration->hands_over();
  const HandoverTimes times = hot.value_or(HandoverTimes{});
  leaving.state = State::freezing;
  set_time(entry, s.time() + times.timeout);
  s.effects.handovers.emplace_back(Freeze{child.id, leaving.epoch, leaving.attempt, links_.name(leaving.to),
                                          times.data_wait, !hot, s.cause(), child.own()->way});
}

void Outgoing::offer(Child& child, Entry entry, const Instance& here, Bytes parcel) {
  Leaving& leaving = entry->second;
  leaving.state = State::offered;
  sender_.say(leaving.to, Offer{child.id, leaving.epoch, leaving.attempt, child.own()->birth, here.since,
                                here.restarts, here.role, std::move(parcel), child.own()->way});
}

void Outgoing::on_frozen(Step& s, Frozen& event) {
  const Entry entry = find(event.id, event.epoch, event.attempt);
  if (entry == leaving_.end() || entry->second.state != State::freezing) return;
  Child& child = *children_.get(entry->first);
  const Instance* here = instances_.here(child);
  if (!links_[entry->second.to].open || !here || !child.own()) {
    undo(s, child, entry->second);
    return put_off(s, entry, false, "the channel is gone");
  }
  offer(child, entry, *here, std::move(event.parcel));
}

void Outgoing::on_freeze_failed(Step& s, const FreezeFailed& event) {
  const Entry entry = find(event.id, event.epoch, event.attempt);
  if (entry == leaving_.end() || entry->second.state != State::freezing) return;
  put_off(s, entry, true, event.why);
}

void Outgoing::on_answer(Step& s, PeerIndex from, const OfferAnswer& answer) {
  const Entry entry = find(answer.id, answer.epoch, answer.attempt);
  const State state =
      entry == leaving_.end() || entry->second.to != from ? State::waits : entry->second.state;
  if (answer.verdict == OfferVerdict::ready) {
    if (state == State::offered) return ready(s, *children_.get(entry->first), entry, answer.pid);
    if (state == State::ending) return;
    if (state == State::moved)
      sender_.say(from, Commit{answer.id, answer.epoch, answer.attempt});
    else
      sender_.say(from, Withdrawal{answer.id, answer.epoch, answer.attempt});
    return;
  }
  // Every member holds the row of the new place; or what was ready there is no more: nothing runs anywhere,
  // and the child starts anew where it belongs.
  if (state == State::moved) return settle(s, entry);
  if (state == State::ending) return erase(entry);  // it starts anew, once this one has ended
  if (state != State::offered) return;
  undo(s, *children_.get(entry->first), entry->second);
  put_off(s, entry, answer.verdict == OfferVerdict::refused, answer.why);
}

void Outgoing::put_off(Step& s, Entry entry, bool counts, const std::string& why) {
  Leaving& leaving = entry->second;
  const Child& child = *children_.get(entry->first);
  if (counts) {
    ++s.stats.handovers_failed;
    ++leaving.failures;
    if (s.time() >= next_line_) {
      next_line_ = s.time() + line_every;
      s.log(LogLevel::warning, fmt::format("{} stays, and is handed over to {} later: {}", child.id.text(),
                                           links_.name(leaving.to).text(), why));
    }
  }
  leaving.state = State::waits;
  set_time(entry, s.time() + leaving.pause);
  leaving.pause = std::min(leaving.pause * 2, pause_max);
}

// Sent to where it was offered, so that what is being made ready there goes. Where the message is lost the
// answer of that node is answered so again.
void Outgoing::undo(Step& s, const Child& child, const Leaving& leaving) {
  if (leaving.state == State::waits) return;
  const bool is_program = child.own() && child.own()->spec->is_program();
  if (!is_program && leaving.state != State::ending)
    s.effects.handovers.emplace_back(Thaw{child.id, leaving.epoch});
  if (leaving.state != State::freezing)
    sender_.say(leaving.to, Withdrawal{child.id, leaving.epoch, leaving.attempt});
}

void Outgoing::ready(Step& s, Child& child, Entry entry, const ProcessId& pid) {
  Leaving& leaving = entry->second;
  if (!sessions_.in_state(leaving.to, MemberState::up)) {  // it drains since, and would only pass it on
    undo(s, child, leaving);
    erase(entry);
    return notes_.touched(s, child);
  }
  const auto hot = s.settings.strategies.migration->hands_over();
  if (!hot || child.own()->spec->is_program()) {
    leaving.state = State::ending;
    set_time(entry, Duration::max());
    return notes_.must_end(s, child);
  }
  Duration retention = hot->retention;
  if (sessions_.self().state == MemberState::draining) retention = std::min(retention, retention_of_leavers);
  s.effects.handovers.emplace_back(
      Depart{child.id, leaving.epoch, sessions_.member(leaving.to)->session, pid, retention});
  commit(s, child, entry, true);
}

void Outgoing::commit(Step& s, Child& child, Entry entry, bool passes_on) {
  Leaving& leaving = entry->second;
  leaving.state = State::moved;
  set_time(entry, s.time() + commit_again);
  ++s.stats.handovers;
  Instance moved = *instances_.here(child);
  moved.phase = Phase::moved;
  moved.why = child.own()->way;
  if (!passes_on) moved.pid = {};
  notes_.handed_over(s, child);
  instances_.publish(s, child, moved);
  sender_.say(leaving.to, Commit{child.id, leaving.epoch, leaving.attempt});
}

void Outgoing::settle(Step& s, Entry entry) {
  Child& child = *children_.get(entry->first);
  const NodeName to = links_.name(entry->second.to);
  erase(entry);
  const Instance* here = instances_.here(child);
  if (here && !child.own()) instances_.retract(s, child, {here->why, to, {}});
}

void Outgoing::take_back(Step& s, Child& child) {
  const auto entry = leaving_.find(child.ref);
  if (entry == leaving_.end() || entry->second.state == State::moved) return;
  undo(s, child, entry->second);
  erase(entry);
}

bool Outgoing::ended(Step& s, Child& child) {
  const auto entry = leaving_.find(child.ref);
  if (entry == leaving_.end() || entry->second.state == State::moved) return false;
  const Leaving& leaving = entry->second;
  if (leaving.state == State::ending) {
    commit(s, child, entry, false);
    return true;
  }
  if (leaving.state == State::offered)
    sender_.say(leaving.to, Withdrawal{child.id, leaving.epoch, leaving.attempt});
  erase(entry);
  return false;
}

// Its place of before may say that it has been seen there when nothing is known of the child any more.
void Outgoing::instance_changed(const Child& child) {
  if (leaving_.empty() || !child.own()) return;
  const auto entry = leaving_.find(child.ref);
  if (entry != leaving_.end() && entry->second.state == State::moved) erase(entry);
}

void Outgoing::greeted(PeerIndex peer) {
  for (const auto& [ref, leaving] : leaving_)
    if (leaving.to == peer && leaving.state == State::moved)
      sender_.say(peer, Commit{children_.get(ref)->id, leaving.epoch, leaving.attempt});
}

void Outgoing::let_go(Step& s, Entry entry) {
  Child& child = *children_.get(entry->first);
  if (entry->second.state == State::moved) {
    settle(s, entry);
  } else {
    undo(s, child, entry->second);
    erase(entry);
  }
  notes_.touched(s, child);
}

void Outgoing::session_ended(Step& s, PeerIndex peer) {
  for (auto entry = leaving_.begin(); entry != leaving_.end();) {
    const auto next = std::next(entry);
    if (entry->second.to == peer) let_go(s, entry);
    entry = next;
  }
}

void Outgoing::take_back_all(Step& s) {
  while (!leaving_.empty()) let_go(s, leaving_.begin());
}

void Outgoing::on_time(Step& s) {
  for (std::size_t left = s.settings.step_budget; left > 0 && deadline() <= s.time(); --left) {
    const auto entry = leaving_.find(timers_.begin()->second);
    Child& child = *children_.get(entry->first);
    switch (entry->second.state) {
      case State::waits:
        set_time(entry, Duration::max());
        entry->second.until = Duration{};
        notes_.touched(s, child);
        break;
      case State::moved:  // its row may be seen nowhere: it was there for too short a time
        sender_.say(entry->second.to, Commit{child.id, entry->second.epoch, entry->second.attempt});
        set_time(entry, s.time() + commit_again);
        break;
      case State::ending:
        set_time(entry, Duration::max());
        break;
      case State::freezing:
      case State::offered:
        undo(s, child, entry->second);
        put_off(s, entry, true,
                child.own() && child.own()->spec->is_program()
                    ? "its successor has not said in time that it is ready"
                    : "it took longer than child_migration_timeout_ms");
        break;
    }
  }
}

}  // namespace brood::core
