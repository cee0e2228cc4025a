// PeerIndex: a node by its place in one core's tables; and PeerMap, what one part of the core keeps of each.
// Indices are handed out and taken back by members/peer_table.hpp. Never seen outside the core.
//
// Thread rule: plain data of one core.
#pragma once

#include <cstdint>
#include <deque>

namespace brood::core {

using PeerIndex = std::uint32_t;
inline constexpr PeerIndex self_index = 0;  ///< This node.
inline constexpr PeerIndex no_peer = 0xffff'ffff;
inline constexpr PeerIndex every_peer = 0xffff'fffe;

/// A value for each peer, made when it is first asked for. References stay valid.
template <typename T>
class PeerMap {
 public:
  T& operator[](PeerIndex peer) {
    while (values_.size() <= peer) values_.emplace_back();
    return values_[peer];
  }
  /// What was said of the peer, or what a new one has.
  const T& operator[](PeerIndex peer) const {
    static const T none{};
    return peer < values_.size() ? values_[peer] : none;
  }
  /// The index will be another node's.
  void reset(PeerIndex peer) {
    if (peer < values_.size()) values_[peer] = T{};
  }

 private:
  std::deque<T> values_;
};

}  // namespace brood::core
