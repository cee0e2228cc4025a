// The end of sessions: other nodes' and our own.
#include <fmt/format.h>

#include "core/state.hpp"

namespace brood::core {

void Machine::on_message(PeerIndex from, const Goodbye&) {
  end_session(from, Ending::left, "left in good order");
  peers_[from].next_connect = Duration::max();
}

void Machine::end_session(PeerIndex index, Ending how, const std::string& words) {
  Peer& peer = peers_[index];
  if (!peer.member) return;
  const SessionId session = peer.member->session;
  const MemberState state = how == Ending::left ? MemberState::left : MemberState::down;
  const bool known_dead = how != Ending::left && !peer.channel;
  auto& over = peer.over[session.creation];
  over = std::max(over, session.session);
  relay_unstable(peer);
  peer.member.reset();
  peer.must_answer = false;
  peer.acked = 0;
  reset_channel(peer);
  if (self().state == MemberState::joining) ask_all_for_rows();  // its Sync may not have come

  std::vector<std::pair<ChildId, Instance>> lost;
  drop_instances(index, &lost);
  // A node that itself began a new session brings its children along; another start of it does not.
  const bool same_start_goes_on = peer.channel && peer.creation == session.creation;
  if (how != Ending::left && !same_start_goes_on) {
    if (!peer.lost_at) peer.lost_wall = now_.wall;
    note_loss(peer, how, session, lost);
  }
  peer.lost_at.reset();
  peer.obituary.reset();
  peer.last_known = false;
  view_dirty_ = true;
  effects_.members.push_back({session, state, words});
  log(state == MemberState::down ? LogLevel::warning : LogLevel::info,
      fmt::format("{} is {}: {}", session.node.value, to_string(state), words));
  if (known_dead && !peer.connecting) peer.next_connect = now_.monotonic + settings_.reconnect_every;
  settle_replicated();
  touch_stops(peer);
  maybe_unfence();
}

// All survivors must hold the same of what it wrote before they act on a view without it: each passes on what
// the others may lack, before its View.
void Machine::relay_unstable(Peer& peer) {
  for (Peer& other : peers_) {
    const bool lacks = other.may_lack || other.in_state(MemberState::joining);  // may not have met it yet
    if (other.hello_in && lacks && other.name != peer.name) other.want_sync = true;
  }
  if (peer.unstable.size() >= unstable_max) {
    for (Peer& other : peers_)
      if (other.hello_in && other.name != peer.name) other.want_sync = true;
  } else {
    for (auto& [number, change] : peer.unstable) out_.specs.push_back(std::move(change));
    out_dirty_ = out_dirty_ || !peer.unstable.empty();
  }
  peer.unstable.clear();
}

void Machine::drop_instances(PeerIndex index, std::vector<std::pair<ChildId, Instance>>* dropped) {
  for (auto& [id, child] : table_.children()) {
    Hosted* hosted = child.at(index);
    if (!hosted) continue;
    if (dropped) dropped->emplace_back(id, hosted->instance);
    child.hosted.erase(child.hosted.begin() + (hosted - child.hosted.data()));
    child.place = no_peer;
    touch(id);
    changed(id);
  }
}

// Others may have come up while this node slept, and run what it runs: all it ever knew must answer or fail
// before it is up again.
void Machine::ask_anew(Peer& peer) {
  peer.settled = false;
  if (peer.channel)
    peer.settle_at = now_.monotonic + settings_.reconnect_every;
  else if (peer.connecting)
    peer.connect_again = true;  // that attempt is from before the sleep, and its failure says nothing of now
  else
    connect(peer);
}

void Machine::session_over(bool keep_children, const std::string& words) {
  Member& row = *peers_[self_index].member;
  effects_.members.push_back({row.session, MemberState::down, words});
  log(LogLevel::warning, fmt::format("our session is over: {}; joining anew", words));
  ++row.session.session;
  ++nonce_;
  // Others have decided since, and whoever asked here asks again in the view with the new session.
  works_.clear();
  with_later_.clear();
  const bool drains = row.state == MemberState::draining;
  if (!keep_children) {
    if (!fenced_) fence(words);
    row.state = MemberState::joining;
    give_up_ = true;
    given_up_ = false;
    if (drains) refuse_drain("this node was declared down while it drained");
  }
  ++row.version;
  view_dirty_ = true;
  for (std::size_t index = 1; index < peers_.size(); ++index) {
    Peer& peer = peers_[index];
    peer.acked = 0;
    if (!keep_children && !peer.hello_in && !peer.refused) ask_anew(peer);
    if (!peer.channel) continue;
    peer.want_hello = true;
    peer.want_sync = peer.want_view = peer.hello_in;
    peer.synced_in = peer.synced_out = false;
    peer.expected = 0;
  }
}

}  // namespace brood::core
