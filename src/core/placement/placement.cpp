#include "core/placement/placement.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "core/placement/rendezvous.hpp"

namespace brood::core {
namespace {

/// Sets of nodes that some command may run on; a cluster has a few, unless each command is allowed elsewhere.
constexpr std::size_t rings_max = 256;

}  // namespace

RingKey ring_key(const ChildId& id, const Spec* spec) {
  RingKey key;
  key.id = id.bytes();
  key.id_kind = id.kind();
  key.hash = id.hash();
  if (spec) {
    key.tag = spec->extras->tag;
    key.mapping = spec->extras->mapping;
  }
  return key;
}

Result<void> accepts(const Strategies& strategies, const ChildId& id, const Spec& spec) {
  // More nodes than any cluster has: where each of them runs an instance, a mapping may name as many as it
  // likes.
  constexpr std::size_t very_many = 1'000'000;
  std::size_t instances = strategies.redundancy->instances(very_many);
  if (instances == very_many) instances = std::max<std::size_t>(spec.extras->mapping.size(), 1);
  return strategies.distribution->accepts(ring_key(id, &spec), instances);
}

template <typename F>
auto Placement::with_key(const ChildId& id, const SpecRow& row, const F& f) const {
  RingKey ring_key = core::ring_key(id, row.spec.get());
  if (ring_key.mapping.empty() || forgotten_.empty()) return f(ring_key);
  std::vector<NodeName> left(ring_key.mapping.begin(), ring_key.mapping.end());
  std::erase_if(left, [this](const NodeName& name) {
    return std::binary_search(forgotten_.begin(), forgotten_.end(), name);
  });
  ring_key.mapping = left;
  return f(ring_key);
}

void Placement::set(std::vector<Node> nodes, std::vector<NodeName> absent, std::vector<NodeName> forgotten) {
  forgotten_ = std::move(forgotten);
  nodes_ = std::move(nodes);
  absent_ = std::move(absent);
  rings_.clear();
  by_needs_.clear();
  last_needs_ = nullptr;
  Members coordinators;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].weight > 0) coordinators.push_back(i);
  const bool by_weight = !coordinators.empty();
  if (!by_weight)
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) coordinators.push_back(i);
  leader_ = no_peer;
  const Node* oldest = nullptr;
  for (const std::uint32_t i : coordinators)
    if (!oldest || nodes_[i].up_since < oldest->up_since) oldest = &nodes_[i];
  if (oldest && is_centralised()) leader_ = oldest->peer;
  coordinators_ = {std::move(coordinators), nullptr};
  by_weight_ = by_weight;
}

// Not before it is asked for: where many nodes come or go at once, most views are over before anybody does.
const Placement::Prepared& Placement::coordinators() const {
  if (!coordinators_.ring && !coordinators_.members.empty())
    coordinators_ = prepared(std::move(coordinators_.members), by_weight_);
  return coordinators_;
}

Placement::Prepared Placement::prepared(Members members, bool by_weight) const {
  if (members.empty()) return {};
  std::vector<RingNode> ring;
  ring.reserve(members.size());
  for (const std::uint32_t i : members)
    ring.push_back({nodes_[i].name, node_hash(nodes_[i].name), by_weight ? nodes_[i].weight : 1});
  return {std::move(members), distribution_->prepare(std::move(ring))};
}

const Placement::Node* Placement::node_at(const Prepared& prepared, std::size_t index) const {
  // No index is Ring::nowhere, or what a program's own distribution made up.
  return index < prepared.members.size() ? &nodes_[prepared.members[index]] : nullptr;
}

PeerIndex Placement::coordinator(const ChildId& id) const {
  if (coordinators_.members.empty()) return no_peer;
  if (leader_ != no_peer) return leader_;
  const Prepared& prepared = coordinators();
  if (!prepared.ring) return no_peer;
  const Node* node = node_at(prepared, prepared.ring->first(ring_key(id)));
  return node ? node->peer : no_peer;
}

Placement::Members Placement::members_for(const std::string& needs) const {
  Members members;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].weight > 0 && nodes_[i].offers.include(needs)) members.push_back(i);
  return members;
}

const Placement::Prepared& Placement::ring_for(Members members) const {
  const auto found = rings_.find(members);
  if (found != rings_.end()) return found->second;
  if (rings_.size() >= rings_max) {
    rings_.clear();
    by_needs_.clear();
    last_needs_ = nullptr;
  }
  Prepared ring = prepared(members, true);
  return rings_.emplace(std::move(members), std::move(ring)).first->second;
}

const Placement::Prepared& Placement::ring_of(const std::string& needs) const {
  if (last_needs_ && *last_needs_ == needs) return *last_ring_;
  if (needs.starts_with("exec:")) return ring_for(members_for(needs));
  auto found = by_needs_.find(needs);
  if (found == by_needs_.end()) {
    const Prepared& ring = ring_for(members_for(needs));
    found = by_needs_.emplace(needs, &ring).first;
  }
  last_needs_ = &found->first;
  last_ring_ = found->second;
  return *found->second;
}

