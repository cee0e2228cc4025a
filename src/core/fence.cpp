// Fencing: a node that slept, or that hears nobody, holds its children back until the others have confirmed
// that they still take it for a member. What was buffered before a sleep proves nothing; an answer to a new
// question does.
#include <fmt/format.h>

#include <algorithm>

#include "core/state.hpp"

namespace brood::core {

void Machine::check_gap(Duration gap) {
  heard_ = now_.monotonic;
  next_probe_ = std::min(next_probe_, now_.monotonic + settings_.tick_timeout / 16);
  given_up_ = false;
  if (!has_members()) return;
  // First read what came while we slept.
  const Duration earliest = now_.monotonic - settings_.tick_timeout + settings_.tick_timeout / 4;
  for (Peer& peer : peers_)
    if (peer.lost_at) peer.lost_at = std::max(*peer.lost_at, earliest);
  fence("this node did not run for a while");
  // So long that the others must have declared us down, even if those that did are gone by now.
  if (gap >= settings_.tick_timeout) session_over(false, "this node did not run for the whole tick time-out");
}

// Time in which this node did not run says nothing about the others.
void Machine::forgive(Duration gap) {
  if (gap <= settings_.tick_timeout / 8) return;
  for (Peer& peer : peers_)
    if (peer.lost_at) peer.lost_at = std::min(now_.monotonic, *peer.lost_at + gap);
}

void Machine::tend_fence() {
  if (!has_members()) {
    heard_ = now_.monotonic;
    next_probe_ = now_.monotonic + settings_.tick_timeout / 16;
    maybe_unfence();
    return;
  }
  const Duration silence = now_.monotonic - heard_;
  if (!fenced_ && silence > settings_.tick_timeout / 2) fence("nothing was heard from any member");
  if (now_.monotonic < next_probe_) return;
  next_probe_ = now_.monotonic + settings_.tick_timeout / 16;
  if (fenced_)
    send_probes(true);
  else if (silence >= settings_.tick_timeout / 4)
    send_probes(false);
}

void Machine::fence(const std::string& words) {
  const bool again = fenced_;
  fenced_ = true;
  effects_.fence = true;
  ++nonce_;
  for (Peer& peer : peers_) peer.must_answer = &peer != &peers_.front() && peer.member.has_value();
  if (!again) log(LogLevel::warning, fmt::format("fenced: {}", words));
  send_probes(true);
}

void Machine::send_probes(bool all) {
  std::size_t sent = 0;
  for (std::size_t tried = 1; tried < peers_.size() && (all || sent < 3); ++tried) {
    probe_turn_ = probe_turn_ % (peers_.size() - 1) + 1;
    Peer& peer = peers_[probe_turn_];
    if (!peer.member || !peer.hello_in || (all && !peer.must_answer)) continue;
    send(peer, Probe{nonce_});
    ++sent;
  }
}

void Machine::on_message(PeerIndex from, const Probe& probe) {
  Peer& peer = peers_[from];
  const bool over = !peer.member && peer.over.count(peer.creation) != 0;
  if (!over && !(peer.member && peer.hello_in)) return;
  send(peer, ProbeAck{probe.nonce, over});
}

void Machine::on_message(PeerIndex from, const ProbeAck& ack) {
  Peer& peer = peers_[from];
  if (ack.nonce != nonce_ || !peer.member) return;
  if (ack.session_over) {
    session_over(false, fmt::format("{} had declared this node down", peer.name.value));
    return;
  }
  peer.must_answer = false;
  maybe_unfence();
}

void Machine::maybe_unfence() {
  if (!fenced_ || give_up_) return;
  for (const Peer& peer : peers_)
    if (peer.must_answer) return;
  unfence();
}

void Machine::unfence() {
  fenced_ = false;
  effects_.fence = false;
  reconcile_all_ = true;
  heard_ = now_.monotonic;
  for (Peer& peer : peers_) peer.must_answer = false;
  log(LogLevel::info, "no longer fenced");
}

// Ends what others run too, and what had been told to end: those who asked for that may have had their answer
// since. True once all of it is gone (or does not end within two tick time-outs).
bool Machine::gave_up() {
  if (!given_up_) {
    given_up_ = true;
    give_up_until_ = now_.monotonic + 2 * settings_.tick_timeout;
    giving_up_.clear();
    for (const auto& [id, child] : table_.children())
      if (child.own && (child.hosted.size() > 1 || child.own->stopping != StopWhy::none))
        giving_up_.insert(id);
    for (const ChildId& id : giving_up_) {
      Child& child = *table_.find(id);
      // Behind the fence nobody ends in good order: one that was told to, before, has to be killed.
      if (child.own->stopping != StopWhy::none)
        effects_.stops.push_back({id, child.own->epoch, Shutdown{0ms, false}, cause()});
      else
        end_own(id, child, StopWhy::conflict);
    }
  }
  std::erase_if(giving_up_, [&](const ChildId& id) {
    const Child* child = table_.find(id);
    return !child || !child->own;
  });
  if (giving_up_.empty()) return true;
  if (now_.monotonic < give_up_until_) return false;
  log(LogLevel::error, fmt::format("{} children do not end, {} among them; going on all the same",
                                   giving_up_.size(), giving_up_.begin()->text()));
  return true;
}

}  // namespace brood::core
