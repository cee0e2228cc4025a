// Rows: how changes of this node and of others get into the tables.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "core/state.hpp"

namespace brood::core {

void Machine::witness(Hlc clock) {
  if (clock_.witness(clock, now_.wall, settings_.clock_skew_max)) return;
  if (stats_.clock_refusals++ % 1000 == 0)
    log(LogLevel::error, "a member's clock is further ahead than clock_skew_max: set the clocks right");
}

Epoch Machine::new_epoch(const Child& child) {
  Hlc clock = clock_.next(now_.wall);
  if (clock <= child.floor.clock) clock = after(child.floor.clock);
  return {clock, settings_.self};
}

// ---- this node's changes -----------------------------------------------------------------------------

void Machine::publish(const ChildId& id, Bytes detail) {
  const Child* child = table_.find(id);
  const Hosted* hosted = child ? child->at(self_index) : nullptr;
  InstanceChange change;
  change.id = id;
  if (hosted) change.instance = hosted->instance;
  change.detail = std::move(detail);
  out_.instances.push_back(std::move(change));
  out_dirty_ = true;
  changed(id);
  note_running(id);
}

void Machine::write_row(const ChildId& id, SpecRow row, bool new_birth) {
  row.clock = clock_.next(now_.wall);
  out_.specs.push_back(table_.write(id, std::move(row), new_birth));
  out_dirty_ = true;
  changed(id);
  touch(id);
}

void Machine::remove_row(const ChildId& id, const RequestKey& request) {
  out_.specs.push_back(table_.remove(id));
  out_.specs.back().request = request;
  remember_finished(request, id);
  out_dirty_ = true;
  changed(id);
  touch(id);
}

bool Machine::replicated(std::uint64_t number) const {
  bool alone = true;
  for (std::size_t index = 1; index < peers_.size(); ++index) {
    if (!peers_[index].member) continue;
    if (peers_[index].acked >= number) return true;
    alone = false;
  }
  return alone;
}

void Machine::settle_replicated() {
  while (!unacked_.empty() && replicated(unacked_.begin()->first)) {
    touch(unacked_.begin()->second);
    unacked_.erase(unacked_.begin());
  }
}

// Those whose stop may have waited for this peer alone.
void Machine::touch_stops(const Peer& peer) {
  for (auto at = stop_acks_.lower_bound({peer.name, 0, {}}); at != stop_acks_.end();) {
    const auto& [node, number, id] = *at;
    if (node != peer.name || (peer.member && number > peer.acked)) break;
    touch(id);
    at = stop_acks_.erase(at);
  }
}

// ---- others' changes ---------------------------------------------------------------------------------

void Machine::on_message(PeerIndex from, const SyncRequest&) {
  peers_[from].want_sync = true;
  peers_[from].digest = ~table_.digest();  // all rows, whatever its Hello said
}

void Machine::on_message(PeerIndex from, const Sync& sync) {
  Peer& peer = peers_[from];
  if (sync.sender != peer.member->session) {
    ++stats_.stale_rows;
    return;
  }
  witness(sync.clock);
  for (const auto& [id, row] : sync.rows) witness(row.clock);
  const VersionVector before = table_.seen();
  table_.merge(sync, [&](const ChildId& id) {
    touch(id);
    changed(id);
  });
  if (table_.seen() != before)
    for (Peer& other : peers_) other.may_lack = true;
  peer.may_lack = sync.seen != table_.seen();
  for (const auto& [request, id] : sync.finished)
    if (remember_finished(request, id))
      finished_[{request, id}] = {};  // what was known then is not known here
  replace_instances(from, sync);
  for (const auto& [id, epoch] : sync.epochs) {
    witness(epoch.clock);
    if (Child* child = table_.find(id)) child->floor = std::max(child->floor, epoch);
  }
  if (sync.member) update_member(peer, *sync.member);
  peer.synced_in = true;
  peer.expected = sync.next_delta;
  if (sync.next_delta > 1) peer.ack_due = sync.next_delta - 1;
  next_check_ = std::min(next_check_, now_.monotonic + settings_.sync_interval);
}

void Machine::replace_instances(PeerIndex from, const Sync& sync) {
  std::unordered_set<ChildId> kept;
  kept.reserve(sync.instances.size());
  for (const InstanceChange& change : sync.instances)
    if (change.instance) kept.insert(change.id);
  std::vector<ChildId> gone;
  for (const auto& [id, child] : table_.children())
    if (child.at(from) && kept.count(id) == 0) gone.push_back(id);
  std::sort(gone.begin(), gone.end());
  for (const ChildId& id : gone) apply_instance(from, {id, std::nullopt, {}});
  for (const InstanceChange& change : sync.instances) apply_instance(from, change);
}

void Machine::apply_instance(PeerIndex from, const InstanceChange& change) {
  if (change.instance) {
    witness(change.instance->epoch.clock);
    Child& child = table_.obtain(change.id);
    child.floor = std::max(child.floor, change.instance->epoch);
    if (Hosted* hosted = child.at(from))
      hosted->instance = *change.instance;
    else
      child.hosted.push_back({from, *change.instance});
  } else {
    Child* child = table_.find(change.id);
    Hosted* hosted = child ? child->at(from) : nullptr;
    if (!hosted) return;
    child->hosted.erase(child->hosted.begin() + (hosted - child->hosted.data()));
  }
  if (!change.detail.empty()) details_[change.id] = change.detail;
  touch(change.id);
  changed(change.id);
  note_running(change.id);
}

void Machine::on_message(PeerIndex from, const Delta& delta) {
  Peer& peer = peers_[from];
  if (delta.sender != peer.member->session || !peer.synced_in || peer.expected == 0 ||
      delta.number < peer.expected) {
    ++stats_.stale_rows;
    return;
  }
  if (delta.number > peer.expected) {
    peer.expected = 0;
    peer.want_sync_request = true;
    return;
  }
  bool gap = false;
  for (const SpecChange& change : delta.specs) {
    if (change.row) witness(change.row->clock);
    const auto applied = table_.apply(change);
    if (applied != SpecTable::Applied::gap) remember_finished(change.request, change.id);
    if (applied == SpecTable::Applied::nothing) note_late_update(change);
    gap = gap || applied == SpecTable::Applied::gap;
    if (applied == SpecTable::Applied::changed) {
      touch(change.id);
      changed(change.id);
    }
    if (peer.unstable.size() < unstable_max) peer.unstable.emplace_back(delta.number, change);
  }
  while (!peer.unstable.empty() && peer.unstable.front().first <= delta.stable) peer.unstable.pop_front();
  for (const InstanceChange& change : delta.instances) apply_instance(from, change);
  if (delta.member) update_member(peer, *delta.member);
  peer.expected = delta.number + 1;
  peer.ack_due = delta.number;
  if (gap) {
    peer.ack_due.reset();
    peer.expected = 0;
    peer.want_sync_request = true;
  }
}

void Machine::on_message(PeerIndex from, const DeltaAck& ack) {
  Peer& peer = peers_[from];
  if (ack.number > delta_number_) {
    ++stats_.refused_messages;
    return;
  }
  peer.acked = std::max(peer.acked, ack.number);
  settle_replicated();
  touch_stops(peer);
}

}  // namespace brood::core
