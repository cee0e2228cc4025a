// Which part handles which event.
#include <fmt/format.h>

#include "core/machine.hpp"

namespace brood::core {

void Machine::handle(Step& s, Boot&) {
  if (joining_.booted()) return;
  now_ = s.now;
  joining_.boot(s);
  views_.boot(joining_.form_at());
  fence_.boot(s);
  replication_.boot(s);
  joining_.dial_seeds(s, peers_);
}

/// A node that has left decides nothing any more; clients are told so.
void Machine::only_refuse(Step& s, Event& event) {
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.client; }) handle(s, one);
      },
      event);
  // Nothing else is to be done here, so there are as many portions as it takes.
  for (; origins_.has_work(); origins_.work(s))
    s.budget = std::max<std::size_t>({s.budget, settings_.step_budget, 1});
}

void Machine::handle(Step& s, PeerUp& event) {
  greeting_.on_channel_up(s, event, rejoin_.pending());
}

void Machine::handle(Step& s, PeerDown& event) {
  const PeerIndex peer = peers_.find(event.node);
  if (peer == no_peer || peer == self_index) return;
  channel_changed(s, peer);
  greeting_.take_back(peer);
  detector_.on_channel_down(s, peer, event.silent);
  reap_.insert(peer);
}

void Machine::handle(Step& s, ConnectFailed& event) {
  const PeerIndex peer = peers_.find(event.node);
  if (peer == no_peer || peer == self_index) return;
  detector_.on_dial_failed(s, peer, event);
  reap_.insert(peer);
}

void Machine::handle(Step& s, PeerMessage& event) {
  const PeerIndex from = peers_.find(event.from);
  if (from == no_peer || from == self_index || !links_[from].channel ||
      links_[from].creation != event.creation) {
    ++stats_.refused_messages;
    return;
  }
  const bool first_words =
      std::holds_alternative<Hello>(event.body) || std::holds_alternative<Refusal>(event.body) ||
      std::holds_alternative<Probe>(event.body) || std::holds_alternative<ProbeAck>(event.body);
  if (!first_words && !(sessions_.member(from) && links_[from].open)) {
    ++stats_.refused_messages;
    return;
  }
  if (sessions_.member(from)) fence_.heard(s);
  take_or_keep(s, from, event.body);
}

// What a peer says counts once this node holds what the peer changed before.
void Machine::take_or_keep(Step& s, PeerIndex from, MessageBody& body) {
  if (barrier_.holds(from) && !Barrier::passes(body)) {
    ++stats_.kept_back;
    return barrier_.keep(from, std::move(body));
  }
  std::visit([&](auto& one) { take(s, from, one); }, body);
}

void Machine::take(Step& s, PeerIndex from, Taken& taken) {
  replication_.on_taken(s, from, taken);
  if (taken.number == 0 || !settings_.strategies.synchronisation->passes_on()) return;
  MessageBody ack = DeltaAck{taken.number};
  take_or_keep(s, from, ack);
}

void Machine::take(Step& s, PeerIndex from, ProbeAck& ack) {
  if (fence_.on_answer(from, ack))
    return sessions_.end_own(s, false,
                             fmt::format("{} had declared this node down", peers_.name(from).text()));
}

void Machine::take(Step& s, PeerIndex from, Goodbye&) {
  detector_.end(s, from, Ending::left, "left in good order");
  links_.dial_at(from, Duration::max());
}

void Machine::take(Step&, PeerIndex, CensusNews& news) {
  if (quorum_.on_news(news)) views_.members_changed();
}

void Machine::take(Step& s, PeerIndex, Answer& answer) {
  for (Outcome& outcome : answer.outcomes) origins_.take(s, answer.request, answer.view, std::move(outcome));
}

void Machine::take(Step& s, PeerIndex from, Handovers& handovers) {
  s.spend(handovers.words.size());
  for (HandoverWord& word : handovers.words) std::visit([&](auto& one) { take(s, from, one); }, word);
}

// ---- this node's instances ---------------------------------------------------------------------------

void Machine::handle(Step& s, Started& event) {
  Child* child = locals_.find(event.id, event.epoch);
  if (!child) return;
  locals_.on_started(s, *child, event);
  reconciler_.touch(*child);
}

void Machine::handle(Step& s, StartFailed& event) {
  Child* child = locals_.find(event.id, event.epoch);
  if (!child) return;
  reconciler_.touch(*child);
  reconciler_.wake(*child, crashes_.on_failure(
                               s, *child, {false, false, std::move(event.reason), std::move(event.detail)}));
}

