// PeerTable: which nodes this core has to do with, and their indices. An index is a node's for as long as
// anything is known of it, and then another's: what each part keeps of a peer is reset by Machine before
// that.
//
// Thread rule: none; owned by one core.
#pragma once

#include <map>
#include <vector>

#include "core/base/peer_index.hpp"
#include "core/base/types.hpp"

namespace brood::core {

class PeerTable {
 public:
  explicit PeerTable(const NodeName& self) {
    names_.push_back(NodeName::keep(self));
    by_name_[names_.back()] = self_index;
  }

  [[nodiscard]] PeerIndex find(const NodeName& node) const {
    const auto found = by_name_.find(node);
    return found == by_name_.end() ? no_peer : found->second;
  }
  PeerIndex obtain(const NodeName& node) {
    const PeerIndex known = find(node);
    if (known != no_peer) return known;
    // Epochs, pids and dots of this node will be in every table: its name is worth keeping.
    const NodeName kept = NodeName::keep(node);
    PeerIndex index = static_cast<PeerIndex>(names_.size());
    if (free_.empty()) {
      names_.push_back(kept);
    } else {
      index = free_.back();
      free_.pop_back();
      names_[index] = kept;
    }
    by_name_[kept] = index;
    return index;
  }
  [[nodiscard]] const NodeName& name(PeerIndex peer) const { return names_[peer]; }
  /// Names and indices in the order of names, this node's among them.
  [[nodiscard]] const std::map<NodeName, PeerIndex>& all() const { return by_name_; }
  [[nodiscard]] std::size_t size() const { return by_name_.size(); }
  void release(PeerIndex peer) {
    by_name_.erase(names_[peer]);
    names_[peer] = NodeName();
    free_.push_back(peer);
  }
  void rename_self(const NodeName& name) {
    by_name_.erase(names_[self_index]);
    names_[self_index] = NodeName::keep(name);
    by_name_[names_[self_index]] = self_index;
  }

 private:
  std::vector<NodeName> names_;
  std::vector<PeerIndex> free_;
  std::map<NodeName, PeerIndex> by_name_;
};

}  // namespace brood::core
