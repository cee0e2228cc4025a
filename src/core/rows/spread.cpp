#include "core/rows/spread.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace brood::core {
namespace {
/// For so many rounds after a change its origin is told of.
constexpr std::uint32_t rounds_told = 3;
}  // namespace

std::size_t Spread::place_of(PeerIndex peer) const {
  const auto& others = sessions_.others();
  const NodeName& name = sessions_.name(peer);
  const NodeName& self = sessions_.self().session.node;
  const auto at = std::lower_bound(
      others.begin(), others.end(), name,
      [this](PeerIndex other, const NodeName& wanted) { return sessions_.name(other) < wanted; });
  return static_cast<std::size_t>(at - others.begin()) + (self < name ? 1 : 0);
}

PeerIndex Spread::member_at(std::size_t place, std::size_t self) const {
  return sessions_.others()[place < self ? place : place - 1];
}

std::vector<PeerIndex> Spread::partners() const {
  const auto& others = sessions_.others();
  std::vector<PeerIndex> some;
  const std::uint64_t mine = stable_hash64(sessions_.self().session.node.text());
  const std::size_t most = std::min(strategy().partners(), others.size());
  for (std::uint64_t tried = 0; some.size() < most && tried < 4 * most; ++tried) {
    const PeerIndex peer = others[combine64(mine, combine64(round_, tried)) % others.size()];
    if (links_[peer].open && std::find(some.begin(), some.end(), peer) == some.end()) some.push_back(peer);
  }
  return some;
}

// ---- what may be asked for ---------------------------------------------------------------------------

void Spread::keep(Step& s, PeerIndex origin, Batch batch) {
  const std::uint64_t number = batch->number;
  const std::size_t weight = weight_of(*batch);
  const Duration until = s.time() + batches_kept_for;
  if (!kept_[origin].try_emplace(number, Kept{std::move(batch), until}).second) return;
  weight_ += weight;
  order_.push_back({origin, number, until});
  while (!order_.empty() && (order_.front().until <= s.time() || weight_ > batches_weight_max)) drop_oldest();
}

void Spread::drop_oldest() {
  const auto [origin, number, until] = order_.front();
  order_.pop_front();
  const auto origins = kept_.find(origin);
  if (origins == kept_.end()) return;
  const auto found = origins->second.find(number);
  if (found == origins->second.end() || found->second.until != until) return;
  weight_ -= weight_of(*found->second.batch);
  origins->second.erase(found);
  if (origins->second.empty()) kept_.erase(origins);
}

std::vector<Spread::Batch> Spread::kept(PeerIndex origin, std::uint64_t from) const {
  std::vector<Batch> all;
  const auto origins = kept_.find(origin);
  if (origins == kept_.end()) return all;
  for (auto at = origins->second.find(from); at != origins->second.end() && at->first == from; ++at, ++from) {
    all.push_back(at->second.batch);
    if (all.size() == batches_at_once) break;
  }
  return all;
}

void Spread::forget(PeerIndex origin) {
  moving_.erase(origin);
  const auto origins = kept_.find(origin);
  if (origins == kept_.end()) return;
  for (const auto& [number, kept] : origins->second) weight_ -= weight_of(*kept.batch);
  kept_.erase(origins);
}

// ---- rounds ------------------------------------------------------------------------------------------

void Spread::moved(Step& s, PeerIndex origin) {
  if (moving_.empty()) next_round_ = s.time() + s.settings.spread_round;
  moving_[origin] = rounds_told;
}

std::vector<PeerIndex> Spread::take_round(Step& s) {
  std::vector<PeerIndex> moved;
  if (moving_.empty() || s.time() < next_round_) return moved;
  ++round_;
  next_round_ = s.time() + s.settings.spread_round;
  for (auto& [origin, rounds] : moving_) {
    moved.push_back(origin);
    --rounds;
  }
  std::erase_if(moving_, [](const auto& one) { return one.second == 0; });
  return moved;
}

}  // namespace brood::core
