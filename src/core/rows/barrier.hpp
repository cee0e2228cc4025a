// Barrier: keeps the promise of channels where members pass on each other's changes: whoever acts on a
// message holds all that its sender changed before it.
//
// Where each change goes straight to every member, the order of a channel sees to that. Where it takes other
// ways, what is said on a channel may come before it. So the sender says first how far it has got (Through),
// and the receiver keeps what follows until it is as far.
//
// Owns: what was said to each peer, and the messages that wait. Reads and tells nothing. Thread rule: none;
// owned by one core.
#pragma once

#include <list>
#include <optional>
#include <set>
#include <utility>

#include "core/base/messages.hpp"
#include "core/base/peer_index.hpp"

namespace brood::core {

class Barrier {
 public:
  /// Whether the peer has to be told that number before anything else; then it counts as told.
  [[nodiscard]] bool must_say(PeerIndex peer, std::uint64_t newest);

  /// What comes from the peer from now on waits for that number.
  void require(PeerIndex from, std::uint64_t number);
  /// Whether a message of the peer that comes now has to wait.
  [[nodiscard]] bool holds(PeerIndex from) const;
  /// Those by which members meet, and those that bring changes, never wait.
  [[nodiscard]] static bool passes(const MessageBody& body);
  void keep(PeerIndex from, MessageBody body);
  /// This node holds the peer's changes up to that number; 0: it lacks the peer's table.
  void reached(PeerIndex peer, std::uint64_t number);

  [[nodiscard]] bool has_ready() const { return !ready_.empty(); }
  /// The oldest message of a peer that need not wait any more.
  [[nodiscard]] std::optional<std::pair<PeerIndex, MessageBody>> take();
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The channel is another one, or the peer.
  void reset(PeerIndex peer);

 private:
  struct Peer {
    std::uint64_t said = 0;
    std::uint64_t required = 0;
    std::uint64_t reached = 0;
    std::list<std::pair<std::uint64_t, MessageBody>> kept;  ///< What each waits for.
  };
  void check(PeerIndex peer);

  PeerMap<Peer> peers_;
  std::set<PeerIndex> ready_;
  std::size_t size_ = 0;
};

}  // namespace brood::core
