#include "core/members/fence.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::core {

void Fence::boot(Step& s) {
  heard_ = s.time();
  next_probe_ = s.time() + s.settings.tick_timeout / 16;
}

void Fence::on_time(Step& s) {
  const Duration timeout = s.settings.tick_timeout;
  const bool due = s.time() >= next_probe_;
  if (sessions_.others().empty()) {
    heard_ = s.time();
    if (due) next_probe_ = s.time() + timeout / 16;
    return;
  }
  const Duration silence = s.time() - heard_;
  if (!fenced_ && silence > timeout / 2) close(s, "nothing was heard from any member");
  if (!due) return;
  next_probe_ = s.time() + timeout / 16;
  if (fenced_)
    probe(true);
  else if (silence >= timeout / 4)
    probe(false);
}

void Fence::close(Step& s, const std::string& words) {
  const bool again = fenced_;
  fenced_ = true;
  s.effects.fence = true;
  ++nonce_;
  next_probe_ = std::min(next_probe_, s.time() + s.settings.tick_timeout / 16);
  for (const PeerIndex peer : sessions_.others()) waiting_[peer] = true;
  if (!again) s.log(LogLevel::warning, fmt::format("fenced: {}", words));
  probe(true);
  if (!again) notes_.fenced(s, words);
}

void Fence::open(Step& s) {
  fenced_ = false;
  s.effects.fence = false;
  heard_ = s.time();
  s.log(LogLevel::info, "no longer fenced");
  notes_.unfenced(s);
}

void Fence::trust_all() {
  for (const PeerIndex peer : sessions_.others()) waiting_[peer] = false;
}

bool Fence::may_open(bool held) const {
  const auto& others = sessions_.others();
  return fenced_ && !held &&
         std::none_of(others.begin(), others.end(), [this](PeerIndex peer) { return waiting_[peer]; });
}

// All that are waited for, or three of those who might answer.
void Fence::probe(bool all) {
  const auto& others = sessions_.others();
  std::size_t sent = 0;
  for (std::size_t tried = 0; tried < others.size() && (all || sent < 3); ++tried) {
    const PeerIndex peer = others[turn_++ % others.size()];
    if (!links_[peer].open || (all && !waiting_[peer])) continue;
    sender_.send(peer, Probe{nonce_});
    ++sent;
  }
}

void Fence::began(Step& s, PeerIndex peer) {
  waiting_[peer] = fenced_;
  heard_ = s.time();
}

// Its Hello may have lain in our buffers since before we slept; only an answer to a new question counts.
void Fence::greeted(Step&, PeerIndex peer) {
  if (waiting_[peer]) sender_.send(peer, Probe{nonce_});
}

void Fence::on_probe(PeerIndex from, const Probe& probe) {
  const Link& link = links_[from];
  const Member* member = sessions_.member(from);
  const bool over = !member && sessions_.over(sessions_.name(from), link.creation) != 0;
  if (!over && !(member && link.open)) return;
  sender_.send(from, ProbeAck{probe.nonce, over});
}

bool Fence::on_answer(PeerIndex from, const ProbeAck& ack) {
  if (ack.nonce != nonce_ || !sessions_.member(from)) return false;
  if (!ack.session_over) waiting_[from] = false;
  return ack.session_over;
}

}  // namespace brood::core