void Machine::handle(Step& s, Exited& event) {
  Child* child = locals_.find(event.id, event.epoch);
  if (!child) return;
  reconciler_.touch(*child);
  if (outgoing_.ended(s, *child)) return;
  reconciler_.wake(*child, crashes_.on_failure(s, *child, {true, event.normal, std::move(event.reason), {}}));
}

void Machine::handle(Step& s, RoleTaken& event) {
  Child* child = locals_.find(event.id, event.epoch);
  if (!child) return;
  roles_.on_taken(s, *child);
  reconciler_.touch(*child);
}

void Machine::handle(Step& s, StuckChanged& event) {
  Child* child = locals_.find(event.id, event.epoch);
  if (!child) return;
  if (!event.stuck) rejoin_.handler_returned(s, *child);
  locals_.on_stuck(s, *child, event.stuck);
  reconciler_.touch(*child);  // only what runs is handed over
}

void Machine::handle(Step& s, HealthChanged& event) {
  if (Child* child = locals_.find(event.id, event.epoch)) locals_.on_health(s, *child, event);
}

void Machine::handle(Step&, Crashing& event) {
  Epoch epoch = event.epoch;
  // The others know it by the epoch that is published: another, where it survived a conflict, or was started
  // before this node had its name.
  if (const Child* child = children_.find(event.id)) {
    const Instance* here = instances_.here(*child);
    const bool same =
        here && (here->epoch.clock == epoch.clock || (child->own() && child->own()->epoch == epoch));
    if (same) epoch = here->epoch;
  }
  for (const PeerIndex peer : sessions_.others())
    if (links_[peer].open) links_.send(peer, Obituary{event.id, epoch});
}

// ---- clients and settings ----------------------------------------------------------------------------

void Machine::handle(Step& s, ClientRoster& event) {
  if (!drain_.has_left()) return roster_.change(s, event);
  Outcome outcome;
  outcome.error = has_left(settings_.self);
  s.effects.replies.push_back({event.client, {std::move(outcome)}, true});
}

void Machine::handle(Step& s, ClientForget& event) {
  if (!drain_.has_left()) {
    roster_.drop(s, event.node);
    return forgotten_.ask(s, event);
  }
  Outcome outcome;
  outcome.error = has_left(settings_.self);
  s.effects.replies.push_back({event.client, {std::move(outcome)}, true});
}

void Machine::handle(Step&, ClientGone& event) {
  origins_.gone(event.client);
  roster_.forget(event.client);
  drain_.forget(event.client);
  quorum_.client_gone(event.client);
  forgotten_.client_gone(event.client);
}

void Machine::handle(Step& s, SettingsChanged& event) {
  settings_.offers = std::move(event.offers);
  settings_.weight = event.weight;
  sessions_.set_offers(s, settings_.offers, settings_.participates ? event.weight : 0);
}

void Machine::handle(Step& s, ClientReset& event) {
  if (drain_.has_left()) {
    Outcome outcome;
    outcome.error = has_left(settings_.self);
    s.effects.replies.push_back({event.client, {std::move(outcome)}, true});
    return;
  }
  if (quorum_.reset(s, event)) views_.members_changed();
}

// A node that was a cluster by itself gets a name under which others reach it. Its rows and epochs of before
// keep the old name: they only have to be unique and ordered, and nobody asks that node for anything. What
// does change is the session, because instances are found by it.
void Machine::handle(Step& s, Renamed& event) {
  if (peers_.size() > 1 || origins_.is_renamed()) {
    ++stats_.refused_messages;
    return;
  }
  s.log(LogLevel::info, fmt::format("{} is {} from now on", settings_.self.text(), event.self.text()));
  origins_.rename(settings_);
  const NodeName before = std::exchange(settings_.self, event.self);
  settings_.creation = event.creation;
  settings_.address = event.address;
  settings_.join = std::move(event.join);
  peers_.rename_self(event.self);
  rows_.rename(event.self, event.creation);
  sessions_.rename(s, event.self, event.creation, event.address);
  roster_.rename(s, before, event.self);
  instances_.set_self(sessions_.self().session);
  for (std::uint32_t slot = 0; slot < children_.slots(); ++slot)
    if (const Child* child = children_.at_slot(slot)) s.changed(child->id);
  if (joining_.booted()) joining_.dial_seeds(s, peers_);
}

}  // namespace brood::core
