// The first words on a channel: whether two nodes can work together, and whom each knows.
#include <fmt/format.h>

#include "core/state.hpp"

namespace brood::core {

Hello Machine::make_hello(const Peer& to) const {
  Hello hello;
  hello.sender = self();
  hello.clock = clock_.last();
  hello.fresh = !to.hello_in;
  hello.receiver.node = to.name;
  if (to.member) {
    hello.receiver = to.member->session;
  } else if (const auto over = to.over.find(to.creation); over != to.over.end()) {
    hello.receiver.creation = to.creation;
    hello.receiver.session = over->second;
    hello.receiver_is_down = true;
  }
  for (std::size_t index = 1; index < peers_.size(); ++index) {
    const Peer& other = peers_[index];
    if (other.member && other.name != to.name)
      hello.members.emplace_back(other.member->session, other.member->address);
  }
  hello.seen = table_.seen();
  hello.digest = table_.digest();
  return hello;
}

std::string Machine::difference(const Member& other) const {
  const Member& mine = self();
  if (other.protocol_min > mine.protocol_max || mine.protocol_min > other.protocol_max)
    return fmt::format("protocol versions {}-{} here and {}-{} at {} have none in common", mine.protocol_min,
                       mine.protocol_max, other.protocol_min, other.protocol_max, other.session.node.value);
  for (const auto& [key, value] : mine.fingerprint) {
    const auto theirs = other.fingerprint.find(key);
    if (theirs != other.fingerprint.end() && theirs->second != value)
      return fmt::format("setting `{}` is {} at {} and {} at {}", key, value, settings_.self.value,
                         theirs->second, other.session.node.value);
  }
  return {};
}

void Machine::refuse(Peer& peer, const std::string& why) {
  ++stats_.refused_messages;
  peer.refused = true;
  peer.settled = true;
  give_up_meeting(peer);
  if (self().state == MemberState::joining) refused_ = true;
  effects_.refused = why;
  log(LogLevel::error, fmt::format("{} cannot be a member with us: {}", peer.name.value, why));
}

void Machine::on_message(PeerIndex from, const Refusal& refusal) {
  Peer& peer = peers_[from];
  if (!peer.refused) refuse(peer, refusal.why);
}

void Machine::on_message(PeerIndex from, const Hello& hello) {
  Peer& peer = peers_[from];
  const SessionId& theirs = hello.sender.session;
  if (theirs.node != peer.name || theirs.creation != peer.creation) {
    ++stats_.refused_messages;
    return;
  }
  peer.settled = true;
  peer.settle_at = Duration::max();
  peer.address = hello.sender.address;
  witness(hello.clock);
  if (const std::string why = difference(hello.sender); !why.empty()) {
    if (!peer.refused) {
      send(peer, Refusal{why});
      refuse(peer, why);
    }
    return;
  }
  if (hello.fresh) peer.want_hello = true;
  const bool theirs_over = peer.is_over(theirs);
  if (theirs_over) peer.want_hello = true;  // tells it so
  if (hello.receiver_is_down && hello.receiver == self().session) {
    // After a split both sides have given each other up, and neither may stop its children for that.
    const bool both = theirs_over && !fenced_;
    session_over(both, fmt::format("{} had declared this node down", peer.name.value));
  }
  if (theirs_over) {
    ++stats_.stale_rows;
    return;
  }
  accept(from, hello);
}

void Machine::accept(PeerIndex from, const Hello& hello) {
  Peer& peer = peers_[from];
  if (hello.sender.state == MemberState::left || hello.sender.state == MemberState::down) return;
  if (peer.member && peer.member->session != hello.sender.session) {
    if (hello.sender.session.session < peer.member->session.session) {
      ++stats_.stale_rows;
      return;
    }
    end_session(from, Ending::died, "it has begun a new session");
    peer.want_hello = true;  // the end of the old session took back what was to be said
  }
  const bool fresh = !peer.member || !peer.hello_in || hello.fresh;
  if (!peer.member) {
    peer.member = hello.sender;
    peer.acked = 0;
    peer.must_answer = fenced_;
    effects_.members.push_back({hello.sender.session, hello.sender.state, "connected"});
    view_dirty_ = true;
    heard_ = now_.monotonic;
    introduce(peer);
  } else {
    update_member(peer, hello.sender);
  }
  peer.lost_at.reset();
  peer.last_known = false;
  peer.learned.reset();
  // It may have lain in our buffers since before we slept; only an answer to a new question counts.
  if (peer.must_answer) send(peer, Probe{nonce_});
  peer.seen = hello.seen;
  peer.digest = hello.digest;
  for (const auto& [session, address] : hello.members) learn(session, address);
  if (fresh) {
    peer.hello_in = true;
    peer.synced_in = peer.synced_out = false;
    peer.expected = 0;
    peer.want_sync = peer.want_view = true;
    dispatch_all(from);
  } else if (peer.synced_in) {
    check_digest(peer, hello);
  }
  maybe_unfence();
}

// Of two that join at the same time each may have had our first Hello before the other came: neither would
// know of the other, and both would be up without having met. Those that are up were met by whoever joined
// then.
void Machine::introduce(Peer& newcomer) {
  newcomer.want_hello = true;
  for (Peer& other : peers_)
    if (other.hello_in && other.in_state(MemberState::joining)) other.want_hello = true;
}

void Machine::learn(const SessionId& session, const std::string& address) {
  if (session.node == settings_.self || peers_.size() >= every_peer) return;
  Peer& peer = peers_[peer_index(session.node)];
  if (peer.member || peer.is_over(session) || peer.refused) return;
  if (peer.learned != session) {
    peer.learned = session;
    peer.learned_at = now_.monotonic;
    peer.missed = false;
  }
  if (!address.empty()) peer.address = address;
  if (!peer.channel && !peer.connecting) connect(peer);
}

// The periodic comparison: whoever holds rows that the other lacks sends them. A change of a live node is on
// its own way; one of a node that is gone must be passed on.
void Machine::check_digest(Peer& peer, const Hello& hello) {
  if (hello.seen == table_.seen()) {
    peer.may_lack = false;
    if (hello.digest != table_.digest()) peer.want_sync = true;
    return;
  }
  for (const auto& [origin, sequence] : table_.seen().seen) {
    const auto theirs = hello.seen.seen.find(origin);
    if (theirs != hello.seen.seen.end() && theirs->second >= sequence) continue;
    const PeerIndex index = find_peer(origin.first);
    const bool live =
        index != no_peer && peers_[index].member && peers_[index].member->session.creation == origin.second;
    if (!live) peer.want_sync = true;
  }
}

void Machine::update_member(Peer& peer, const Member& row) {
  Member& known = *peer.member;
  if (row.session != known.session || row.version <= known.version) return;
  if (row.state == MemberState::left || row.state == MemberState::down) return;
  const bool new_state = row.state != known.state;
  known = row;
  if (!row.address.empty()) peer.address = row.address;
  view_dirty_ = true;
  if (new_state) effects_.members.push_back({row.session, row.state, ""});
}

}  // namespace brood::core