const Placement::Node* Placement::find(const NodeName& name) const {
  const auto at = std::lower_bound(nodes_.begin(), nodes_.end(), name,
                                   [](const Node& node, const NodeName& other) { return node.name < other; });
  return at == nodes_.end() || at->name != name ? nullptr : &*at;
}

// The node that it was given to, if that may run it; only a ring knows whether there are others that may not.
PeerIndex Placement::assigned(const SpecRow& row) const {
  const Node* node = row.assigned ? find(row.assigned->node) : nullptr;
  const auto& only = row.spec->extras->nodes;
  const bool fits = node && node->weight > 0 && node->offers.include(row.spec->needs) &&
                    (only.empty() || std::find(only.begin(), only.end(), node->name) != only.end());
  return fits ? node->peer : no_peer;
}

PeerIndex Placement::first(const ChildId& id, const SpecRow& row) const {
  if (is_centralised()) {
    const PeerIndex given = assigned(row);
    if (given == no_peer || row.trouble->avoid.empty()) return given;
  } else if (row.spec->extras->nodes.empty() && row.trouble->avoid.empty() && !row.start_on &&
             !row.assigned) {
    const Prepared& prepared = ring_of(row.spec->needs);
    if (!prepared.ring) return no_peer;
    const Node* node =
        with_key(id, row, [&](const RingKey& of) { return node_at(prepared, prepared.ring->first(of)); });
    return node ? node->peer : no_peer;
  }
  const auto all = order(id, row);
  return all.empty() ? no_peer : all.front();
}

std::vector<PeerIndex> Placement::order(const ChildId& id, const SpecRow& row) const {
  if (is_centralised() && assigned(row) == no_peer) return {};
  return eligible(id, row);
}

std::vector<PeerIndex> Placement::eligible(const ChildId& id, const SpecRow& row) const {
  const Prepared& prepared = ring_of(row.spec->needs);
  if (!prepared.ring) return {};
  const auto& only = row.spec->extras->nodes;
  const auto is_in = [](const std::vector<NodeName>& list, const NodeName& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  std::vector<PeerIndex> front, back;
  const auto indices = with_key(id, row, [&](const RingKey& of) { return prepared.ring->order(of); });
  for (const std::size_t index : indices) {
    const Node* node = node_at(prepared, index);
    if (!node || (!only.empty() && !is_in(only, node->name))) continue;
    if (is_in(row.trouble->avoid, node->name))
      back.push_back(node->peer);
    else if (row.start_on && *row.start_on == node->name)
      front.insert(front.begin(), node->peer);
    else
      front.push_back(node->peer);
  }
  if (row.assigned) {
    const auto given = std::find(front.begin(), front.end(), assigned(row));
    if (given != front.end()) std::rotate(front.begin(), given, given + 1);
  }
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

// Nobody knows what they offer and weigh just now; they are taken for nodes like any other.
std::optional<NodeName> Placement::absent_owner(const ChildId& id, const SpecRow& row) const {
  constexpr std::uint32_t weight = 100;
  if (absent_.empty() || is_centralised()) return std::nullopt;
  std::vector<RingNode> ring;
  for (const std::uint32_t i : members_for(row.spec->needs))
    ring.push_back({nodes_[i].name, node_hash(nodes_[i].name), nodes_[i].weight});
  for (const NodeName& name : absent_) ring.push_back({name, node_hash(name), weight});
  std::sort(ring.begin(), ring.end(), [](const RingNode& a, const RingNode& b) { return a.name < b.name; });
  const auto& only = row.spec->extras->nodes;
  for (const std::size_t index : distribution_->prepare(ring)->order(ring_key(id, row.spec.get()))) {
    if (index >= ring.size()) continue;
    const NodeName& name = ring[index].name;
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    if (std::binary_search(absent_.begin(), absent_.end(), name)) return name;
    return std::nullopt;
  }
  return std::nullopt;
}

bool Placement::offered(const std::string& needs) const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [&](const Node& node) { return node.offers.include(needs); });
}

bool Placement::is_up(const NodeName& name) const {
  return find(name) != nullptr;
}

}  // namespace brood::core

namespace brood::inline v0 {

std::uint64_t strategy_hash(std::string_view bytes) noexcept {
  return stable_hash64(bytes);
}

std::uint64_t strategy_hash(std::uint64_t first, std::uint64_t second) noexcept {
  return combine64(first, second);
}

Result<void> Distribution::accepts(const RingKey& child, std::size_t /*instances*/) const {
  if (child.mapping.empty()) return {};
  return Error{
      Errc::invalid_argument,
      "the child has a mapping, which the distribution `guided` takes and this one does not; leave it out"};
}

}  // namespace brood::inline v0
