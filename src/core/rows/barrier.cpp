#include "core/rows/barrier.hpp"

#include <algorithm>
#include <type_traits>

namespace brood::core {

bool Barrier::must_say(PeerIndex peer, std::uint64_t newest) {
  std::uint64_t& said = peers_[peer].said;
  if (said >= newest) return false;
  said = newest;
  return true;
}

void Barrier::require(PeerIndex from, std::uint64_t number) {
  Peer& peer = peers_[from];
  peer.required = std::max(peer.required, number);
}

bool Barrier::holds(PeerIndex from) const {
  const Peer& peer = peers_[from];
  return !peer.kept.empty() || peer.required > peer.reached;
}

bool Barrier::passes(const MessageBody& body) {
  return std::visit(
      []<typename T>(const T&) {
        constexpr bool meets = std::is_same_v<T, Hello> || std::is_same_v<T, Refusal> ||
                               std::is_same_v<T, Probe> || std::is_same_v<T, ProbeAck> ||
                               std::is_same_v<T, Obituary> || std::is_same_v<T, Goodbye>;
        constexpr bool brings =
            std::is_same_v<T, SyncRequest> || std::is_same_v<T, Sync> || std::is_same_v<T, SyncAck> ||
            std::is_same_v<T, Behind> || std::is_same_v<T, Delta> || std::is_same_v<T, Through> ||
            std::is_same_v<T, Taken> || std::is_same_v<T, Have> || std::is_same_v<T, Want>;
        return meets || brings;
      },
      body);
}

void Barrier::keep(PeerIndex from, MessageBody body) {
  Peer& peer = peers_[from];
  peer.kept.emplace_back(peer.required, std::move(body));
  ++size_;
  check(from);
}

void Barrier::reached(PeerIndex peer, std::uint64_t number) {
  peers_[peer].reached = number;
  check(peer);
}

void Barrier::check(PeerIndex peer) {
  const Peer& known = peers_[peer];
  if (!known.kept.empty() && known.kept.front().first <= known.reached)
    ready_.insert(peer);
  else
    ready_.erase(peer);
}

std::optional<std::pair<PeerIndex, MessageBody>> Barrier::take() {
  if (ready_.empty()) return std::nullopt;
  const PeerIndex from = *ready_.begin();
  Peer& peer = peers_[from];
  std::pair<PeerIndex, MessageBody> taken{from, std::move(peer.kept.front().second)};
  peer.kept.pop_front();
  --size_;
  check(from);
  return taken;
}

void Barrier::reset(PeerIndex peer) {
  size_ -= peers_[peer].kept.size();
  ready_.erase(peer);
  peers_.reset(peer);
}

}  // namespace brood::core
