// One step: events in, effects out; what each event means is elsewhere.
#include "core/state.hpp"

namespace brood::core {
namespace {

struct EventName {
  std::string_view operator()(const Boot&) const { return "boot"; }
  std::string_view operator()(const Tick&) const { return "tick"; }
  std::string_view operator()(const PeerUp&) const { return "peer_up"; }
  std::string_view operator()(const PeerDown&) const { return "peer_down"; }
  std::string_view operator()(const ConnectFailed&) const { return "connect_failed"; }
  std::string_view operator()(const PeerMessage&) const { return "peer_message"; }
  std::string_view operator()(const Started&) const { return "started"; }
  std::string_view operator()(const StartFailed&) const { return "start_failed"; }
  std::string_view operator()(const Exited&) const { return "crash"; }
  std::string_view operator()(const StuckChanged&) const { return "stuck"; }
  std::string_view operator()(const Crashing&) const { return "crashing"; }
  std::string_view operator()(const ClientStart&) const { return "client_start"; }
  std::string_view operator()(const ClientStop&) const { return "client_stop"; }
  std::string_view operator()(const ClientRetry&) const { return "client_retry"; }
  std::string_view operator()(const ClientLookup&) const { return "client_lookup"; }
  std::string_view operator()(const ClientGone&) const { return "client_gone"; }
  std::string_view operator()(const ClientDrain&) const { return "drain"; }
  std::string_view operator()(const SettingsChanged&) const { return "settings"; }
  std::string_view operator()(const Renamed&) const { return "renamed"; }
};

}  // namespace

Machine::Machine(Settings settings)
    : settings_(std::move(settings)),
      ring_(*strategies_.distribution),
      table_(settings_.self, settings_.creation) {
  table_.on_end = [this](const ChildId& id, const SpecRow& row) { remember_finished(row.request, id); };
  Peer& self = peers_.emplace_back();
  self.name = settings_.self;
  self.creation = settings_.creation;
  peer_names_[self.name] = self_index;
  Member row;
  row.session = {settings_.self, settings_.creation, 1};
  row.version = 1;
  row.weight = settings_.participates ? settings_.weight : 0;
  row.offers = settings_.offers;
  row.labels = settings_.labels;
  row.address = settings_.address;
  row.fingerprint = {{"distribution", "weighted_rendezvous/1"},
                     {"redundancy", "singularity/1"},
                     {"partition", "divergence/1"},
                     {"supervisor", settings_.supervisor}};
  self.member = std::move(row);
}

const Effects& Machine::step(std::span<const Event> events, const Now& now) {
  effects_ = Effects{};
  replies_.clear();
  ++stats_.steps;
  const bool had_left = left_;
  if (!had_left) keep_time(now);
  for (const Event& event : events) {
    event_ = std::visit(EventName{}, event);
    if (left_) {
      only_refuse(event);
      continue;
    }
    std::visit([this](const auto& one) { handle(one); }, event);
    after_event();
  }
  if (!had_left) flush();
  return effects_;
}

void Machine::keep_time(const Now& now) {
  const Now before = now_;
  now_ = now;
  if (!booted_) return;
  forgive(now.monotonic - before.monotonic);
  const Duration gap = now.boot - before.boot;
  if (gap > settings_.tick_timeout / 2) check_gap(gap);
  if (gap > settings_.tick_timeout / 8) join_anew();
}

/// A node that has left decides nothing any more; clients are told so.
void Machine::only_refuse(const Event& event) {
  std::visit(
      [this](const auto& one) {
        if constexpr (requires { one.client; }) handle(one);
      },
      event);
}

void Machine::after_event() {
  on_timers();
  maybe_become_up();
  tend_view();
  drain_inbox();
  settle_touched();
  tend_moves();
  settle_touched();
  settle_outcomes();
  tend_drain();
  if (view_dirty_) {
    tend_view();
    settle_touched();
  }
  details_.clear();
}

/// More than once where what the view says changes this node itself: nothing is decided by a view of before.
void Machine::tend_view() {
  do {
    refresh_view();
    check_confirmed();
  } while (view_dirty_);
}

void Machine::on_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_.monotonic) {
    touch(timers_.begin()->second);
    timers_.erase(timers_.begin());
  }
  tend_peers();
  tend_fence();
  tend_origins();
}

