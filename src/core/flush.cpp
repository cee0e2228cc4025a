// The end of a step: what was noted becomes messages, in the order that the protocol's promises need.
#include <algorithm>

#include "core/state.hpp"

namespace brood::core {

void Machine::send(Peer& peer, MessageBody body) {
  out_messages_.emplace_back(find_peer(peer.name), std::move(body));
}

void Machine::send_members(const MessageBody& body) {
  std::vector<NodeName> to;
  for (const auto& [name, index] : peer_names_)
    if (index != self_index && peers_[index].channel && peers_[index].hello_in) to.push_back(name);
  if (!to.empty()) effects_.sends.push_back({std::move(to), body});
}

std::shared_ptr<Sync> Machine::make_sync(bool with_rows) const {
  auto sync = std::make_shared<Sync>();
  sync->sender = self().session;
  sync->next_delta = delta_number_ + 1;
  sync->with_rows = with_rows;
  sync->member = self();
  sync->clock = clock_.last();
  sync->seen = table_.seen();
  if (with_rows) sync->rows = table_.rows();
  sync->finished.reserve(finished_order_.size());
  for (const auto& [until, request] : finished_order_) sync->finished.push_back(request);
  for (const auto& [id, child] : table_.children()) {
    if (const Hosted* hosted = child.at(self_index))
      sync->instances.push_back({id, hosted->instance, {}});
    else if (child.row && child.hosted.empty() && child.floor != Epoch{})
      sync->epochs.emplace(id, child.floor);
  }
  std::sort(sync->instances.begin(), sync->instances.end(),
            [](const InstanceChange& a, const InstanceChange& b) { return a.id < b.id; });
  return sync;
}

void Machine::flush_delta() {
  if (!out_dirty_) return;
  out_dirty_ = false;
  Delta delta = std::move(out_);
  out_ = Delta{};
  delta.number = ++delta_number_;
  delta.sender = self().session;
  std::uint64_t stable = delta_number_;
  std::vector<NodeName> to;
  for (const auto& [name, index] : peer_names_) {
    const Peer& peer = peers_[index];
    if (index == self_index) continue;
    if (peer.member) stable = std::min(stable, peer.acked);
    if (peer.channel && peer.synced_out && !peer.want_sync && peer.member &&
        strategies_.synchronisation->sends_to(*peer.member, delta.number))
      to.push_back(name);
  }
  delta.stable = stable;
  if (to.empty()) return;
  ++stats_.deltas_sent;
  effects_.sends.push_back({std::move(to), std::move(delta)});
}

void Machine::flush() {
  for (Peer& peer : peers_) {
    if (peer.want_hello && peer.channel) effects_.sends.push_back({{peer.name}, make_hello(peer)});
    peer.want_hello = false;
  }
  flush_delta();
  std::vector<NodeName> full, light, views;
  for (const auto& [name, index] : peer_names_) {
    Peer& peer = peers_[index];
    if (!peer.channel || !peer.hello_in) continue;
    if (peer.want_sync) {
      const bool same = peer.seen == table_.seen() && peer.digest == table_.digest();
      (same ? light : full).push_back(name);
      peer.want_sync = false;
      peer.synced_out = true;
      peer.may_lack = false;
      ++stats_.syncs_sent;
    }
    if (peer.want_view) views.push_back(name);
    peer.want_view = false;
  }
  if (!full.empty()) effects_.sends.push_back({std::move(full), std::move(*make_sync(true))});
  if (!light.empty()) effects_.sends.push_back({std::move(light), std::move(*make_sync(false))});
  for (const auto& [name, index] : peer_names_) {
    Peer& peer = peers_[index];
    if (!peer.channel || !peer.hello_in) continue;
    if (peer.want_sync_request) effects_.sends.push_back({{name}, SyncRequest{}});
    peer.want_sync_request = false;
    if (peer.ack_due) effects_.sends.push_back({{name}, DeltaAck{*peer.ack_due}});
    peer.ack_due.reset();
  }
  if (!views.empty()) effects_.sends.push_back({std::move(views), View{view_hash_}});
  flush_answers();
  for (auto& [index, body] : out_messages_)
    if (peers_[index].channel) effects_.sends.push_back({{peers_[index].name}, std::move(body)});
  out_messages_.clear();
  if (effects_.left) send_members(Goodbye{});
  auto& ids = effects_.changed;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

void Machine::flush_answers() {
  for (auto& [request, outcomes] : answers_) {
    const PeerIndex index = find_peer(request.node);
    if (index == no_peer || !peers_[index].channel || peers_[index].creation != request.creation) continue;
    out_messages_.emplace_back(index, Answer{request, asked_in_[request], std::move(outcomes)});
  }
  answers_.clear();
}

}  // namespace brood::core
