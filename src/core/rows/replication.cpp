// Changes: out with each step, in in the order of their numbers.
#include "core/rows/replication.hpp"

#include <algorithm>

namespace brood::core {
namespace {
/// Changes of one Delta: more are cut into several, so that none takes a receiver long.
constexpr std::size_t delta_changes_max = 500;
}  // namespace

Replication::Changes& Replication::out() {
  if (out_.empty() || out_.back().size() >= delta_changes_max) out_.emplace_back();
  return out_.back();
}

void Replication::add(SpecChange change) {
  out().specs.push_back(std::move(change));
}

// One that starts and then runs, before anybody was told, runs.
void Replication::add(InstanceChange change) {
  const bool starts = change.instance && change.instance->phase == Phase::starting;
  if (change.instance && change.instance->phase == Phase::running) {
    for (Changes& changes : out_) {
      const auto found = changes.starting.find(change.id);
      if (found == changes.starting.end()) continue;
      InstanceChange& before = changes.instances[found->second];
      const bool is_same = before.instance->epoch == change.instance->epoch;
      changes.starting.erase(found);
      if (!is_same) break;
      before = std::move(change);
      return;
    }
  }
  Changes& changes = out();
  if (starts)
    changes.starting.insert_or_assign(change.id, static_cast<std::uint32_t>(changes.instances.size()));
  changes.instances.push_back(std::move(change));
}

void Replication::set_member(const Member& self) {
  out().member = self;
}

std::uint64_t Replication::newest() const {
  return number_ + out_.size();
}

// ---- who holds what ----------------------------------------------------------------------------------

bool Replication::is_replicated(std::uint64_t number) const {
  const auto& others = with_.sessions.others();
  return others.empty() || std::any_of(others.begin(), others.end(),
                                       [&](PeerIndex peer) { return peers_[peer].acknowledged >= number; });
}

bool Replication::tells_first(PeerIndex peer) const {
  return has_sent_table_to(peer) && with_.sessions.member(peer) != nullptr && !spread_.passes_on();
}

void Replication::wait(std::uint64_t number, const Child& child) {
  if (!is_replicated(number)) waits_.emplace(number, child.ref);
}

bool Replication::has_answered(PeerIndex peer, std::uint64_t number) const {
  return peers_[peer].acknowledged >= number && !is_behind(peer);
}

// Where members pass changes on, whoever is waited for is sent them besides. Else one after the other is
// waited for: all have been sent them.
bool Replication::have_all_answered(std::uint64_t number, const Child& child) {
  const Sessions& sessions = with_.sessions;
  bool all = true;
  for (const PeerIndex peer : sessions.others()) {
    if (sessions.in_state(peer, MemberState::joining) || has_answered(peer, number)) continue;
    all = false;
    wait_for(peer, number, child);
    if (!spread_.passes_on()) break;
  }
  return all;
}

void Replication::wait_for(PeerIndex peer, std::uint64_t number, const Child& child) {
  if (!has_answered(peer, number)) waits_for_.insert({peer, number, child.ref});
}

void Replication::check_waits(Step& s) {
  while (!waits_.empty() && is_replicated(waits_.begin()->first)) {
    if (Child* child = with_.children.get(waits_.begin()->second)) with_.notes.touched(s, *child);
    waits_.erase(waits_.begin());
  }
}

void Replication::check_waits_for(Step& s, PeerIndex peer) {
  const bool member = with_.sessions.member(peer) != nullptr;
  for (auto at = waits_for_.lower_bound({peer, 0, {}}); at != waits_for_.end();) {
    const auto& [of, number, ref] = *at;
    if (of != peer || (member && !has_answered(peer, number))) break;
    if (Child* child = with_.children.get(ref)) with_.notes.touched(s, *child);
    at = waits_for_.erase(at);
  }
}

// In changes that it has not acknowledged, of those that were sent to it.
std::uint64_t Replication::lag_of(const Peer& peer) const {
  if (spread_.passes_on()) return peer.out.untaken_weight;
  if (weights_.empty()) return 0;
  const std::uint64_t from = std::max(peer.acknowledged, peer.out.base);
  const std::uint64_t oldest = weights_.front().first;
  if (from < oldest) return weight_ - weights_.front().second;
  const std::size_t at = static_cast<std::size_t>(from - oldest);
  return at < weights_.size() ? weight_ - weights_[at].second : 0;
}

// Nobody lags more than that.
std::uint64_t Replication::lag_most() const {
  if (spread_.passes_on()) return untaken_weight_;
  return weights_.empty() ? 0 : weight_ - weights_.front().second;
}

bool Replication::is_congested(const Step& s) const {
  // Asked for each event, so not of each peer unless there is a reason.
  if (lag_most() <= s.settings.lag_max / 32) return false;
  constexpr Duration patience = 1s;  // one that hangs does not hold this node up
  const auto& others = with_.sessions.others();
  return std::any_of(others.begin(), others.end(), [&](PeerIndex peer) {
    const Peer& known = peers_[peer];
    return known.out.begun && !known.out.behind && lag_of(known) > s.settings.lag_max / 32 &&
           s.time() < known.acknowledged_at + patience;
  });
}

// ---- peers -------------------------------------------------------------------------------------------

void Replication::channel_changed(PeerIndex peer) {
  Peer& known = peers_[peer];
  // A table is broken off: what it has brought nobody may have but this node.
  if (known.in.receiving)
    for (const PeerIndex other : with_.sessions.others()) peers_[other].may_lack = true;
  unwatch(peer);
  blocked_.erase(peer);
  with_.barrier.reset(peer);
  forget_kept(peer);
  known.in = {};
  forget_untaken(known.out);
  known.out = {};
  due_.erase(peer);
  with_.rows.abandon(peer);
}

void Replication::reset(PeerIndex peer) {
  channel_changed(peer);
  peers_.reset(peer);
}

void Replication::session_ended(Step& s, PeerIndex peer) {
  relay_unstable(peer);
  salvage(s, peer);
  spread_.forget(peer);
  peers_[peer].acknowledged = 0;
  peers_[peer].round = 0;
  channel_changed(peer);
  check_waits(s);
  check_waits_for(s, peer);
}

// All survivors must hold the same of what it wrote before they act on a view without it: each passes on what
// the others may lack, before its View.
void Replication::relay_unstable(PeerIndex gone) {
  Peer& lost = peers_[gone];
  for (const PeerIndex peer : with_.sessions.others()) {
    if (peer == gone || !with_.links[peer].open) continue;
    // One that joins may not have met it yet.
    const bool lacks = peers_[peer].may_lack || with_.sessions.in_state(peer, MemberState::joining);
    if (lacks || lost.unstable_lost) want_table(peer);
  }
  if (!lost.unstable_lost)
    for (Unstable& one : lost.unstable) add(std::move(one.change));
  lost.unstable.clear();
  lost.unstable_lost = false;
}

void Replication::own_session_ended(Step&) {
  spread_.forget(self_index);
  for (const auto peer : with_.links.with_channel()) {
    Peer& known = peers_[peer];
    const bool open = with_.links[peer].open;
    auto digests = std::move(known.out.digests);
    channel_changed(peer);
    known.out.digests = std::move(digests);
    if (open) want_table(peer);
  }
  for (const PeerIndex peer : with_.sessions.others()) peers_[peer].acknowledged = 0;
}

PeerIndex Replication::take_turn(Step& s) {
  if (s.time() < next_check_) return no_peer;
  next_check_ = s.time() + spread_.sync_interval();
  if (spread_.passes_on()) {
    drop_old_unstable(s);
    begin_comparison(s);
    return no_peer;
  }
  const auto& others = with_.sessions.others();
  for (std::size_t tried = 0; tried < others.size(); ++tried) {
    const PeerIndex peer = others[turn_++ % others.size()];
    if (!peers_[peer].in.whole) continue;
    // Whoever has not got all that left before this on the channel has lost something.
    if (number_ > 0 && with_.links[peer].open && !peers_[peer].out.behind)
      with_.sender.send(peer, Have{{{with_.sessions.self().session, number_}}, false, {}, 0, {}, 0},
                        Rank::rows);
    return peer;
  }
  return no_peer;
}

// ---- Deltas that come --------------------------------------------------------------------------------

void Replication::on_delta(Step& s, PeerIndex from, Delta& delta) {
  In& in = peers_[from].in;
  if (spread_.passes_on()) {
    ++in.taken;
    due_.insert(from);
    const PeerIndex origin = with_.sessions.find(delta.sender.node);
    const Member* member =
        origin == no_peer || origin == self_index ? nullptr : with_.sessions.member(origin);
    if (member && member->session == delta.sender)
      on_batch(s, from, origin, delta);
    else
      ++s.stats.stale_rows;
    return;
  }
  if (delta.sender != with_.sessions.member(from)->session || in.expected == 0 ||
      delta.number < in.expected) {
    ++s.stats.stale_rows;
    return;
  }
  if (delta.number > in.expected) {
    in.leaps = true;
    return ask_for_table(from);
  }
  ++in.expected;
  if (in.receiving || !in.kept.empty())
    in.kept.push_back(std::move(delta));
  else
    (void)take_in(s, from, delta);
}

// False: what a third node did before it is not here yet, and where that may come by other ways the rest of
// the Delta waits for it.
bool Replication::take_in(Step& s, PeerIndex from, const Delta& delta) {
  s.spend(delta.specs.size() + delta.instances.size());
  Peer& peer = peers_[from];
  bool gap = false;
  for (const SpecChange& change : delta.specs) {
    gap = !with_.rows.apply(s, change) || gap;
    if (gap && spread_.passes_on()) return false;
  }
  keep_unstable(s, peer, delta);
  take_in_instances(s, from, delta);
  if (delta.member) with_.sessions.update(s, from, *delta.member);
  if (spread_.passes_on()) return true;
  due_.insert(from);
  peer.in.ack = delta.number;
  if (!gap) return true;
  peer.in.ack.reset();
  peer.in.leaps = true;
  ask_for_table(from);
  return false;
}

void Replication::keep_unstable(Step& s, Peer& peer, const Delta& delta) {
  for (const SpecChange& change : delta.specs) {
    if (peer.unstable.size() >= unstable_max) {
      peer.unstable.clear();
      peer.unstable_lost = true;
    }
    if (!peer.unstable_lost) peer.unstable.push_back({delta.number, change, s.time()});
    if (peer.unstable_lost) {
      peer.unstable_from = delta.number;
      peer.unstable_lost_at = s.time();
    }
  }
  while (!peer.unstable.empty() && peer.unstable.front().number <= delta.stable) peer.unstable.pop_front();
  if (peer.unstable_lost && delta.stable >= peer.unstable_from) peer.unstable_lost = false;
}

void Replication::take_in_instances(Step& s, PeerIndex from, const Delta& delta) {
  const In& in = peers_[from].in;
  for (const InstanceChange& change : delta.instances) {
    if (holds(in, change.id, delta.number)) continue;
    if (change.instance) {
      with_.instances.put(s, with_.children.obtain(change.id), from, *change.instance, change.detail);
    } else if (Child* child = with_.children.find(change.id)) {
      with_.instances.remove(s, *child, from, change.detail, change.gone ? &*change.gone : nullptr);
    }
  }
}

void Replication::ask_for_table(PeerIndex peer) {
  In& in = peers_[peer].in;
  in.expected = 0;
  in.ask = true;
  due_.insert(peer);
}

void Replication::on_ack(Step& s, PeerIndex from, const DeltaAck& ack) {
  if (ack.number > number_) {
    ++s.stats.refused_messages;
    return;
  }
  Peer& peer = peers_[from];
  peer.acknowledged = std::max(peer.acknowledged, ack.number);
  peer.acknowledged_at = s.time();
  forget_acknowledged();
  check_waits(s);
  check_waits_for(s, from);
}

// Each Delta is acknowledged by each member: as long as the slowest is not further, nothing can be forgotten.
void Replication::forget_acknowledged() {
  const auto got = [this](PeerIndex peer) {
    return std::max(peers_[peer].acknowledged, peers_[peer].out.base);
  };
  if (weights_.empty()) return;
  const bool known = slowest_ != self_index && with_.sessions.member(slowest_) && peers_[slowest_].out.begun;
  if (known && got(slowest_) <= weights_.front().first) return;
  std::uint64_t oldest = number_;
  slowest_ = no_peer;
  for (const PeerIndex other : with_.sessions.others()) {
    if (!peers_[other].out.begun || got(other) >= oldest) continue;
    oldest = got(other);
    slowest_ = other;
  }
  while (!weights_.empty() && weights_.front().first < oldest) weights_.pop_front();
}

void Replication::forget_untaken(Out& out) {
  untaken_weight_ -= out.untaken_weight;
  out.untaken_weight = 0;
  out.untaken.clear();
}

// ---- the end of a step -------------------------------------------------------------------------------

bool Replication::may_wait(const Step& s) const {
  if (s.effects.starts.empty() || spread_.passes_on() || with_.sessions.others().empty()) return false;
  if (out_.empty() || out_.size() > 1 || out_.front().member) return false;
  return waits_since_ == Duration::max() || s.time() - waits_since_ < wait_most;
}

void Replication::flush(Step& s) {
  waits_since_ = Duration::max();
  flush_deltas(s);
  flush_tables(s);
  flush_acks();
}

// It is told so then, and sent nothing until it has asked for the table.
bool Replication::is_too_far_behind(Step& s, PeerIndex peer) {
  Peer& known = peers_[peer];
  if (lag_of(known) <= s.settings.lag_max) return false;
  known.out.behind = true;
  ++s.stats.fell_behind;
  with_.sender.send(peer, Behind{}, Rank::rows);
  return true;
}

void Replication::flush_deltas(Step& s) {
  const auto relays = std::move(relays_);
  relays_.clear();
  for (const Relay& relay : relays) send_batch(s, relay.origin, relay.from, relay.batch);
  if (out_.empty()) return;
  auto all = std::move(out_);
  out_ = {};
  const bool passes_on = spread_.passes_on();
  std::vector<PeerIndex> to;
  std::uint64_t stable = number_ + 1;
  const auto& others = with_.sessions.others();
  for (const PeerIndex other : others) {
    if (passes_on) break;  // nobody knows what is stable; and who gets it is asked for each Delta
    Peer& peer = peers_[other];
    stable = std::min(stable, peer.acknowledged);
    if (!peer.out.begun || peer.out.behind || !with_.links[other].channel) continue;
    if (!is_too_far_behind(s, other)) to.push_back(other);
  }
  if (passes_on) stable = 0;
  for (Changes& changes : all) {
    Delta delta;
    delta.sender = with_.sessions.self().session;
    delta.number = ++number_;
    delta.stable = others.empty() ? number_ : stable;
    delta.specs = std::move(changes.specs);
    delta.instances = std::move(changes.instances);
    delta.member = std::move(changes.member);
    if (passes_on) {
      if (!others.empty())
        send_batch(s, self_index, self_index, std::make_shared<const Delta>(std::move(delta)));
      continue;
    }
    weight_ += delta.specs.size() + delta.instances.size() + 1;
    if (!others.empty()) weights_.emplace_back(number_, weight_);
    if (to.empty()) continue;
    ++s.stats.deltas_sent;
    with_.sender.send(to, std::move(delta), Rank::rows);
  }
}

// One that gets no Deltas any more, for it lags, while its table is on its way: what was held here by then it
// is told behind that table. The next one may be broken off as well.
void Replication::ack_behind_table(PeerIndex peer) {
  Out& out = peers_[peer].out;
  if (out.begun && !out.behind) out.ack = peers_[peer].in.ack;
  if (!out.behind || out.sending || out.due || !out.ack) return;
  with_.sender.send(peer, DeltaAck{*out.ack}, Rank::acks);
  out.ack.reset();
}

void Replication::flush_acks() {
  std::set<PeerIndex> later;
  for (const PeerIndex peer : due_) {
    In& in = peers_[peer].in;
    if (!with_.links[peer].open) continue;
    if (in.ask)
      with_.sender.send(peer, SyncRequest{with_.rows.table().seen(), with_.rows.table().digests()},
                        Rank::acks);
    if (in.portion_ack) with_.sender.send(peer, SyncAck{*in.portion_ack}, Rank::acks);
    in.ask = false;
    in.portion_ack.reset();
    const bool told = has_sent_table_to(peer);
    // Only what is news: while a table is on its way to each of two, one such message would bring forth
    // another.
    if (spread_.passes_on() && (in.taken > 0 || (in.ack && told))) {
      in.said = told ? std::max(in.said, held(peer)) : in.said;
      with_.sender.send(peer, Taken{std::exchange(in.taken, 0), told ? held(peer) : 0}, Rank::acks);
      if (told) in.ack.reset();
    }
    if (!in.ack) continue;
    // Whoever has this node's word that it holds a removal holds all that it ran before: so not while what it
    // runs is still on its way with the table.
    if (!told) {
      if (!spread_.passes_on()) ack_behind_table(peer);
      later.insert(peer);
      continue;
    }
    with_.sender.send(peer, DeltaAck{*in.ack}, Rank::acks);
    in.ack.reset();
    peers_[peer].out.ack.reset();
  }
  due_ = std::move(later);
}

}  // namespace brood::core
