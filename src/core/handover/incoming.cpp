#include "core/handover/incoming.hpp"

namespace brood::core {
namespace {

constexpr Duration ask_again = 1s;

OfferAnswer answer_to(const Offer& offer, OfferVerdict verdict, std::string why) {
  return {offer.id, offer.epoch, offer.attempt, verdict, {}, std::move(why)};
}

}  // namespace

Incoming::Entry Incoming::find(const ChildId& id, const Epoch& epoch) {
  const Child* child = with_.children.find(id);
  const auto entry = child ? coming_.find(child->ref) : coming_.end();
  return entry != coming_.end() && entry->second.arrival.epoch == epoch ? entry : coming_.end();
}

void Incoming::erase(Entry entry) {
  timers_.erase({entry->second.until, entry->first});
  coming_.erase(entry);
}

std::optional<OfferAnswer> Incoming::objection(const Child* child, const Offer& offer) const {
  const auto later = [&](const char* why) { return answer_to(offer, OfferVerdict::later, why); };
  if (!child || !child->wanted() || !with_.rows.table().find_birth(*child, offer.birth))
    return later("that start of it is not known here");
  if (!with_.views.acting() || with_.sessions.self().state != MemberState::up)
    return later("it may not act yet");
  if (!with_.views.replicas().includes(child->id, *child->row(), self_index))
    return later("it does not belong here");
  if (child->own()) return later("it runs here too");
  return std::nullopt;
}

void Incoming::on_offer(Step& s, PeerIndex from, Offer& offer) {
  Child* child = with_.children.find(offer.id);
  if (auto objects = objection(child, offer)) return with_.sender.say(from, *std::move(objects));
  if (const auto known = coming_.find(child->ref); known != coming_.end()) {
    const Coming& coming = known->second;
    // Of two sources, after a split, the one that came first goes on.
    if (coming.from != from)
      return with_.sender.say(from, answer_to(offer, OfferVerdict::later, "another hands it over"));
    if (coming.source == offer.epoch && coming.attempt >= offer.attempt) return;
    discard(s, known);
  }
  with_.instances.raise_floor(*child, offer.epoch);
  Coming coming;
  coming.from = from;
  coming.source = offer.epoch;
  coming.attempt = offer.attempt;
  coming.arrival.spec = child->row()->spec;
  coming.arrival.birth = offer.birth;
  coming.arrival.epoch = with_.instances.next_epoch(s, *child);
  coming.arrival.since = offer.since;
  coming.arrival.restarts = offer.restarts;
  coming.arrival.why = offer.why;
  if (with_.views.replicas().several(*child->row()))
    coming.arrival.role = offer.role == Role::active ? Role::active : Role::passive;
  s.effects.handovers.emplace_back(Prepare{child->id, coming.arrival.spec, coming.arrival.epoch,
                                           std::move(offer.parcel), s.cause(), coming.arrival.role});
  coming_.emplace(child->ref, std::move(coming));
}

void Incoming::on_prepared(Step& s, const Prepared& event) {
  const Entry entry = find(event.id, event.epoch);
  if (entry == coming_.end()) return;
  Coming& coming = entry->second;
  coming.ready = true;
  coming.arrival.pid = event.pid;
  coming.arrival.os_pid = event.os_pid;
  coming.arrival.keeps_state = event.keeps_state;
  if (coming.orphan) {
    if (s.time() < coming.open_at) return;  // it opens then
    return is_needed(*with_.children.get(entry->first)) ? open(s, entry) : discard(s, entry);
  }
  say_ready(s, entry);
}

void Incoming::say_ready(Step& s, Entry entry) {
  auto& [ref, coming] = *entry;
  timers_.erase({coming.until, ref});
  coming.until = s.time() + ask_again;
  timers_.emplace(coming.until, ref);
  if (with_.links[coming.from].open)
    with_.sender.say(coming.from, OfferAnswer{with_.children.get(ref)->id,
                                              coming.source,
                                              coming.attempt,
                                              OfferVerdict::ready,
                                              coming.arrival.pid,
                                              {}});
}

void Incoming::on_prepare_failed(Step& s, const PrepareFailed& event) {
  const Entry entry = find(event.id, event.epoch);
  if (entry == coming_.end()) return;
  const Coming coming = entry->second;
  Child& child = *with_.children.get(entry->first);
  erase(entry);
  if (!coming.orphan)
    with_.sender.say(
        coming.from,
        OfferAnswer{event.id, coming.source, coming.attempt, OfferVerdict::refused, {}, event.why});
  with_.notes.touched(s, child);
}

void Incoming::on_commit(Step& s, PeerIndex from, const Commit& commit) {
  Child* child = with_.children.find(commit.id);
  const auto entry = child ? coming_.find(child->ref) : coming_.end();
  const bool same = entry != coming_.end() && entry->second.from == from &&
                    entry->second.source == commit.epoch && entry->second.attempt == commit.attempt;
  if (same && entry->second.ready) return open(s, entry);
  if (same) return;
  // It runs here, of which the others have yet to hear; or nothing is left of what was ready.
  if (child && arrived_.contains(child->ref)) return say_seen(*child);
  with_.sender.say(
      from,
      OfferAnswer{
          commit.id, commit.epoch, commit.attempt, OfferVerdict::refused, {}, "what was ready is gone"});
}

void Incoming::on_withdrawal(Step& s, PeerIndex from, const Withdrawal& withdrawal) {
  const Child* child = with_.children.find(withdrawal.id);
  const auto entry = child ? coming_.find(child->ref) : coming_.end();
  if (entry == coming_.end() || entry->second.from != from || entry->second.source != withdrawal.epoch ||
      entry->second.attempt != withdrawal.attempt)
    return;
  discard(s, entry);
}

// What is ready, of a source that is no more. Of several instances it is one that is missing here.
bool Incoming::is_needed(const Child& child) const {
  if (child.row() && with_.views.replicas().several(*child.row())) return child.own() == nullptr;
  return with_.instances.any(child) == nullptr;
}

void Incoming::open(Step& s, Entry entry) {
  Child& child = *with_.children.get(entry->first);
  Coming coming = entry->second;
  erase(entry);
  // Another instance may have taken the role of one that is no more.
  if (coming.orphan && coming.arrival.role && with_.views.replicas().has_roles(*child.row()))
    coming.arrival.role = Role::passive;
  s.effects.handovers.emplace_back(Open{child.id, coming.arrival.epoch});
  with_.notes.arrived(s, child, coming.arrival);
  if (coming.orphan) return;
  arrived_[child.ref] = {coming.from, coming.source, coming.attempt, with_.replication.newest()};
  for (const PeerIndex peer : with_.sessions.others())
    with_.replication.wait_for(peer, arrived_[child.ref].number, child);
}

void Incoming::discard(Step& s, Entry entry) {
  Child& child = *with_.children.get(entry->first);
  s.effects.handovers.emplace_back(Discard{child.id, entry->second.arrival.epoch});
  erase(entry);
  with_.notes.touched(s, child);
}

void Incoming::look(Step& s, const Child& child) {
  if (!arrived_.empty() && arrived_.contains(child.ref)) say_seen(child);
  if (coming_.empty()) return;
  const auto entry = coming_.find(child.ref);
  if (entry == coming_.end()) return;
  if (!child.wanted() || !with_.rows.table().find_birth(child, entry->second.arrival.birth))
    discard(s, entry);
}

void Incoming::say_seen(const Child& child) {
  const auto found = arrived_.find(child.ref);
  const Arrived arrived = found->second;
  // Where it has ended for good meanwhile there is nothing to be seen.
  const bool here = with_.instances.here(child) != nullptr;
  for (const PeerIndex peer : with_.sessions.others())
    if (here && with_.replication.acknowledged_by(peer) < arrived.number) return;
  arrived_.erase(found);
  with_.sender.say(arrived.from,
                   OfferAnswer{child.id, arrived.source, arrived.attempt, OfferVerdict::seen, {}, {}});
}

// The source is no more: what is ready is all that there is. Where the same start of the node goes on with
// its children, in a new session, it has taken back what it offered.
void Incoming::session_ended(Step& s, PeerIndex peer, bool goes_on, Duration hold) {
  for (auto entry = coming_.begin(); entry != coming_.end();) {
    const auto next = std::next(entry);
    if (entry->second.from == peer && !entry->second.orphan) {
      Coming& coming = entry->second;
      if (goes_on) {
        discard(s, entry);
      } else {
        coming.orphan = true;
        coming.open_at = s.time() + hold;
        if (hold > Duration{}) {
          timers_.erase({coming.until, entry->first});
          coming.until = coming.open_at;
          timers_.emplace(coming.until, entry->first);
        } else if (coming.ready) {
          open(s, entry);
        }
      }
    }
    entry = next;
  }
  std::erase_if(arrived_, [peer](const auto& one) { return one.second.from == peer; });
}

// The source's node is back, perhaps with the very instance: what is not ready yet is no use to anybody.
void Incoming::session_began(Step& s, PeerIndex peer) {
  for (auto entry = coming_.begin(); entry != coming_.end();) {
    const auto next = std::next(entry);
    if (entry->second.from == peer && entry->second.orphan) discard(s, entry);
    entry = next;
  }
}

void Incoming::discard_all(Step& s) {
  while (!coming_.empty()) discard(s, coming_.begin());
  arrived_.clear();
}

void Incoming::on_time(Step& s) {
  for (std::size_t left = s.settings.step_budget; left > 0 && deadline() <= s.time(); --left) {
    const Entry entry = coming_.find(timers_.begin()->second);
    if (!entry->second.orphan) {
      say_ready(s, entry);
    } else if (entry->second.ready) {
      is_needed(*with_.children.get(entry->first)) ? open(s, entry) : discard(s, entry);
    } else {  // it opens as soon as it is ready
      timers_.erase(timers_.begin());
      entry->second.until = Duration::max();
    }
  }
}

}  // namespace brood::core
