// Where members pass on each other's changes: batches that come by any way, and those that are missing.
#include <algorithm>

#include "core/rows/replication.hpp"

namespace brood::core {
namespace {
/// A batch that was asked for so often in vain, of its origin too, is not waited for: the table has it.
constexpr std::uint32_t asked_max = 4;
}  // namespace

// All of that origin's up to this number are taken in; 0: its table is not here.
std::uint64_t Replication::held(PeerIndex origin) const {
  const In& in = peers_[origin].in;
  return in.whole && !in.receiving && in.expected > 0 ? in.expected - 1 : 0;
}

// ---- batches that come -------------------------------------------------------------------------------

void Replication::on_batch(Step& s, PeerIndex from, PeerIndex origin, Delta& delta) {
  In& in = peers_[origin].in;
  if (origin == from) in.direct = std::max(in.direct, delta.number);
  if ((in.expected != 0 && delta.number < in.expected) || in.early.contains(delta.number)) {
    ++s.stats.deltas_twice;
    return;
  }
  const auto batch = std::make_shared<const Delta>(std::move(delta));
  spread_.keep(s, origin, batch);
  relays_.push_back({origin, from, batch});
  in.source = from;
  in.known = std::max(in.known, batch->number);
  // Its table is on the way, and is not broken off; what is not kept is asked for behind it.
  if (in.receiving && in.early_weight >= s.settings.lag_max) return;
  in.early.emplace(batch->number, batch);
  in.early_weight += weight_of(*batch);
  advance_all(s, origin);
  give_up_early(s, origin);
}

// Too many wait for one that is missing: the table has them all.
void Replication::give_up_early(Step& s, PeerIndex origin) {
  In& in = peers_[origin].in;
  if (in.receiving || in.early_weight <= s.settings.lag_max) return;
  in.early.clear();
  in.early_weight = 0;
  unwatch(origin);
  if (in.whole) ask_for_table(origin);
}

// Takes in what is in order by now. True: something was.
bool Replication::advance(Step& s, PeerIndex origin) {
  In& in = peers_[origin].in;
  if (in.expected == 0 || in.receiving) return false;
  const std::uint64_t before = in.expected;
  in.blocked = false;
  while (!in.early.empty() && in.early.begin()->first <= in.expected) {
    const Spread::Batch batch = in.early.begin()->second;
    if (batch->number == in.expected) {
      in.blocked = !take_in(s, origin, *batch);
      if (in.blocked) break;
      // What it said of itself may have ended its session.
      if (in.expected != batch->number) return true;
      ++in.expected;
    }
    in.early.erase(batch->number);
    in.early_weight -= weight_of(*batch);
  }
  if (in.blocked)
    blocked_.insert(origin);
  else
    blocked_.erase(origin);
  const bool further = in.expected > before;
  watch(s, origin, further);
  if (!further) return false;
  spread_.moved(s, origin);
  with_.barrier.reached(origin, held(origin));
  if (in.direct > in.said) {
    in.ack = held(origin);
    due_.insert(origin);
  }
  return true;
}

void Replication::advance_all(Step& s, PeerIndex first) {
  (void)advance(s, first);
  with_.barrier.reached(first, held(first));
  for (bool further = true; further;) {
    further = false;
    for (const PeerIndex origin : std::set<PeerIndex>(blocked_)) further = advance(s, origin) || further;
  }
}

// The session is over and the channel stands, as of a node that goes on in another one: what came early will
// not be joined by what is before it. Whoever of the others lacks it gets it from those that had it. A
// channel that has ended took what came early along: it was acknowledged to nobody.
void Replication::salvage(Step& s, PeerIndex gone) {
  if (!spread_.passes_on()) return;
  const auto early = std::move(peers_[gone].in.early);
  peers_[gone].in.early.clear();
  for (const auto& [number, batch] : early)
    for (const SpecChange& change : batch->specs)
      if (with_.rows.apply(s, change)) add(change);
}

void Replication::drop_old_unstable(Step& s) {
  const Duration keep = std::max<Duration>(batches_kept_for, 2 * spread_.sync_interval());
  for (const PeerIndex other : with_.sessions.others()) {
    Peer& peer = peers_[other];
    while (!peer.unstable.empty() && peer.unstable.front().at + keep <= s.time()) peer.unstable.pop_front();
    if (peer.unstable_lost && peer.unstable_lost_at + keep <= s.time()) peer.unstable_lost = false;
  }
}

// ---- what is missing ---------------------------------------------------------------------------------

void Replication::unwatch(PeerIndex origin) {
  In& in = peers_[origin].in;
  if (in.missing_at == Duration::max()) return;
  missing_.erase({in.missing_at, origin});
  in.missing_at = Duration::max();
}

void Replication::watch(Step& s, PeerIndex origin, bool anew) {
  In& in = peers_[origin].in;
  const bool missing =
      in.expected != 0 && !in.receiving && (in.blocked || !in.early.empty() || in.known >= in.expected);
  if (!missing || anew) {
    unwatch(origin);
    in.asked = 0;
  }
  if (!missing || in.missing_at != Duration::max()) return;
  in.missing_at = s.time() + s.settings.spread_patience;
  missing_.emplace(in.missing_at, origin);
}

void Replication::ask_for_missing(Step& s, PeerIndex origin) {
  In& in = peers_[origin].in;
  const Member* member = with_.sessions.member(origin);
  unwatch(origin);
  if (!member) return;
  if (in.blocked || ++in.asked > asked_max) {
    blocked_.erase(origin);
    in.blocked = false;
    in.asked = 0;
    return ask_for_table(origin);
  }
  const bool others = in.asked % 2 == 1 && in.source != no_peer && with_.links[in.source].open;
  const PeerIndex to = others ? in.source : origin;
  ++s.stats.deltas_asked_for;
  if (with_.links[to].open) with_.sender.send(to, Want{member->session, in.expected}, Rank::acks);
  in.missing_at = s.time() + s.settings.spread_patience;
  missing_.emplace(in.missing_at, origin);
}

void Replication::on_want(Step& s, PeerIndex from, const Want& want) {
  const bool own = want.origin == with_.sessions.self().session;
  const PeerIndex origin = own ? self_index : with_.sessions.find(want.origin.node);
  if (origin == no_peer || (!own && origin == self_index)) return;
  if (!own) {
    const Member* member = with_.sessions.member(origin);
    if (!member || member->session != want.origin) return;
  }
  const auto batches = spread_.kept(origin, want.from);
  if (batches.empty() && own && want.from <= number_) return offer_table(from);
  for (const Spread::Batch& batch : batches)
    if (way_to(s, from, origin) == Spread::Way::open) send_to(s, {from}, batch);
}

// ---- batches that leave ------------------------------------------------------------------------------

Spread::Way Replication::way_to(Step& s, PeerIndex peer, PeerIndex origin) {
  const Out& out = peers_[peer].out;
  const Link& link = with_.links[peer];
  if (!link.channel || !link.open || out.behind || (origin == self_index && !out.begun))
    return Spread::Way::closed;
  // A table that is on its way is not broken off; what is not sent meanwhile is asked for behind it.
  if (out.sending && lag_of(peers_[peer]) > s.settings.lag_max) return Spread::Way::closed;
  return is_too_far_behind(s, peer) ? Spread::Way::closed : Spread::Way::open;
}

void Replication::send_to(Step& s, const std::vector<PeerIndex>& to, const Spread::Batch& batch) {
  if (to.empty()) return;
  for (const PeerIndex peer : to) {
    Out& out = peers_[peer].out;
    out.untaken.push_back(static_cast<std::uint32_t>(weight_of(*batch)));
    out.untaken_weight += weight_of(*batch);
    untaken_weight_ += weight_of(*batch);
  }
  ++s.stats.deltas_sent;
  with_.sender.send(to, Delta(*batch), Rank::rows);
}

void Replication::send_batch(Step& s, PeerIndex origin, PeerIndex from, const Spread::Batch& batch) {
  const bool own = origin == self_index;
  if (!own) {
    const Member* member = with_.sessions.member(origin);
    if (!member || member->session != batch->sender) return;  // its session has ended in this step
  }
  auto to = spread_.recipients(origin, batch->number, [&](PeerIndex peer) {
    if (peer == from || peer == origin) return Spread::Way::skip;
    return way_to(s, peer, origin);
  });
  if (own) {
    spread_.keep(s, self_index, batch);
    spread_.moved(s, self_index);
    // Whose word is waited for is told at once.
    for (auto at = waits_for_.begin(); at != waits_for_.end();) {
      const PeerIndex peer = std::get<0>(*at);
      const auto wait = waits_for_.lower_bound({peer, number_, ChildRef{0, 0}});
      const bool waits = wait != waits_for_.end() && std::get<0>(*wait) == peer;
      if (waits && std::find(to.begin(), to.end(), peer) == to.end() &&
          way_to(s, peer, origin) == Spread::Way::open)
        to.push_back(peer);
      at = waits_for_.lower_bound({peer + 1, 0, {}});
    }
  } else if (!to.empty()) {
    ++s.stats.deltas_passed_on;
  }
  send_to(s, to, batch);
}

void Replication::on_taken(Step& s, PeerIndex from, const Taken& taken) {
  Peer& peer = peers_[from];
  Out& out = peer.out;
  for (std::uint64_t left = taken.count; left > 0 && !out.untaken.empty(); --left) {
    out.untaken_weight -= out.untaken.front();
    untaken_weight_ -= out.untaken.front();
    out.untaken.pop_front();
  }
  peer.acknowledged_at = s.time();
}

// ---- order across ways -------------------------------------------------------------------------------

void Replication::say_through(const std::vector<PeerIndex>& to) {
  if (!spread_.passes_on() || number_ == 0) return;
  for (const PeerIndex peer : to)
    if (with_.links[peer].open && with_.barrier.must_say(peer, number_))
      with_.sender.send(peer, Through{number_}, Rank::rows);
}

void Replication::on_through(Step& s, PeerIndex from, const Through& through) {
  if (!spread_.passes_on()) return;
  In& in = peers_[from].in;
  with_.barrier.require(from, through.number);
  in.known = std::max(in.known, through.number);
  in.source = from;
  watch(s, from, false);
}

// ---- comparison --------------------------------------------------------------------------------------

void Replication::say_have(Step& s) {
  const bool waits = !waits_.empty() || !waits_for_.empty();
  if (waits && !spread_.is_moving(self_index)) spread_.moved(s, self_index);
  const auto moved = spread_.take_round(s);
  if (moved.empty()) return;
  Have have;
  for (const PeerIndex origin : moved) {
    const Member* member = origin == self_index ? &with_.sessions.self() : with_.sessions.member(origin);
    const std::uint64_t number = origin == self_index ? number_ : held(origin);
    if (member && number > 0) have.held.emplace_back(member->session, number);
  }
  if (have.held.empty()) return;
  auto to = spread_.partners();
  for (auto at = waits_for_.begin(); at != waits_for_.end();) {
    const PeerIndex peer = std::get<0>(*at);
    if (with_.links[peer].open && std::find(to.begin(), to.end(), peer) == to.end()) to.push_back(peer);
    at = waits_for_.lower_bound({peer + 1, 0, {}});
  }
  with_.sender.send(std::move(to), std::move(have), Rank::rows);
}

void Replication::on_have(Step& s, PeerIndex from, const Have& have) {
  for (const auto& [session, number] : have.held) {
    const PeerIndex origin = with_.sessions.find(session.node);
    const Member* member =
        origin == no_peer || origin == self_index ? nullptr : with_.sessions.member(origin);
    if (!member || member->session != session) continue;
    In& in = peers_[origin].in;
    if (!spread_.passes_on()) {
      if (in.whole && !in.receiving && in.expected != 0 && number >= in.expected) ask_for_table(origin);
      continue;
    }
    // In a round of its own it may wait for somebody to say so; a comparison of all waits for nothing.
    if (!have.whole && origin == from && held(origin) >= number && in.said < number) {
      in.ack = held(origin);
      due_.insert(origin);
    }
    if (in.expected == 0 || number < in.expected) continue;
    in.known = std::max(in.known, number);
    in.source = from;
    watch(s, origin, false);
  }
  if (!have.whole || !spread_.passes_on()) return;
  compare_whole(from, have);
  if (have.round == 0) return;
  const PeerIndex starter = with_.sessions.find(have.starter.node);
  const Member* member =
      starter == no_peer || starter == self_index ? nullptr : with_.sessions.member(starter);
  if (!member || member->session != have.starter || peers_[starter].round >= have.round) return;
  peers_[starter].round = have.round;
  pass_on_comparison(s, starter, have.round);
}

// Changes of members are found by their numbers. Of those that are gone only the tables tell.
void Replication::compare_whole(PeerIndex from, const Have& have) {
  const SpecTable& table = with_.rows.table();
  const VersionVector& mine = table.seen();
  if (have.seen == mine) {
    peers_[from].may_lack = false;
    if (have.digest == table.digest()) return;
    // One of the two has a row that the other knows to be removed: only that one's table says so.
    offer_table(from);
    if (peers_[from].in.whole && !peers_[from].in.receiving) ask_for_table(from);
    return;
  }
  const auto lacks = [this](const VersionVector& one, const VersionVector& other) {
    return std::any_of(one.seen.begin(), one.seen.end(), [&](const auto& entry) {
      const auto& [origin, sequence] = entry;
      const auto there = other.seen.find(origin);
      if (there != other.seen.end() && there->second >= sequence) return false;
      if (origin.first == with_.sessions.self().session.node) return false;
      const PeerIndex index = with_.sessions.find(origin.first);
      const Member* member = index == no_peer ? nullptr : with_.sessions.member(index);
      return !member || member->session.creation != origin.second;
    });
  };
  if (lacks(mine, have.seen)) offer_table(from);
  if (lacks(have.seen, mine) && peers_[from].in.whole && !peers_[from].in.receiving) ask_for_table(from);
}

Have Replication::whole_have() const {
  Have have;
  have.whole = true;
  have.seen = with_.rows.table().seen();
  have.digest = with_.rows.table().digest();
  if (number_ > 0) have.held.emplace_back(with_.sessions.self().session, number_);
  for (const PeerIndex other : with_.sessions.others())
    if (held(other) > 0) have.held.emplace_back(with_.sessions.member(other)->session, held(other));
  return have;
}

void Replication::begin_comparison(Step& s) {
  if (spread_.one_begins()) {
    if (spread_.is_first()) pass_on_comparison(s, self_index, ++round_);
    return;
  }
  const auto& others = with_.sessions.others();
  for (std::size_t tried = 0; tried < others.size(); ++tried) {
    const PeerIndex peer = others[turn_++ % others.size()];
    if (!peers_[peer].in.whole || !with_.links[peer].open) continue;
    with_.sender.send(peer, whole_have(), Rank::rows);
    return;
  }
}

void Replication::pass_on_comparison(Step&, PeerIndex starter, std::uint64_t round) {
  auto to = spread_.recipients(starter, round, [&](PeerIndex peer) {
    return with_.links[peer].open ? Spread::Way::open : Spread::Way::closed;
  });
  if (to.empty()) return;
  Have have = whole_have();
  have.starter = (starter == self_index ? with_.sessions.self() : *with_.sessions.member(starter)).session;
  have.round = round;
  with_.sender.send(std::move(to), std::move(have), Rank::rows);
}

// ---- time --------------------------------------------------------------------------------------------

void Replication::on_time(Step& s) {
  if (!spread_.passes_on()) return;
  while (!missing_.empty() && missing_.begin()->first <= s.time())
    ask_for_missing(s, missing_.begin()->second);
  say_have(s);
}

Duration Replication::deadline() const {
  Duration next = std::min(next_check_, spread_.deadline());
  if (!missing_.empty()) next = std::min(next, missing_.begin()->first);
  if (waits_since_ != Duration::max()) next = std::min(next, waits_since_ + wait_most);
  return next;
}

std::size_t Replication::kept_weight() const {
  std::size_t weight = spread_.kept_weight();
  for (const PeerIndex other : with_.sessions.others()) {
    const Peer& peer = peers_[other];
    weight += peer.in.early_weight + peer.in.kept.size() + peer.unstable.size() + peer.out.untaken.size();
  }
  return weight + weights_.size();
}

}  // namespace brood::core
