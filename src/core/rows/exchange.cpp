// The exchange of tables: the buckets that differ, in portions.
#include <algorithm>
#include <utility>

#include "core/rows/replication.hpp"

namespace brood::core {

bool Replication::has_sent_table_to(PeerIndex peer) const {
  const Out& out = peers_[peer].out;
  return out.begun && !out.sending && !out.due && !out.behind;
}

// With what was changed while it was on its way: where members pass changes on, that may come later.
bool Replication::holds_table_of(PeerIndex peer) const {
  const In& in = peers_[peer].in;
  return in.whole && in.kept.empty() && !in.leaps && in.expected > in.through;
}

std::optional<Duration> Replication::taking_table_of(PeerIndex peer) const {
  const In& in = peers_[peer].in;
  return in.receiving || in.behind || !in.kept.empty() ? std::optional(in.portion_at) : std::nullopt;
}

bool Replication::is_behind(PeerIndex peer) const {
  const In& in = peers_[peer].in;
  return with_.links[peer].open &&
         (!in.whole || in.receiving || !in.kept.empty() || in.behind || in.expected == 0);
}

bool Replication::is_small() const {
  return with_.children.size() <= with_.settings.table_portion;
}

void Replication::want_table(PeerIndex peer) {
  peers_[peer].out.due = true;
  due_.insert(peer);
}

void Replication::greeted(Step&, PeerIndex peer, const Hello& hello, bool fresh) {
  Peer& known = peers_[peer];
  if (fresh) {
    channel_changed(peer);
    want_table(peer);
  }
  if (fresh) known.out.digests = hello.digests;
  if (!fresh && known.in.whole && known.in.kept.empty()) compare(peer, hello);
}

// The periodic comparison: whoever holds rows that the other lacks sends them. A change of a live node is on
// its own way; one of a node that is gone must be passed on.
void Replication::compare(PeerIndex peer, const Hello& hello) {
  const SpecTable& table = with_.rows.table();
  if (hello.seen == table.seen()) {
    peers_[peer].may_lack = false;
    if (hello.digest != table.digest()) offer_table(peer);
    return;
  }
  for (const auto& [origin, sequence] : table.seen().seen) {
    const auto theirs = hello.seen.seen.find(origin);
    if (theirs != hello.seen.seen.end() && theirs->second >= sequence) continue;
    const PeerIndex index = with_.sessions.find(origin.first);
    const Member* member = index == no_peer ? nullptr : with_.sessions.member(index);
    if (!member || member->session.creation != origin.second) return offer_table(peer);
  }
}

// It asks for the table then, with the digests that it has by that time.
void Replication::offer_table(PeerIndex peer) {
  Out& out = peers_[peer].out;
  if (!out.begun || out.behind || out.sending) return;
  out.behind = true;
  with_.sender.send(peer, Behind{}, Rank::rows);
}

void Replication::ask_all(Step&) {
  for (const PeerIndex peer : with_.sessions.others()) {
    In& in = peers_[peer].in;
    if (!in.whole) continue;
    in.whole = false;
    ask_for_table(peer);
  }
}

void Replication::on_sync_request(Step&, PeerIndex from, const SyncRequest& request) {
  Out& out = peers_[from].out;
  out.digests = request.digests;
  want_table(from);
}

void Replication::on_behind(Step&, PeerIndex from) {
  In& in = peers_[from].in;
  in.behind = true;
  // What it has changed since is not held here: one that joins is not up before it is.
  in.whole = false;
  // A table that is on its way is not broken off. From a node that changes much none would ever be whole, and
  // what waits for this node's word that it holds a change would wait for ever.
  if (!in.receiving && in.kept.empty()) ask_for_table(from);
}

void Replication::on_sync_ack(Step& s, PeerIndex from, const SyncAck&) {
  Out& out = peers_[from].out;
  if (!out.sending || out.in_flight == 0) {
    ++s.stats.stale_rows;
    return;
  }
  --out.in_flight;
  due_.insert(from);
}

void Replication::on_sync(Step& s, PeerIndex from, const Sync& portion) {
  Peer& peer = peers_[from];
  In& in = peer.in;
  if (portion.sender != with_.sessions.member(from)->session ||
      (portion.first != 0 && (!in.receiving || portion.first != in.next))) {
    ++s.stats.stale_rows;
    return;
  }
  // What was taken in by another way is newer than a table that nobody asked for, and would be undone by it.
  if (spread_.passes_on() && portion.first == 0 && in.expected > portion.next_delta) {
    ++s.stats.stale_rows;
    in.receiving = false;
    return ask_for_table(from);
  }
  s.spend(portion.rows.size() + portion.instances.size() + portion.epochs.size());
  if (portion.first == 0) {
    in.receiving = true;
    in.again = in.behind = false;
    // What lies between is in portions that are still to come.
    in.leaps = in.leaps || in.expected != portion.next_delta;
    forget_kept(from);
    in.next_delta = in.expected = portion.next_delta;
    in.blocked = false;
    blocked_.erase(from);
    unwatch(from);
  }
  in.portion_at = s.time();
  s.witness(portion.clock, portion.sender.node);
  const VersionVector before = with_.rows.table().seen();
  if (!with_.rows.merge(s, from, portion)) in.again = true;
  for (std::size_t i = 0; i < portion.finished.size(); ++i) {
    const auto& [request, id] = portion.finished[i];
    with_.notes.request_finished(s, request, id, i < portion.floors.size() ? portion.floors[i] : Epoch{});
  }
  std::unordered_set<ChildId> kept;
  kept.reserve(portion.instances.size());
  for (const InstanceChange& change : portion.instances)
    if (change.instance) kept.insert(change.id);
  with_.instances.keep_only(s, from, portion.first, portion.end, kept);
  for (const InstanceChange& change : portion.instances)
    if (change.instance)
      with_.instances.put(s, with_.children.obtain(change.id), from, *change.instance, change.detail);
  for (const auto& [id, epoch] : portion.epochs) {
    s.witness(epoch.clock, portion.sender.node);
    Child* child = with_.children.find(id);
    if (!child || epoch <= child->floor()) continue;
    with_.instances.raise_floor(*child, epoch);
    with_.notes.touched(s, *child);  // whoever waits for news of its former instance has it now
  }
  in.next = portion.end;
  in.covered.emplace_back(portion.end, portion.next_delta);
  due_.insert(from);
  if (portion.member) with_.sessions.update(s, from, *portion.member);
  if (!portion.last) {
    in.portion_ack = portion.end;
    return;
  }
  in.receiving = in.leaps = false;
  in.whole = true;
  in.through = portion.next_delta - 1;
  in.known = std::max(in.known, in.through);
  if (with_.rows.table().seen() != before)
    for (const PeerIndex other : with_.sessions.others()) peers_[other].may_lack = true;
  peer.may_lack = portion.seen != with_.rows.table().seen();
  if (in.next_delta > 1) in.ack = in.next_delta - 1;
  if (in.again) in.ask = true;
  next_check_ = std::min(next_check_, s.time() + spread_.sync_interval());
  if (in.kept.empty())
    table_taken(s, from);
  else
    late_.insert(from);
}

// One Delta at a time, as there may be very many. What comes meanwhile is kept behind them.
void Replication::take_late(Step& s) {
  const PeerIndex from = *late_.begin();
  In& in = peers_[from].in;
  if (in.expected != 0) {
    const Delta delta = std::move(in.kept.front());
    (void)take_in(s, from, delta);
    if (!late_.contains(from)) return;  // what it said of itself has ended its session
  }
  if (in.expected == 0)  // one had a gap: the rest is of no use
    in.kept.clear();
  else
    in.kept.pop_front();
  if (in.kept.empty()) table_taken(s, from);
}

// What was kept is what happened since, one after the other; how it is now is known behind all of it.
void Replication::table_taken(Step& s, PeerIndex from) {
  In& in = peers_[from].in;
  forget_kept(from);
  const bool behind = std::exchange(in.behind, true);
  if (spread_.passes_on()) advance_all(s, from);
  if (!in.behind) return;  // what it said of itself has ended its session
  in.behind = behind;
  if (in.behind) {
    in.whole = false;
    return ask_for_table(from);
  }
  if (is_behind(from)) return;
  check_waits_for(s, from);
  with_.notes.caught_up(s, from);
}

// A portion that was made after that Delta says how that ended.
bool Replication::holds(const In& in, const ChildId& id, std::uint64_t delta) {
  if (in.covered.empty()) return false;
  const std::uint32_t bucket = bucket_of(id.hash());
  const auto portion = std::upper_bound(in.covered.begin(), in.covered.end(), bucket,
                                        [](std::uint32_t at, const auto& one) { return at < one.first; });
  return portion != in.covered.end() && delta < portion->second;
}

void Replication::forget_kept(PeerIndex from) {
  peers_[from].in.kept.clear();
  peers_[from].in.covered = {};
  late_.erase(from);
}

// ---- sending -----------------------------------------------------------------------------------------

void Replication::flush_tables(Step& s) {
  std::vector<PeerIndex> ready;
  for (const PeerIndex peer : due_)
    if (with_.links[peer].open) ready.push_back(peer);
  std::sort(ready.begin(), ready.end(),
            [this](PeerIndex a, PeerIndex b) { return with_.sessions.name(a) < with_.sessions.name(b); });
  for (const PeerIndex index : ready) {
    Peer& peer = peers_[index];
    Out& out = peer.out;
    if (out.due) {
      out.due = out.behind = false;
      out.begun = out.sending = true;
      out.next = out.in_flight = 0;
      out.base = number_;
      forget_untaken(out);
      peer.may_lack = false;
    }
    while (out.sending && out.in_flight < portions_in_flight) {
      Sync portion = make_portion(s, peer);
      ++out.in_flight;
      ++s.stats.syncs_sent;
      out.sending = !portion.last;
      with_.sender.send(index, std::move(portion), Rank::rows);
    }
  }
}

Sync Replication::make_portion(Step& s, Peer& peer) {
  Out& out = peer.out;
  Sync portion;
  portion.sender = with_.sessions.self().session;
  portion.first = out.next;
  portion.next_delta = number_ + 1;
  portion.member = with_.sessions.self();
  portion.clock = s.clock.last();
  portion.seen = with_.rows.table().seen();
  if (portion.first == 0) portion.ended = with_.rows.table().ended_early();
  const std::size_t most = s.settings.table_portion;
  const bool compares = out.digests.size() == buckets;
  const auto room = [&] {
    return portion.rows.size() + portion.instances.size() + portion.epochs.size() + portion.finished.size() <
           most;
  };
  // What neither has changed is looked at too, and takes time here and there.
  std::size_t looked_at = 0;
  for (; out.next < buckets && room() && looked_at < looked_at_for_each * most; ++out.next) {
    looked_at += with_.children.bucket(out.next).size();
    const std::uint64_t digest = with_.rows.table().digest_of(out.next);
    if (digest != 0 && compares && out.digests[out.next] == digest)
      portion.same.emplace_back(out.next, digest);
    else
      with_.rows.table().rows_of(out.next, portion.rows);
    fill_bucket(portion, out.next);
    // With the rows: whoever finds one gone must know the request that removed it, and who knows the request
    // must find it gone; the node may be lost before the next portion.
    with_.replay.finished_in(out.next, portion.finished, portion.floors);
  }
  portion.end = out.next;
  portion.last = out.next == buckets;
  const auto by_id = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(portion.rows.begin(), portion.rows.end(), by_id);
  std::sort(portion.instances.begin(), portion.instances.end(),
            [](const InstanceChange& a, const InstanceChange& b) { return a.id < b.id; });
  return portion;
}

// What this node runs of the bucket, and the newest epochs that nothing which runs has: who waits for news of
// a former instance learns of it from nobody else.
void Replication::fill_bucket(Sync& portion, std::uint32_t bucket) const {
  for (const std::uint32_t slot : with_.children.bucket(bucket)) {
    const Child& child = *with_.children.at_slot(slot);
    if (const Instance* here = with_.instances.here(child))
      portion.instances.push_back({child.id, *here, {}});
    if (child.row() && with_.instances.newest(child) < child.floor())
      portion.epochs.emplace(child.id, child.floor());
  }
}

}  // namespace brood::core
