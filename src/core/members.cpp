// Channels to other nodes, and how this node becomes a member.
#include <utility>

#include "core/state.hpp"

namespace brood::core {

PeerIndex Machine::find_peer(const NodeName& node) const {
  const auto found = peer_names_.find(node);
  return found == peer_names_.end() ? no_peer : found->second;
}

PeerIndex Machine::peer_index(const NodeName& node) {
  const PeerIndex known = find_peer(node);
  if (known != no_peer) return known;
  const auto index = static_cast<PeerIndex>(peers_.size());
  peers_.emplace_back().name = node;
  peer_names_[node] = index;
  return index;
}

void Machine::reset_channel(Peer& peer) {
  peer.hello_in = peer.synced_in = peer.synced_out = false;
  peer.expected = 0;
  peer.view = 0;
  peer.settle_at = Duration::max();
  peer.want_hello = peer.want_sync = peer.want_sync_request = peer.want_view = false;
  peer.ack_due.reset();
}

void Machine::connect(Peer& peer) {
  peer.connecting = true;
  peer.next_connect = Duration::max();
  ++peer.attempts;
  effects_.connects.push_back({peer.name, peer.address, peer.last_known});
}

void Machine::handle(const PeerUp& event) {
  if (event.node == settings_.self || peers_.size() >= every_peer) return;
  Peer& peer = peers_[peer_index(event.node)];
  if (peer.member && peer.member->session.creation != event.creation)
    end_session(find_peer(event.node), Ending::died, "the node has started anew");
  reset_channel(peer);
  peer.channel = true;
  peer.creation = event.creation;
  peer.connecting = peer.connect_again = false;
  peer.attempts = 0;
  peer.next_connect = Duration::max();
  peer.settle_at = now_.monotonic + settings_.reconnect_every;
  if (give_up_) peer.settled = false;
  peer.want_hello = true;
}

void Machine::handle(const PeerDown& event) {
  const PeerIndex index = find_peer(event.node);
  if (index == no_peer || index == self_index) return;
  Peer& peer = peers_[index];
  const bool had_channel = peer.channel;
  peer.channel = false;
  peer.connecting = peer.connect_again = false;
  peer.refused = false;
  reset_channel(peer);
  if (!peer.member) {
    if ((peer.seed || peer.learned) && had_channel)
      peer.next_connect = now_.monotonic + settings_.reconnect_every;
    peer.settled = true;
    return;
  }
  peer.lost_wall = now_.wall - (event.silent ? settings_.tick_timeout : Duration{});
  if (event.silent && !fenced_) {
    peer.lost_at = now_.monotonic;
    end_session(index, Ending::silent, "nothing came for the whole tick time-out");
    return;
  }
  // Fenced, the silence may be our own sleep: one more try before it is judged.
  if (!peer.lost_at)
    peer.lost_at = now_.monotonic - (event.silent ? settings_.tick_timeout / 4 * 3 : Duration{});
  peer.last_known = true;
  connect(peer);
}

void Machine::handle(const ConnectFailed& event) {
  const PeerIndex index = find_peer(event.node);
  if (index == no_peer || index == self_index) return;
  Peer& peer = peers_[index];
  peer.connecting = false;
  if (peer.channel) return;
  if (std::exchange(peer.connect_again, false)) return connect(peer);
  peer.settled = true;
  if (peer.member) {
    if (event.proven_dead) {
      if (!peer.lost_at) peer.lost_wall = now_.wall;
      end_session(index, Ending::died, event.words.empty() ? "its node does not run" : event.words);
      return;
    }
    if (!peer.lost_at) peer.lost_at = now_.monotonic;
  }
  if (event.proven_dead) {
    give_up_meeting(peer);
    if (!peer.seed && !peer.member) {
      peer.next_connect = Duration::max();  // it comes by itself when it is started again
      return;
    }
  }
  const auto every = settings_.reconnect_every;
  // A member whose channel just ended may be half gone, its listening socket still open: the proof of its
  // death is milliseconds away, and its children wait for it.
  if (peer.member) {
    peer.next_connect =
        now_.monotonic + std::min<Duration>(every, 10ms * (1U << std::min(peer.attempts, 10U)));
    return;
  }
  // A node that was lost without proof may come back after a long time: try ever more rarely.
  const bool patient = !peer.seed && !peer.member && !peer.learned;
  peer.next_connect = now_.monotonic + (patient ? std::min<Duration>(every * peer.attempts, 30s) : every);
}

void Machine::tend_peers() {
  for (std::size_t index = 1; index < peers_.size(); ++index) {
    Peer& peer = peers_[index];
    if (!peer.channel && !peer.connecting && peer.next_connect <= now_.monotonic) connect(peer);
    if (peer.channel && !peer.hello_in && peer.settle_at <= now_.monotonic) {
      peer.settled = true;
      give_up_meeting(peer);
      peer.settle_at = Duration::max();
    }
    const bool joining = self().state == MemberState::joining;
    if (joining && peer.learned && !peer.missed &&
        now_.monotonic >= peer.learned_at + settings_.tick_timeout) {
      peer.missed = true;
      ask_all_for_rows();
    }
    judge(peer);
  }
  if (next_check_ <= now_.monotonic) {
    next_check_ = now_.monotonic + settings_.sync_interval;
    for (std::size_t tried = 1; tried < peers_.size(); ++tried) {
      check_turn_ = check_turn_ % (peers_.size() - 1) + 1;
      if (peers_[check_turn_].synced_in) {
        peers_[check_turn_].want_hello = true;
        break;
      }
    }
  }
}

void Machine::give_up_meeting(Peer& peer) {
  if (peer.learned && self().state == MemberState::joining) ask_all_for_rows();
  peer.learned.reset();
}

// A joining node has the changes of a member that it never met from the others alone: those up to their
// Syncs. Once it goes on without that member it needs them all.
void Machine::ask_all_for_rows() {
  for (Peer& peer : peers_) {
    if (!peer.member || !peer.synced_in) continue;
    peer.synced_in = false;
    peer.expected = 0;
    peer.want_sync_request = true;
  }
}

// Suspects are down once nothing came from them for the tick time-out.
void Machine::judge(Peer& peer) {
  if (!peer.member || !peer.lost_at) return;
  if (now_.monotonic < *peer.lost_at + settings_.tick_timeout) return;
  end_session(find_peer(peer.name), Ending::silent, "no connection for the tick time-out");
}

bool Machine::has_members() const {
  for (std::size_t index = 1; index < peers_.size(); ++index)
    if (peers_[index].member) return true;
  return false;
}

bool Machine::may_become_up() const {
  if (!booted_ || refused_ || self().state != MemberState::joining) return false;
  if (fenced_ && !give_up_) return false;
  bool formed = give_up_ || (settings_.join.empty() && !settings_.discovers);
  std::uint32_t here = 1;
  for (std::size_t index = 1; index < peers_.size(); ++index) {
    const Peer& peer = peers_[index];
    if (peer.member) {
      if (!peer.synced_in || peer.must_answer) return false;
      ++here;
      formed = formed || peer.member->state != MemberState::joining;
    } else if (peer.learned && !peer.missed) {
      return false;
    }
    if ((peer.seed || give_up_) && !peer.settled && !peer.member) return false;
  }
  if (formed || now_.monotonic >= form_at_) return true;
  return settings_.expect > 0 && here >= settings_.expect;
}

// While a joining node slept the others may have formed without it: what it heard of its seeds before is old.
void Machine::join_anew() {
  if (self().state != MemberState::joining) return;
  form_at_ = now_.monotonic + settings_.form_wait;
  for (std::size_t index = 1; index < peers_.size(); ++index) {
    Peer& peer = peers_[index];
    if ((peer.seed || give_up_) && !peer.hello_in && !peer.refused) ask_anew(peer);
  }
}

void Machine::maybe_become_up() {
  if (!may_become_up()) return;
  if (give_up_ && !gave_up()) return;
  become_up();
}

void Machine::become_up() {
  Member& row = *peers_[self_index].member;
  row.state = MemberState::up;
  row.up_since = clock_.next(now_.wall);
  self_changed();
  view_dirty_ = true;
  effects_.members.push_back({row.session, MemberState::up, "joined"});
  if (give_up_) {
    give_up_ = false;
    unfence();
    if (!drainers_.empty()) begin_drain();
  }
}

void Machine::self_changed() {
  Member& row = *peers_[self_index].member;
  ++row.version;
  out_.member = row;
  out_dirty_ = true;
}

}  // namespace brood::core
