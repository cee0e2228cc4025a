#include "core/handover/partners.hpp"

#include <algorithm>
#include <tuple>

namespace brood::core {

std::vector<Partners::Pair> Partners::pairs(const Child& child) const {
  std::vector<Pair> pairs;
  if (!settings_.strategies.migration->hands_over() || !child.wanted()) return pairs;
  if (child.row()->spec->is_program() || child.row()->spec->moves_cold() ||
      !views_.replicas().several(*child.row()) || settings_.strategies.redundancy->follows())
    return pairs;
  const auto nodes = views_.replicas().nodes(child.id, *child.row());
  if (nodes.empty()) return pairs;
  // One that has moved counts until its row is gone: its target is not another's.
  std::vector<std::tuple<bool, NodeName, PeerIndex>> leavers;
  instances_.each(child, [&](const Hosted& hosted) {
    const Phase phase = hosted.instance.phase;
    const PeerIndex peer = instances_.peer(hosted);
    if ((phase != Phase::running && phase != Phase::moved) || place_in(nodes, peer) < nodes.size()) return;
    leavers.emplace_back(hosted.instance.role == Role::passive, peers_.name(peer), peer);
  });
  if (leavers.empty()) return pairs;
  std::sort(leavers.begin(), leavers.end());
  auto next = leavers.begin();
  for (const PeerIndex peer : nodes) {
    if (next == leavers.end()) break;
    if (!instances_.on(child, peer)) pairs.push_back({std::get<PeerIndex>(*next++), peer});
  }
  return pairs;
}

PeerIndex Partners::target_of(const Child& child, PeerIndex peer) const {
  for (const Pair& pair : pairs(child))
    if (pair.from == peer) return pair.to;
  return no_peer;
}

PeerIndex Partners::source_of(const Child& child, PeerIndex peer) const {
  for (const Pair& pair : pairs(child))
    if (pair.to == peer) return pair.from;
  return no_peer;
}

}  // namespace brood::core
