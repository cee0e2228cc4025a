// What a driver may read of the tables between two steps.
#include <algorithm>

#include "base/hash.hpp"
#include "core/machine.hpp"

namespace brood::core {

std::vector<Member> Machine::members() const {
  std::vector<Member> all;
  for (const auto& [name, peer] : peers_.all())
    if (const Member* member = sessions_.member(peer)) all.push_back(*member);
  return all;
}

const Member* Machine::member(const NodeName& node) const {
  const PeerIndex peer = peers_.find(node);
  return peer == no_peer ? nullptr : sessions_.member(peer);
}

std::vector<NodeName> Machine::up_nodes() const {
  std::vector<NodeName> names;
  for (const auto& node : views_.placement().nodes()) names.push_back(node.name);
  return names;
}

std::vector<NodeName> Machine::ring_nodes() const {
  std::vector<NodeName> names;
  for (const auto& node : views_.placement().nodes())
    if (roster_.allows(node.name)) names.push_back(node.name);
  return names;
}

const SpecRow* Machine::spec(const ChildId& id) const {
  const Child* child = children_.find(id);
  return child ? child->row() : nullptr;
}

std::vector<Located> Machine::instances(const ChildId& id) const {
  std::vector<Located> all;
  const Child* child = children_.find(id);
  if (!child) return all;
  std::vector<const Hosted*> hosted;
  instances_.each(*child, [&](const Hosted& one) { hosted.push_back(&one); });
  if (hosted.size() > 1) {
    const PeerIndex place = child->row() ? views_.placement().first(child->hash, *child->row()) : no_peer;
    std::sort(hosted.begin(), hosted.end(), [&](const Hosted* a, const Hosted* b) {
      const bool a_first = instances_.peer(*a) == place;
      const bool b_first = instances_.peer(*b) == place;
      if (a_first != b_first) return a_first;
      return a->instance.epoch > b->instance.epoch;
    });
  }
  for (const Hosted* one : hosted) all.push_back({instances_.session(*one), one->instance});
  return all;
}

std::vector<ChildId> Machine::ids() const {
  std::vector<ChildId> all;
  all.reserve(children_.size());
  for (std::uint32_t slot = 0; slot < children_.slots(); ++slot) {
    const Child* child = children_.at_slot(slot);
    if (child && child->row()) all.push_back(child->id);
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::uint64_t Machine::table_digest() const {
  std::uint64_t digest = rows_.table().digest();
  for (const auto& [origin, sequence] : rows_.table().seen().seen)
    digest =
        combine64(digest, combine64(combine64(stable_hash64(origin.first.value), origin.second), sequence));
  return digest;
}

Footprint Machine::footprint() const {
  return {children_.size(),       peers_.size(),   replication_.kept_weight(),
          replication_.waiting(), barrier_.size(), rows_.table().seen().seen.size()};
}

std::optional<NodeName> Machine::node_for(const ChildId& key) const {
  const PeerIndex peer = views_.placement().coordinator(key);
  if (peer == no_peer) return std::nullopt;
  return peers_.name(peer);
}

std::vector<NodeName> Machine::placement(const ChildId& id) const {
  std::vector<NodeName> names;
  const Child* child = children_.find(id);
  if (!child || !child->row()) return names;
  for (const PeerIndex peer : views_.placement().order(child->hash, *child->row()))
    names.push_back(peers_.name(peer));
  return names;
}

}  // namespace brood::core
