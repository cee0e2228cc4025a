#include "core/balance/assignments.hpp"

#include <algorithm>

namespace brood::core {
namespace {

constexpr std::size_t passed_at_once = 16;

/// Of two nodes with so many children, whether the first has fewer for its share.
bool is_emptier(std::uint64_t count, std::uint64_t share, std::uint64_t other_count,
                std::uint64_t other_share) {
  return count * other_share < other_count * share;
}

bool contains(const std::vector<NodeName>& names, const NodeName& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

// ---- counting ----------------------------------------------------------------------------------------

std::uint32_t Assignments::counter_of(const NodeName& node) {
  const auto known = by_name_.find(node);
  if (known != by_name_.end()) return known->second;
  std::uint32_t counter = static_cast<std::uint32_t>(counters_.size());
  if (free_.empty()) {
    counters_.push_back({node, 0});
  } else {
    counter = free_.back();
    free_.pop_back();
    counters_[counter] = {node, 0};
  }
  by_name_[node] = counter;
  return counter;
}

void Assignments::take(std::uint32_t counter) {
  if (--counters_[counter].children > 0) return;
  by_name_.erase(counters_[counter].node);
  free_.push_back(counter);
}

std::uint64_t Assignments::given(const NodeName& node) const {
  const auto known = by_name_.find(node);
  return known == by_name_.end() ? 0 : counters_[known->second].children;
}

Epoch Assignments::newest(const Child& child) const {
  Epoch newest;
  instances_.each(child, [&](const Hosted& hosted) { newest = std::max(newest, hosted.instance.epoch); });
  return newest;
}

bool Assignments::is_on_its_way(const Child& child) const {
  if (views_.replicas().several(*child.row())) return false;
  const PeerIndex place = views_.placement().first(child.id, *child.row());
  return place != no_peer && instances_.any(child) && !instances_.on(child, place);
}

void Assignments::count(Child& child) {
  if (!scores_.how()) return;
  std::uint32_t& counted = child.counted_.value_;  // the counter's place plus one; 0: none
  const NodeName* node = child.wanted() && child.row()->assigned && child.row()->assigned->counts()
                             ? &child.row()->assigned->node
                             : nullptr;
  if (counted != 0 && node && counters_[counted - 1].node == *node) return;
  if (counted != 0) take(counted - 1);
  counted = 0;
  if (!node) return;
  const std::uint32_t counter = counter_of(*node);
  ++counters_[counter].children;
  counted = counter + 1;
}

// ---- giving ------------------------------------------------------------------------------------------

// Of the nodes that may run it the emptiest, of several the first by name; one that has given it up only
// where there is no other.
const Placement::Node* Assignments::best(const ChildId& id, const SpecRow& row) const {
  const auto order = views_.placement().eligible(id, row);
  const auto is_eligible = [&](const Placement::Node& node) {
    return std::find(order.begin(), order.end(), node.peer) != order.end();
  };
  // In the order those that have given it up come last.
  const bool any_fresh = std::any_of(
      views_.placement().nodes().begin(), views_.placement().nodes().end(), [&](const Placement::Node& node) {
        return !order.empty() && node.peer == order.front() && !contains(row.trouble->avoid, node.name);
      });
  const Placement::Node* best = nullptr;
  std::uint64_t best_count = 0, best_share = 1;
  for (const Placement::Node& node : views_.placement().nodes()) {
    if (!is_eligible(node) || (any_fresh && contains(row.trouble->avoid, node.name))) continue;
    if (row.start_on == node.name) return &node;
    const std::uint64_t count = given(node.name) + 1, share = scores_.share(node);
    if (best && !is_emptier(count, share, best_count, best_share)) continue;
    best = &node;
    best_count = count;
    best_share = share;
  }
  return best;
}

void Assignments::give(const ChildId& id, SpecRow& row) const {
  if (!scores_.how() || (row.assigned && views_.placement().first(id, row) != no_peer)) return;
  const Epoch after = row.assigned ? row.assigned->after : Epoch{};
  row.assigned.reset();
  if (const Placement::Node* node = best(id, row))
    row.assigned = Assignment{node->name, settings_.self, AssignedBy::load, after};
}

Duration Assignments::look(Step& s, Child& child) {
  count(child);
  if (!child.wanted() || !views_.acting() || (!scores_.how() && !child.row()->assigned))
    return Duration::max();
  const Placement& placement = views_.placement();
  if (placement.coordinator(child.id) != self_index) return Duration::max();
  const auto& assigned = child.row()->assigned;
  const bool is_gone = assigned && assigned->counts() && !placement.is_up(assigned->node);
  SpecRow next = *child.row();
  if (scores_.how()) {
    if (placement.first(child.id, next) != no_peer) return Duration::max();
  } else if (!is_gone) {
    return Duration::max();
  }
  if (const auto until = takeover_.waits(s, child)) return *until;
  if (scores_.how())
    give(child.id, next);
  else
    next.assigned->node = NodeName();
  if (next.assigned == assigned) return Duration::max();
  rows_.write(s, child, std::move(next), false);
  count(child);
  return Duration::max();
}

// ---- rebalancing -------------------------------------------------------------------------------------

void Assignments::may_act() {
  const BalancingSettings* how = scores_.how();
  if (!how || !how->redistributes) return;
  std::vector<NodeName> up;
  for (const Placement::Node& node : views_.placement().nodes()) up.push_back(node.name);
  const bool any_new = !std::includes(up_.begin(), up_.end(), up.begin(), up.end());
  if (!up_.empty() && any_new && scores_.leads()) rebalance();
  up_ = std::move(up);
}

bool Assignments::work(Step& s) {
  s.spend(1);
  if (!scores_.leads()) next_ = nothing;
  // One at least, however small the step is, or it would never end.
  for (std::size_t left = passed_at_once; left > 0 && rebalancing(); --left) {
    if (next_ >= children_.slots()) {
      next_ = nothing;
      break;
    }
    if (Child* child = children_.at_slot(next_++)) rebalance(s, *child);
    if (s.budget == 0) break;
  }
  return !rebalancing();
}

// It goes to the emptiest node, if that is still emptier with it than its own is now.
void Assignments::rebalance(Step& s, Child& child) {
  if (!child.wanted() || child.row()->trouble->failed || !child.row()->assigned) return;
  if (child.row()->assigned->by == AssignedBy::hand) return;
  const Epoch now_at = newest(child);
  if (now_at == Epoch{} || is_on_its_way(child)) return;  // its node may be starting it
  const Placement::Node* now = views_.placement().find(child.row()->assigned->node);
  if (!now) return;  // it is given another anyway
  SpecRow next = *child.row();
  next.start_on.reset();
  const Placement::Node* node = best(child.id, next);
  if (!node || node == now ||
      !is_emptier(given(node->name) + 1, scores_.share(*node), given(now->name), scores_.share(*now)))
    return;
  s.spend(1);
  next.assigned = Assignment{node->name, s.settings.self, AssignedBy::load, now_at};
  rows_.wish(s, child, std::move(next));
  count(child);
}

}  // namespace brood::core
