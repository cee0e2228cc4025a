#include "core/placement/placement.hpp"

#include <algorithm>

#include "core/placement/rendezvous.hpp"

namespace brood::core {

bool offers(const std::set<std::string>& offered, const std::string& needs) {
  if (needs.empty() || offered.count(needs) != 0) return true;
  return needs.starts_with("exec:") && offered.count("exec:*") != 0;
}

void Placement::set(std::vector<Node> nodes) {
  nodes_ = std::move(nodes);
  rings_.clear();
  last_needs_ = nullptr;
  coordinators_.clear();
  for (const Node& node : nodes_)
    if (node.weight > 0) coordinators_.push_back({node.peer, node_hash(node.name), node.weight});
  if (!coordinators_.empty()) return;
  for (const Node& node : nodes_) coordinators_.push_back({node.peer, node_hash(node.name), 1});
}

PeerIndex Placement::coordinator(std::uint64_t key) const {
  if (coordinators_.empty()) return no_peer;
  return coordinators_[distribution_->first(key, coordinators_)].peer;
}

void Placement::fill(std::vector<RingNode>& ring, const std::string& needs) const {
  for (const Node& node : nodes_)
    if (node.weight > 0 && offers(node.offers, needs))
      ring.push_back({node.peer, node_hash(node.name), node.weight});
}

const std::vector<RingNode>& Placement::ring_of(const std::string& needs) const {
  if (last_needs_ && *last_needs_ == needs) return *last_ring_;
  if (needs.starts_with("exec:")) {
    for_command_.clear();
    fill(for_command_, needs);
    return for_command_;
  }
  const auto [at, added] = rings_.try_emplace(needs);
  if (added) fill(at->second, needs);
  last_needs_ = &at->first;
  last_ring_ = &at->second;
  return at->second;
}

std::vector<RingNode> Placement::eligible(const SpecRow& row) const {
  std::vector<RingNode> ring = ring_of(row.spec->needs);
  const auto& only = row.spec->nodes;
  if (only.empty()) return ring;
  std::erase_if(ring, [&](const RingNode& candidate) {
    const auto node = std::find_if(nodes_.begin(), nodes_.end(),
                                   [&](const Node& known) { return known.peer == candidate.peer; });
    return std::find(only.begin(), only.end(), node->name) == only.end();
  });
  return ring;
}

PeerIndex Placement::first(std::uint64_t key, const SpecRow& row) const {
  if (row.spec->nodes.empty() && row.avoid.empty() && !row.start_on) {
    const auto& ring = ring_of(row.spec->needs);
    return ring.empty() ? no_peer : ring[distribution_->first(key, ring)].peer;
  }
  const auto all = order(key, row);
  return all.empty() ? no_peer : all.front();
}

std::vector<PeerIndex> Placement::order(std::uint64_t key, const SpecRow& row) const {
  const auto ring = eligible(row);
  std::vector<PeerIndex> front, back;
  for (const std::size_t index : distribution_->order(key, ring)) {
    const PeerIndex peer = ring[index].peer;
    const auto node =
        std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& known) { return known.peer == peer; });
    const bool avoided = std::find(row.avoid.begin(), row.avoid.end(), node->name) != row.avoid.end();
    if (avoided)
      back.push_back(peer);
    else if (row.start_on && *row.start_on == node->name)
      front.insert(front.begin(), peer);
    else
      front.push_back(peer);
  }
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

bool Placement::offered(const std::string& needs) const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [&](const Node& node) { return offers(node.offers, needs); });
}

bool Placement::is_up(const NodeName& name) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) { return node.name == name; });
}

}  // namespace brood::core
