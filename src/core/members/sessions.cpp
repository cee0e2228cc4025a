#include "core/members/sessions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "core/members/takeover_delay.hpp"

namespace brood::core {
namespace {

// Placement depends on these, so nodes that differ in them do not have the same view.
std::uint64_t hash_row(const Member& member) {
  std::uint64_t hash = stable_hash64(member.session.node.text());
  hash = combine64(hash, member.session.creation);
  hash = combine64(hash, member.session.session);
  hash = combine64(hash, static_cast<std::uint64_t>(member.state));
  hash = combine64(hash, member.weight);
  if (member.turn > 0) hash = combine64(hash, member.turn);
  hash = combine64(hash, member.offers.hash());
  for (const auto& [node, entry] : member.roster)
    hash = combine64(combine64(hash, stable_hash64(node.text())),
                     entry.clock.value * 2 + (entry.listed ? 1 : 0));
  for (const auto& [node, entry] : member.forgotten)
    hash = combine64(combine64(hash, stable_hash64(node.text())),
                     entry.clock.value * 2 + (entry.listed ? 1 : 0));
  return hash;
}

std::string nodes_text(const Settings& settings) {
  const std::set<NodeName> nodes(settings.ring_nodes.begin(), settings.ring_nodes.end());
  std::string text;
  for (const NodeName& node : nodes) text += (text.empty() ? "" : " ") + node.text();
  return text.empty() ? "all" : text;
}

std::map<std::string, std::string> fingerprint_of(const Settings& settings) {
  const Strategies& strategies = settings.strategies;
  std::map<std::string, std::string> print{{"supervisor", settings.supervisor},
                                           {"nodes", nodes_text(settings)},
                                           {"monitor_nodes", settings.fixed_ring ? "false" : "true"},
                                           {"distribution", strategies.distribution->name()},
                                           {"redundancy", strategies.redundancy->name()},
                                           {"migration", strategies.migration->name()},
                                           {"synchronisation", strategies.synchronisation->name()},
                                           {"partition", strategies.partition->name()}};
  // How long both sides of a split may run a child follows from these, if they are the same on both.
  if (strategies.partition->locks())
    print["takeover"] =
        fmt::format("tick_timeout_ms={} takeover_delay_ms={} locked_stop_ms={}", settings.tick_timeout / 1ms,
                    takeover_delay(settings) / 1ms, stop_within(settings) / 1ms);
  return print;
}

}  // namespace

Sessions::Sessions(const Settings& settings, const PeerTable& peers, Outbox& outbox, Notes& notes)
    : peers_(peers), outbox_(outbox), notes_(notes) {
  self_.session = {settings.self, settings.creation, 1};
  self_.version = 1;
  self_.weight = settings.participates ? settings.weight : 0;
  self_.offers = settings.offers;
  self_.labels = settings.labels;
  self_.address = settings.address;
  for (const NodeName& node : settings.ring_nodes) self_.roster.emplace(node, RosterEntry{});
  self_.fingerprint = fingerprint_of(settings);
  self_hash_ = hash_row(self_);
}

const Member* Sessions::member(PeerIndex peer) const {
  if (peer == self_index) return &self_;
  const Row& row = rows_[peer];
  return row.member ? &*row.member : nullptr;
}

std::uint64_t Sessions::hash_of(PeerIndex peer) const {
  return peer == self_index ? self_hash_ : rows_[peer].hash;
}

std::uint64_t Sessions::over(const NodeName& node, std::uint32_t creation) const {
  const auto found = over_.find(node);
  if (found == over_.end()) return 0;
  const auto session = found->second.sessions.find(creation);
  return session == found->second.sessions.end() ? 0 : session->second;
}

bool Sessions::is_over(const SessionId& session) const {
  return session.session <= over(session.node, session.creation);
}

void Sessions::add_other(PeerIndex peer) {
  const auto at =
      std::lower_bound(others_.begin(), others_.end(), peers_.name(peer),
                       [this](PeerIndex other, const NodeName& name) { return peers_.name(other) < name; });
  if (at == others_.end() || *at != peer) others_.insert(at, peer);
}

void Sessions::begin(Step& s, PeerIndex peer, const Member& row) {
  ++changes_;
  rows_[peer] = {row, hash_row(row)};
  lost_.erase(row.session.node);
  add_other(peer);
  set_unreached(s, row.session.node, false);
  s.member(row.session, row.state, "connected");
  notes_.session_began(s, peer);
  notes_.member_changed(s, peer);
}

void Sessions::update(Step& s, PeerIndex peer, const Member& row) {
  Row& known = rows_[peer];
  if (!known.member || row.session != known.member->session || row.version <= known.member->version) return;
  if (row.state == MemberState::left || row.state == MemberState::down) return;
  const bool new_state = row.state != known.member->state;
  ++changes_;
  known = {row, hash_row(row)};
  notes_.member_changed(s, peer);
  if (new_state) s.member(row.session, row.state, "");
}

void Sessions::end(Step& s, PeerIndex peer, Loss loss, const std::string& words) {
  Row& row = rows_[peer];
  if (!row.member) return;
  loss.session = row.member->session;
  loss.member = std::make_shared<const Member>(*row.member);
  const MemberState state = loss.how == Ending::left ? MemberState::left : MemberState::down;
  Over& over = over_[loss.session.node];
  auto& greatest = over.sessions[loss.session.creation];
  greatest = std::max(greatest, loss.session.session);
  over.until = s.time() + s.settings.forget_after;
  forget_.emplace_back(over.until, loss.session.node);
  if (loss.how != Ending::left) lost_.insert(loss.session.node);
  ++changes_;
  row = {};
  std::erase(others_, peer);
  set_unreached(s, loss.session.node, loss.how == Ending::silent);
  s.member(loss.session, state, words);
  s.log(state == MemberState::down ? LogLevel::warning : LogLevel::info,
        fmt::format("{} is {}: {}", loss.session.node.text(), to_string(state), words));
  notes_.session_ended(s, peer, loss);
}

void Sessions::publish_self(Step& s) {
  ++changes_;
  ++self_.version;
  self_hash_ = hash_row(self_);
  outbox_.set_member(self_);
  notes_.member_changed(s, self_index);
}

void Sessions::set_state(Step& s, MemberState state, std::string_view words) {
  if (self_.state == MemberState::draining && state == MemberState::up) ++self_.turn;
  self_.state = state;
  if (state == MemberState::up && self_.up_since == Hlc{}) self_.up_since = s.tick();
  publish_self(s);
  s.member(self_.session, state, std::string(words));
}

void Sessions::set_offers(Step& s, const Offers& offers, std::uint32_t weight) {
  if (self_.offers == offers && self_.weight == weight) return;
  self_.offers = offers;
  self_.weight = weight;
  if (self_.state != MemberState::joining) ++self_.turn;
  publish_self(s);
}

void Sessions::set_unreached(Step& s, const NodeName& node, bool yes) {
  if (yes ? self_.unreached.insert(node).second : self_.unreached.erase(node) != 0) publish_self(s);
}

void Sessions::set_cuts(Step& s, std::vector<Cut> cuts) {
  if (self_.cuts == cuts) return;
  self_.cuts = std::move(cuts);
  publish_self(s);
}

void Sessions::set_roster(Step& s, const std::map<NodeName, RosterEntry>& roster) {
  self_.roster = roster;
  publish_self(s);
}

void Sessions::set_forgotten(Step& s, const std::map<NodeName, RosterEntry>& nodes) {
  self_.forgotten = nodes;
  publish_self(s);
}

// That its sessions are over is still known.
void Sessions::forget(Step& s, const NodeName& node) {
  lost_.erase(node);
  set_unreached(s, node, false);
}

void Sessions::leave(Step& s) {
  ++changes_;
  self_.state = MemberState::left;
  s.member(self_.session, MemberState::left, "left in good order");
}

void Sessions::end_own(Step& s, bool keeps, const std::string& words) {
  s.member(self_.session, MemberState::down, words);
  s.log(LogLevel::warning,
        fmt::format("our session is over: {}; {}", words, keeps ? "going on in a new one" : "joining anew"));
  ++changes_;
  ++self_.session.session;
  ++self_.version;
  if (keeps) {
    s.member(self_.session, self_.state, "goes on in a new session");
  } else {
    self_.state = MemberState::joining;
    self_.up_since = {};
  }
  self_hash_ = hash_row(self_);
  notes_.own_session_ended(s, keeps, words);
  notes_.member_changed(s, self_index);
}

void Sessions::rename(Step& s, const NodeName& name, std::uint32_t creation, const std::string& address) {
  self_.session = {name, creation, self_.session.session};
  self_.address = address;
  publish_self(s);
  s.member(self_.session, self_.state, "has a name");
}

void Sessions::on_time(Step& s) {
  while (!forget_.empty() && forget_.front().first <= s.time()) {
    const auto [until, node] = forget_.front();
    forget_.pop_front();
    const auto over = over_.find(node);
    if (over == over_.end() || over->second.until > until) continue;
    over_.erase(over);
    lost_.erase(node);
    set_unreached(s, node, false);
  }
}

Duration Sessions::deadline() const {
  return forget_.empty() ? Duration::max() : forget_.front().first;
}

}  // namespace brood::core
