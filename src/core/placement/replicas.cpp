#include "core/placement/replicas.hpp"

#include <algorithm>

namespace brood::core {
namespace {
/// More nodes than any cluster has: what a strategy says of so many says whether it ever wants several.
constexpr std::size_t very_many = 1'000'000;
}  // namespace

std::size_t Replicas::count(const SpecRow& row, std::size_t eligible) const {
  const RedundantChild child{row.spec->worker, row.spec->extras->tag};
  return std::min(eligible, std::max<std::size_t>(redundancy_->instances_of(child, eligible), 1));
}

bool Replicas::several(const SpecRow& row) const {
  return count(row, very_many) > 1;
}

std::vector<PeerIndex> Replicas::nodes(const ChildId& id, const SpecRow& row) const {
  if (!several(row)) {
    const PeerIndex first = placement_.first(id, row);
    return first == no_peer ? std::vector<PeerIndex>{} : std::vector<PeerIndex>{first};
  }
  std::vector<PeerIndex> order = placement_.order(id, row);
  if (!order.empty()) order.resize(count(row, order.size()));
  return order;
}

bool Replicas::includes(const ChildId& id, const SpecRow& row, PeerIndex peer) const {
  if (!several(row)) return placement_.first(id, row) == peer;
  const auto all = nodes(id, row);
  return std::find(all.begin(), all.end(), peer) != all.end();
}

std::size_t place_in(const std::vector<PeerIndex>& order, PeerIndex peer) {
  return static_cast<std::size_t>(std::find(order.begin(), order.end(), peer) - order.begin());
}

}  // namespace brood::core