void Machine::wake(const ChildId& id, Duration at) {
  timers_.emplace(at, id);
}

void Machine::log(LogLevel level, std::string text) {
  effects_.log.push_back({level, std::move(text)});
}

void Machine::handle(const Boot&) {
  if (booted_) return;
  booted_ = true;
  form_at_ = now_.monotonic + settings_.form_wait;
  heard_ = now_.monotonic;
  next_check_ = now_.monotonic + settings_.sync_interval;
  next_probe_ = now_.monotonic + settings_.tick_timeout / 16;
  join_seeds();
}

void Machine::join_seeds() {
  for (const NodeName& seed : settings_.join) {
    if (seed == settings_.self) continue;
    Peer& peer = peers_[peer_index(seed)];
    peer.seed = true;
    if (!peer.channel && !peer.connecting) connect(peer);
  }
}

void Machine::handle(const SettingsChanged& event) {
  Member& row = *peers_[self_index].member;
  const std::uint32_t weight = settings_.participates ? event.weight : 0;
  if (row.offers == event.offers && row.weight == weight) return;
  settings_.offers = row.offers = event.offers;
  settings_.weight = event.weight;
  row.weight = weight;
  self_changed();
  view_dirty_ = true;
}

void Machine::handle(const PeerMessage& event) {
  const PeerIndex from = find_peer(event.from);
  if (from == no_peer || from == self_index || !peers_[from].channel ||
      peers_[from].creation != event.creation) {
    ++stats_.refused_messages;
    return;
  }
  const Peer& peer = peers_[from];
  const bool first_words =
      std::holds_alternative<Hello>(event.body) || std::holds_alternative<Refusal>(event.body) ||
      std::holds_alternative<Probe>(event.body) || std::holds_alternative<ProbeAck>(event.body);
  if (!first_words && !(peer.member && peer.hello_in)) {
    ++stats_.refused_messages;
    return;
  }
  if (peer.member) heard_ = now_.monotonic;
  std::visit([&](const auto& body) { on_message(from, body); }, event.body);
}

Duration Machine::next_deadline() const {
  if (left_ || !booted_) return Duration::max();
  Duration next = Duration::max();
  const auto at = [&](Duration when) { next = std::min(next, when); };
  const bool members = has_members();
  if (members) at(next_check_);
  // One that joins wakes as often, so that a longer gap shows that it slept.
  if (members || self().state == MemberState::joining) at(next_probe_);
  for (const Peer& peer : peers_) {
    if (!peer.channel && !peer.connecting) at(peer.next_connect);
    if (peer.channel && !peer.hello_in) at(peer.settle_at);
    if (peer.member && peer.lost_at) at(*peer.lost_at + settings_.tick_timeout);
    if (peer.learned && !peer.member && !peer.missed && self().state == MemberState::joining)
      if (const Duration until = peer.learned_at + settings_.tick_timeout; until > now_.monotonic) at(until);
  }
  if (self().state == MemberState::joining && form_at_ > now_.monotonic) at(form_at_);
  if (!confirmed_ && !forced_) at(unconfirmed_since_ + settings_.view_wait);
  if (!timers_.empty()) at(timers_.begin()->first);
  if (!origins_.empty()) at(origins_.begin()->second.deadline);
  if (!repeats_.empty()) at(repeats_.begin()->first);
  if (!works_until_.empty()) at(works_until_.front().first);
  if (!held_until_.empty()) at(std::get<0>(*held_until_.begin()));
  for (const auto& [id, until] : moving_) {
    if (moving_.size() > 64) {  // close enough, and cheap
      at(now_.monotonic + 1s);
      break;
    }
    at(until);
  }
  return std::max(next, now_.monotonic);
}

}  // namespace brood::core
