// What a driver may read of the tables between two steps.
#include <algorithm>

#include "core/state.hpp"

namespace brood::core {

std::vector<Member> Machine::members() const {
  std::vector<Member> all;
  for (const auto& [name, index] : peer_names_)
    if (peers_[index].member) all.push_back(*peers_[index].member);
  return all;
}

const Member* Machine::member(const NodeName& node) const {
  const PeerIndex index = find_peer(node);
  return index == no_peer || !peers_[index].member ? nullptr : &*peers_[index].member;
}

std::vector<NodeName> Machine::up_nodes() const {
  std::vector<NodeName> names;
  for (const auto& node : ring_.nodes()) names.push_back(node.name);
  return names;
}

std::vector<Located> Machine::instances(const ChildId& id) const {
  std::vector<Located> all;
  const Child* child = table_.find(id);
  if (!child) return all;
  const PeerIndex place = child->row ? place_of(*child) : no_peer;
  auto hosted = child->hosted;
  std::sort(hosted.begin(), hosted.end(), [&](const Hosted& a, const Hosted& b) {
    if ((a.peer == place) != (b.peer == place)) return a.peer == place;
    return a.instance.epoch > b.instance.epoch;
  });
  for (Hosted& one : hosted) all.push_back({peers_[one.peer].member->session, std::move(one.instance)});
  return all;
}

std::vector<ChildId> Machine::ids() const {
  std::vector<ChildId> all;
  all.reserve(table_.children().size());
  for (const auto& [id, child] : table_.children())
    if (child.row) all.push_back(id);
  std::sort(all.begin(), all.end());
  return all;
}

std::optional<NodeName> Machine::node_for(const ChildId& key) const {
  const PeerIndex index = ring_.coordinator(key.hash64());
  if (index == no_peer) return std::nullopt;
  return peers_[index].name;
}

std::vector<NodeName> Machine::placement(const ChildId& id) const {
  std::vector<NodeName> names;
  const Child* child = table_.find(id);
  if (!child || !child->row) return names;
  for (const PeerIndex index : ring_.order(child->hash, *child->row)) names.push_back(peers_[index].name);
  return names;
}

}  // namespace brood::core
