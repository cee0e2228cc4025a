// What a driver may read of the tables between two steps.
#include <algorithm>

#include "base/hash.hpp"
#include "core/machine.hpp"
#include "core/members/takeover_delay.hpp"

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

void Machine::look_up(const ChildId& id, Known& into) const {
  into.row = nullptr;
  into.instances.clear();
  const Child* child = children_.find(id);
  if (!child) return;
  into.row = child->row();
  if (child->hosted().size() < 2) {
    instances_.each(*child, [&](const Hosted& one) {
      into.instances.push_back({&instances_.session(one), &one.instance});
    });
    return;
  }
  const auto order =
      child->row() ? views_.replicas().nodes(child->id, *child->row()) : std::vector<PeerIndex>{};
  // Each is ranked once: there may be one on every node.
  struct Ranked {
    bool is_passive;
    std::size_t place;
    Known::Seen seen;
  };
  std::vector<Ranked> ranked;
  ranked.reserve(child->hosted().size());
  instances_.each(*child, [&](const Hosted& one) {
    ranked.push_back({one.instance.role != Role::active,
                      place_in(order, instances_.peer(one)),
                      {&instances_.session(one), &one.instance}});
  });
  std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    if (a.is_passive != b.is_passive) return b.is_passive;
    if (a.place != b.place) return a.place < b.place;
    return a.seen.instance->epoch > b.seen.instance->epoch;
  });
  for (const Ranked& one : ranked) into.instances.push_back(one.seen);
}

std::vector<Located> Machine::instances(const ChildId& id) const {
  Known known;
  look_up(id, known);
  std::vector<Located> all;
  all.reserve(known.instances.size());
  for (const auto& [host, instance] : known.instances) all.push_back({*host, *instance});
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
        combine64(digest, combine64(combine64(stable_hash64(origin.first.text()), origin.second), sequence));
  return digest;
}

Footprint Machine::footprint() const {
  return {children_.size(),       peers_.size(),   replication_.kept_weight(),
          replication_.waiting(), barrier_.size(), rows_.table().seen().seen.size()};
}

PartitionStatus Machine::partition() const {
  PartitionStatus status;
  const PartitionTolerance& strategy = quorum_.strategy();
  status.partitioned = quorum_.is_locked();
  status.acting = views_.acting();
  status.why = views_.why_not_acting(settings_);
  status.strategy = strategy.name();
  status.count = quorum_.words();
  status.tally = quorum_.tally();
  if (strategy.locks()) {
    status.takeover_delay = takeover_delay(settings_);
    status.overlap_bound = overlap_bound(settings_);
  }
  return status;
}

std::optional<NodeName> Machine::leader() const {
  const PeerIndex peer = scoreboard_.leader();
  return peer == no_peer ? std::nullopt : std::optional(peers_.name(peer));
}

std::vector<ScoreLine> Machine::scoreboard() const {
  std::vector<ScoreLine> lines;
  if (!scoreboard_.how()) return lines;
  double all = 0;
  for (const Placement::Node& node : views_.placement().nodes()) {
    if (node.weight == 0) continue;
    const Scoreboard::Score& known = scoreboard_.of(node.peer);
    lines.push_back({node.name, node.weight, known.load, static_cast<std::uint32_t>(known.history.size()),
                     scoreboard_.score(node.peer), static_cast<double>(scoreboard_.share(node)),
                     assignments_.given(node.name)});
    all += lines.back().share;
  }
  for (ScoreLine& line : lines) line.share /= all;
  return lines;
}

// Under a centralised distribution an id says nothing of where a child belongs; its row does.
std::optional<NodeName> Machine::node_for(const ChildId& key) const {
  if (const Child* child = children_.find(key);
      child && child->row() && views_.placement().is_centralised()) {
    const PeerIndex place = views_.placement().first(child->id, *child->row());
    return place == no_peer ? std::nullopt : std::optional(peers_.name(place));
  }
  const PeerIndex peer = views_.placement().coordinator(key);
  if (peer == no_peer) return std::nullopt;
  return peers_.name(peer);
}

std::vector<NodeName> Machine::placement(const ChildId& id) const {
  std::vector<NodeName> names;
  const Child* child = children_.find(id);
  if (!child || !child->row()) return names;
  for (const PeerIndex peer : views_.placement().order(child->id, *child->row()))
    names.push_back(peers_.name(peer));
  return names;
}

}  // namespace brood::core
