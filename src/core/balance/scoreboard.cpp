#include "core/balance/scoreboard.hpp"

#include <algorithm>

namespace brood::core {
namespace {
/// Any: a centralised distribution has one coordinator for all ids.
const ChildId& any_id() {
  static const ChildId id = *ChildId::atom("leader");
  return id;
}
}  // namespace

PeerIndex Scoreboard::leader() const {
  return how() ? views_.placement().coordinator(any_id()) : no_peer;
}

void Scoreboard::measured(const Load& load) {
  if (!how()) return;
  own_ = load;
  told(self_index, load);
  tell_leader();
}

void Scoreboard::tell_leader() {
  if (const PeerIndex to = leader(); to != no_peer && to != self_index) sender_.send(to, LoadReport{*own_});
}

void Scoreboard::may_act() {
  if (how() && own_) tell_leader();
}

void Scoreboard::told(PeerIndex from, const Load& load) {
  const BalancingSettings* settings = how();
  if (!settings) return;
  Score& known = scores_[from];
  known.load = load;
  known.history.push_front(score_of(load, *settings));
  while (known.history.size() > std::max<std::uint32_t>(settings->history, 1)) known.history.pop_back();
}

Ppm Scoreboard::score(PeerIndex peer) const {
  if (!scores_[peer].history.empty()) return mean_of(scores_[peer].history, *how());
  std::uint64_t sum = 0, count = 0;
  for (const Placement::Node& node : views_.placement().nodes()) {
    const auto& history = scores_[node.peer].history;
    if (history.empty()) continue;
    sum += mean_of(history, *how());
    ++count;
  }
  return count == 0 ? 0 : static_cast<Ppm>(sum / count);
}

std::uint64_t Scoreboard::share(const Placement::Node& node) const {
  // So that a share times the number of all children still fits.
  constexpr std::uint64_t weight_most = 1'000'000;
  return std::uint64_t{capacity_of(score(node.peer))} *
         std::clamp<std::uint64_t>(node.weight, 1, weight_most);
}

}  // namespace brood::core
