#include "core/members/joining.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/members/reachability.hpp"
#include "core/members/takeover_delay.hpp"

namespace brood::core {

void Joining::boot(Step& s) {
  booted_ = true;
  form_at_ = s.time() + s.settings.form_wait;
}

void Joining::dial_seeds(Step& s, PeerTable& peers) {
  for (const NodeName& seed : s.settings.join) {
    if (seed == s.settings.self) continue;
    const PeerIndex peer = peers.obtain(seed);
    if (!std::exchange(meetings_[peer].seed, true)) seeds_.push_back(peer);
    if (!links_[peer].channel && !links_[peer].connecting) links_.dial(s, peer);
  }
}

void Joining::await_hello(Step& s, PeerIndex peer) {
  hello_until_.emplace(s.time() + s.settings.reconnect_every, peer);
}

void Joining::said_hello(PeerIndex peer) {
  meetings_[peer].settled = meetings_[peer].is_node = true;
  unmet_.erase(peers_.name(peer));
  std::erase_if(hello_until_, [peer](const auto& one) { return one.second == peer; });
}

void Joining::learn(Step& s, PeerIndex peer, const SessionId& session) {
  Meeting& meeting = meetings_[peer];
  if (meeting.refused) return;
  if (meeting.learned != session) {
    meeting.learned = session;
    meeting.missed = false;
    learned_until_.emplace(s.time() + s.settings.tick_timeout, peer);
  }
  if (!links_[peer].channel && !links_[peer].connecting) links_.dial(s, peer);
}

void Joining::met(const Step& s, PeerIndex peer) {
  auto& learned = meetings_[peer].learned;
  if (learned) met_at_ = s.time();
  learned.reset();
}

void Joining::give_up_meeting(Step& s, PeerIndex peer) {
  if (meetings_[peer].learned && sessions_.self().state == MemberState::joining)
    notes_.meeting_failed(s, peers_.name(peer), false);
  meetings_[peer].learned.reset();
}

void Joining::refused(Step& s, PeerIndex peer, const std::string& why) {
  ++s.stats.refused_messages;
  meetings_[peer].refused = meetings_[peer].settled = true;
  give_up_meeting(s, peer);
  const bool joins = sessions_.self().state == MemberState::joining;
  const bool first = joins && !stays_out();
  if (first) why_out_ = why;
  s.log(
      LogLevel::error,
      fmt::format("{} cannot be a member with us: {}; {}", peers_.name(peer).text(), why,
                  joins ? "this node stays out, and runs nothing here, until it is started anew with the same"
                        : "it stays out until it is started anew with the same"));
  if (!first) return;
  s.effects.refused = why_out_;
  notes_.stays_out(s);
}

// Others may have come up while this node slept, and run what it runs: all it ever knew must answer or fail
// before it is up again.
void Joining::ask_anew(Step& s, PeerIndex peer) {
  meetings_[peer].settled = false;
  const Link& link = links_[peer];
  if (link.channel)
    await_hello(s, peer);
  else if (link.connecting)
    links_.dial_again(peer);
  else
    links_.dial(s, peer);
}

void Joining::anew(Step& s, bool rejoins) {
  form_at_ = s.time() + s.settings.form_wait;
  if (rejoins) await_until_ = s.time() + s.settings.tick_timeout;
  told_.clear();
  unmet_.clear();
  std::vector<PeerIndex> ask;
  for (const auto& [name, peer] : peers_.all()) {
    if (peer == self_index) continue;
    Meeting& meeting = meetings_[peer];
    meeting.told = false;
    const bool counts = meeting.seed || (rejoins && meeting.is_node);
    if (counts && !links_[peer].open && !meeting.refused) ask.push_back(peer);
  }
  for (const PeerIndex peer : ask) ask_anew(s, peer);
}

void Joining::told_of(const Step& s, const NodeName& node) {
  if (sessions_.self().state != MemberState::joining) return;
  told_.insert(node);
  if (const PeerIndex peer = peers_.find(node); peer == no_peer || !sessions_.member(peer))
    unmet_.emplace(node, s.time());
}

std::vector<NodeName> Joining::unmet(const Step& s) const {
  const Duration counts_for = cut_after(s.settings) + takeover_delay(s.settings);
  std::vector<NodeName> all;
  for (const auto& [node, since] : unmet_)
    if (s.time() < since + counts_for) all.push_back(node);
  return all;
}

bool Joining::has_missed() const {
  const bool one_by_name = std::any_of(told_.begin(), told_.end(), [this](const NodeName& node) {
    const PeerIndex peer = peers_.find(node);
    return peer == no_peer || !sessions_.member(peer);
  });
  const auto& peers = peers_.all();
  return one_by_name || std::any_of(peers.begin(), peers.end(), [this](const auto& one) {
           return meetings_[one.second].told && !sessions_.member(one.second);
         });
}

void Joining::is_gone(const NodeName& node) {
  told_.erase(node);
  unmet_.erase(node);
  if (const PeerIndex peer = peers_.find(node); peer != no_peer) meetings_[peer].told = false;
}

// Of one that has no index any more the name is kept.
void Joining::reset(PeerIndex peer) {
  if (meetings_[peer].told) told_.insert(peers_.name(peer));
  meetings_.reset(peer);
}

bool Joining::may_become_up(const Step& s, bool rejoins) const {
  if (!booted_ || stays_out() || sessions_.self().state != MemberState::joining) return false;
  if (fence_.is_fenced() && !rejoins) return false;
  bool formed = rejoins || (s.settings.join.empty() && !s.settings.discovers);
  std::uint32_t here = 1;
  for (const PeerIndex peer : sessions_.others()) {
    if (!tables_.holds_table_of(peer) || fence_.waits_for(peer)) return false;
    ++here;
    formed = formed || !sessions_.in_state(peer, MemberState::joining);
  }
  for (const auto& [name, peer] : peers_.all()) {
    if (peer == self_index || sessions_.member(peer)) continue;
    const Meeting& meeting = meetings_[peer];
    if (meeting.learned && !meeting.missed) return false;
    // One that refuses this node does not keep it from those that let it in.
    const bool elsewhere = meeting.refuses_us && (formed || here > 1);
    if ((meeting.seed || rejoins) && !meeting.settled && !elsewhere) return false;
  }
  if (formed || s.time() >= form_at_) return true;
  return s.settings.expect > 0 && here >= s.settings.expect;
}

void Joining::on_time(Step& s) {
  if (await_until_ && *await_until_ <= s.time()) {
    await_until_.reset();
    for (const auto& [name, peer] : peers_.all()) {
      const Link& link = links_[peer];  // one that is being reached for has its time
      if (!link.open && !link.connecting && !meetings_[peer].refuses_us) settle(peer);
    }
  }
  while (!hello_until_.empty() && hello_until_.begin()->first <= s.time()) {
    const PeerIndex peer = hello_until_.begin()->second;
    hello_until_.erase(hello_until_.begin());
    // One that others know as a member is busy, and has its time below.
    if (links_[peer].channel && !links_[peer].open && !awaits(peer)) meetings_[peer].settled = true;
  }
  while (!learned_until_.empty() && learned_until_.begin()->first <= s.time()) {
    const PeerIndex peer = learned_until_.begin()->second;
    learned_until_.erase(learned_until_.begin());
    Meeting& meeting = meetings_[peer];
    if (!meeting.learned || meeting.missed || sessions_.self().state != MemberState::joining) continue;
    // Where very many nodes boot on machines that are too small for that, all are met, but not soon: only the
    // time in which nobody is met says anything.
    if (met_at_ > s.time() - s.settings.tick_timeout) {
      learned_until_.emplace(met_at_ + s.settings.tick_timeout, peer);
      continue;
    }
    meeting.missed = true;
    notes_.meeting_failed(s, peers_.name(peer), true);
  }
}

Duration Joining::deadline(Duration now) const {
  Duration next = Duration::max();
  if (!hello_until_.empty()) next = std::min(next, hello_until_.begin()->first);
  if (sessions_.self().state != MemberState::joining) return next;
  if (!learned_until_.empty()) next = std::min(next, learned_until_.begin()->first);
  if (form_at_ > now) next = std::min(next, form_at_);
  if (await_until_) next = std::min(next, *await_until_);
  return next;
}

}  // namespace brood::core
