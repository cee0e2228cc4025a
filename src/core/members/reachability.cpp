#include "core/members/reachability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace brood::core {
namespace {

bool is_there(const Member& member) {
  return member.state == MemberState::up || member.state == MemberState::draining;
}

}  // namespace

// Only of members: a node that this one has lost too is no end of a link here. After a split each row may
// name half of the members, so these, which are in the order of names as the rows are, are gone through
// beside each row.
std::vector<Cut> Reachability::broken_links() const {
  std::vector<const Member*> there;
  for (const PeerIndex peer : sessions_.others())
    if (const Member& member = *sessions_.member(peer); is_there(member)) there.push_back(&member);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ends;
  for (std::uint32_t one = 0; one < there.size(); ++one) {
    std::uint32_t other = 0;
    for (const NodeName& lost : there[one]->unreached) {
      while (other < there.size() && there[other]->session.node < lost) ++other;
      if (other == there.size()) break;
      if (there[other]->session.node == lost) ends.push_back(std::minmax(one, other));
    }
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  std::vector<Cut> cuts;
  cuts.reserve(ends.size());
  for (const auto& [a, b] : ends)
    cuts.push_back(
        {{there[a]->session.node, there[a]->up_since}, {there[b]->session.node, there[b]->up_since}});
  return cuts;
}

// Those that were broken before are so since then.
void Reachability::look_at_rows(const Step& s) {
  const auto& unreached = sessions_.self().unreached;
  if (!std::includes(unreached_before_.begin(), unreached_before_.end(), unreached.begin(), unreached.end()))
    lost_at_ = s.time();
  unreached_before_ = unreached;
  std::vector<Broken> before;
  before.swap(since_);
  auto known = before.begin();
  for (Cut& cut : broken_links()) {
    while (known != before.end() && known->cut < cut) ++known;
    const bool is_known = known != before.end() && known->cut == cut;
    since_.push_back({std::move(cut), is_known ? known->since : s.time()});
  }
}

bool Reachability::look_for_cuts(const Step& s) {
  if (std::exchange(looked_at_, sessions_.changes()) != sessions_.changes()) look_at_rows(s);
  next_ = Duration::max();
  std::vector<Cut> cuts;
  for (const Broken& one : since_) {
    // A node that has died is lost to all soon after the first; one that slept meanwhile counts the silence
    // anew.
    const Duration counts_at = one.since + cut_after(s.settings);
    if (s.time() >= counts_at)
      cuts.push_back(one.cut);
    else
      next_ = std::min(next_, counts_at);
  }
  if (cuts == cuts_) return false;
  cuts_ = std::move(cuts);
  return true;
}

// A node of which this one has never heard, or that has left or died since, is no end of a link any more.
void Reachability::add_link(std::map<NodeName, Node>& nodes, const CutEnd& a, const CutEnd& b) const {
  const auto is_known = [this](const CutEnd& end) {
    const PeerIndex peer = peers_.find(end.node);
    return (peer != no_peer && sessions_.member(peer)) || sessions_.self().unreached.contains(end.node);
  };
  if (!is_known(a) || !is_known(b)) return;
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    Node& node = nodes[one->node];
    node.up_since = std::max(node.up_since, one->up_since);
    node.broken.insert(other->node);
  }
}

// Everybody who is in touch with both ends of a broken link says so: each of them is in nearly every row.
std::vector<const Cut*> Reachability::all_cuts() const {
  const auto before = [](const Cut* a, const Cut* b) { return *a < *b; };
  const auto same = [](const Cut* a, const Cut* b) { return *a == *b; };
  std::vector<const Cut*> all;
  const auto add = [&](const std::vector<Cut>& cuts) {
    if (cuts.empty()) return;
    std::vector<const Cut*> more;
    for (const Cut& cut : cuts) more.push_back(&cut);
    if (!std::is_sorted(more.begin(), more.end(), before)) std::sort(more.begin(), more.end(), before);
    if (std::equal(all.begin(), all.end(), more.begin(), more.end(), same)) return;
    std::vector<const Cut*> merged;
    std::set_union(all.begin(), all.end(), more.begin(), more.end(), std::back_inserter(merged), before);
    all.swap(merged);
  };
  add(cuts_);
  for (const PeerIndex peer : sessions_.others())
    if (const Member& member = *sessions_.member(peer); is_there(member)) add(member.cuts);
  return all;
}

void Reachability::refresh() {
  left_out_.clear();
  aside_ = false;
  std::map<NodeName, Node> nodes;
  for (const Cut* cut : all_cuts()) add_link(nodes, cut->a, cut->b);
  while (true) {
    auto worst = nodes.end();
    for (auto node = nodes.begin(); node != nodes.end(); ++node) {
      if (node->second.broken.empty()) continue;
      const auto rank = [](const auto& one) {
        return std::tuple(one.second.broken.size(), one.second.up_since, one.first);
      };
      if (worst == nodes.end() || rank(*worst) < rank(*node)) worst = node;
    }
    if (worst == nodes.end()) break;
    for (auto& [name, node] : nodes) node.broken.erase(worst->first);
    if (worst->first == peers_.name(self_index)) {
      aside_ = true;
      unreached_ = worst->second.broken;
    }
    left_out_.insert(worst->first);
    nodes.erase(worst);
  }
}

std::string Reachability::words() const {
  std::string names;
  for (const NodeName& name : unreached_) names += (names.empty() ? "" : ", ") + name.text();
  return fmt::format("this node does not reach {}, which others reach; it stands aside until it does", names);
}

}  // namespace brood::core
