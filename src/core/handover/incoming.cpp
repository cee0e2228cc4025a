#include "core/handover/incoming.hpp"

namespace brood::core {
namespace {

constexpr Duration ask_again = 1s;

OfferAnswer answer_to(const Offer& offer, OfferVerdict verdict, std::string why) {
  return {offer.id, offer.epoch, offer.attempt, verdict, {}, std::move(why)};
}

}  // namespace

Incoming::Entry Incoming::find(const ChildId& id, const Epoch& epoch) {
  const Child* child = children_.find(id);
  const auto entry = child ? coming_.find(child->ref) : coming_.end();
  return entry != coming_.end() && entry->second.arrival.epoch == epoch ? entry : coming_.end();
}

void Incoming::erase(Entry entry) {
  timers_.erase({entry->second.until, entry->first});
  coming_.erase(entry);
}

std::optional<OfferAnswer> Incoming::objection(const Child* child, const Offer& offer) const {
  const auto later = [&](const char* why) { return answer_to(offer, OfferVerdict::later, why); };
  if (!child || !child->wanted() || child->row()->birth != offer.birth)
    return later("that start of it is not known here");
  if (!views_.acting() || sessions_.self().state != MemberState::up) return later("it may not act yet");
  if (views_.placement().first(child->hash, *child->row()) != self_index)
    return later("it does not belong here");
  if (child->own()) return later("it runs here too");
  return std::nullopt;
}

void Incoming::on_offer(Step& s, PeerIndex from, Offer& offer) {
  Child* child = children_.find(offer.id);
  if (auto objects = objection(child, offer)) return sender_.send(from, *std::move(objects));
  if (const auto known = coming_.find(child->ref); known != coming_.end()) {
    const Coming& coming = known->second;
    // Of two sources, after a split, the one that came first goes on.
    if (coming.from != from)
      return sender_.send(from, answer_to(offer, OfferVerdict::later, "another hands it over"));
    if (coming.source == offer.epoch && coming.attempt >= offer.attempt) return;
    discard(s, known);
  }
  instances_.raise_floor(*child, offer.epoch);
  Coming coming;
  coming.from = from;
  coming.source = offer.epoch;
  coming.attempt = offer.attempt;
  coming.arrival = {child->row()->spec, offer.birth,   instances_.next_epoch(s, *child), {},
                    offer.since,        offer.restarts};
  s.effects.handovers.emplace_back(
      Prepare{coming.arrival.spec, coming.arrival.epoch, std::move(offer.parcel), s.cause()});
  coming_.emplace(child->ref, std::move(coming));
}

void Incoming::on_prepared(Step& s, const Prepared& event) {
  const Entry entry = find(event.id, event.epoch);
  if (entry == coming_.end()) return;
  Coming& coming = entry->second;
  coming.ready = true;
  coming.arrival.pid = event.pid;
  if (coming.from == no_peer) return open(s, entry);
  say_ready(s, entry);
}

void Incoming::say_ready(Step& s, Entry entry) {
  auto& [ref, coming] = *entry;
  timers_.erase({coming.until, ref});
  coming.until = s.time() + ask_again;
  timers_.emplace(coming.until, ref);
  if (links_[coming.from].open)
    sender_.send(coming.from, OfferAnswer{children_.get(ref)->id,
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
  Child& child = *children_.get(entry->first);
  erase(entry);
  if (coming.from != no_peer)
    sender_.send(coming.from,
                 OfferAnswer{event.id, coming.source, coming.attempt, OfferVerdict::refused, {}, event.why});
  notes_.touched(s, child);
}

void Incoming::on_commit(Step& s, PeerIndex from, const Commit& commit) {
  Child* child = children_.find(commit.id);
  const auto entry = child ? coming_.find(child->ref) : coming_.end();
  const bool same = entry != coming_.end() && entry->second.from == from &&
                    entry->second.source == commit.epoch && entry->second.attempt == commit.attempt;
  if (same && entry->second.ready) return open(s, entry);
  if (same) return;
  // It runs, or has run, and the source will see that in its row; or nothing is left of what was ready.
  if (child && instances_.here(*child) && instances_.here(*child)->epoch > commit.epoch) return;
  sender_.send(
      from,
      OfferAnswer{
          commit.id, commit.epoch, commit.attempt, OfferVerdict::refused, {}, "what was ready is gone"});
}

void Incoming::on_withdrawal(Step& s, PeerIndex from, const Withdrawal& withdrawal) {
  const Child* child = children_.find(withdrawal.id);
  const auto entry = child ? coming_.find(child->ref) : coming_.end();
  if (entry == coming_.end() || entry->second.from != from || entry->second.source != withdrawal.epoch ||
      entry->second.attempt != withdrawal.attempt)
    return;
  discard(s, entry);
}

void Incoming::open(Step& s, Entry entry) {
  Child& child = *children_.get(entry->first);
  const Arrival arrival = entry->second.arrival;
  erase(entry);
  s.effects.handovers.emplace_back(Open{child.id, arrival.epoch});
  notes_.arrived(s, child, arrival);
}

void Incoming::discard(Step& s, Entry entry) {
  Child& child = *children_.get(entry->first);
  s.effects.handovers.emplace_back(Discard{child.id, entry->second.arrival.epoch});
  erase(entry);
  notes_.touched(s, child);
}

void Incoming::look(Step& s, const Child& child) {
  if (coming_.empty()) return;
  const auto entry = coming_.find(child.ref);
  if (entry == coming_.end()) return;
  if (!child.wanted() || child.row()->birth != entry->second.arrival.birth) discard(s, entry);
}

// The source is no more: what is ready is all that there is. Where the same start of the node goes on with
// its children, in a new session, it has taken back what it offered.
void Incoming::session_ended(Step& s, PeerIndex peer, bool goes_on) {
  for (auto entry = coming_.begin(); entry != coming_.end();) {
    const auto next = std::next(entry);
    if (entry->second.from == peer) {
      if (goes_on)
        discard(s, entry);
      else if (entry->second.ready)
        open(s, entry);
      else
        entry->second.from = no_peer;
    }
    entry = next;
  }
}

void Incoming::own_session_ended(Step& s) {
  while (!coming_.empty()) discard(s, coming_.begin());
}

void Incoming::on_time(Step& s) {
  for (std::size_t left = s.settings.step_budget; left > 0 && deadline() <= s.time(); --left)
    say_ready(s, coming_.find(timers_.begin()->second));
}

}  // namespace brood::core
