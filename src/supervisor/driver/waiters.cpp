#include "supervisor/driver/waiters.hpp"

#include <algorithm>

namespace brood::supervisor {

bool Waiters::runs_anew(const ChildId& id, core::Hlc not_epoch, const NodeName& on) const {
  const EntryPtr entry = registry_.find(id);
  if (!on.text().empty()) {
    return entry && std::any_of(entry->places.begin(), entry->places.end(), [&](const Place& place) {
             return place.is_running() && place.host->node == on && place.epoch_clock != not_epoch;
           });
  }
  const Place* const place = entry ? entry->running() : nullptr;
  return place && place->epoch_clock != not_epoch;
}

void Waiters::add(const ChildId& id, core::Hlc not_epoch, SteadyTime deadline, std::function<void(bool)> then,
                  Row row, const NodeName& on) {
  if (runs_anew(id, not_epoch, on)) return then(true);
  // It may have become so since the caller looked, and nothing more would wake the waiter.
  const EntryPtr entry = registry_.find(id);
  const bool is_gone = row == Row::is_here && (!entry || !entry->wanted);
  if (is_gone || (entry && entry->wanted && entry->failed)) return then(false);
  const std::uint64_t number = ++last_;
  waits_.emplace(number, Wait{id, not_epoch, on, std::move(then)});
  by_child_.emplace(id, number);
  deadlines_.add(number, deadline);
}

std::function<void(bool)> Waiters::take(std::uint64_t number) {
  auto wait = waits_.extract(number);
  if (wait.empty()) return nullptr;
  const auto [begin, end] = by_child_.equal_range(wait.mapped().id);
  for (auto it = begin; it != end; ++it) {
    if (it->second != number) continue;
    by_child_.erase(it);
    break;
  }
  deadlines_.remove(number);
  return std::move(wait.mapped().then);
}

void Waiters::look_at(const std::vector<ChildId>& changed) {
  if (waits_.empty()) return;
  // Collected first: a `then` may wait anew.
  std::vector<std::pair<std::uint64_t, bool>> over;
  for (const ChildId& id : changed) {
    const auto [begin, end] = by_child_.equal_range(id);
    if (begin == end) continue;
    const EntryPtr entry = registry_.find(id);
    const bool gone = !entry || !entry->wanted || entry->failed;
    for (auto it = begin; it != end; ++it) {
      const Wait& wait = waits_.at(it->second);
      const bool runs = runs_anew(id, wait.not_epoch, wait.on);
      if (runs || gone) over.emplace_back(it->second, runs);
    }
  }
  for (const auto& [number, runs] : over)
    if (const auto then = take(number)) then(runs);
}

void Waiters::expire(SteadyTime now) {
  for (const std::uint64_t number : deadlines_.take_due(now))
    if (const auto then = take(number)) then(false);
}

void Waiters::give_up_all() {
  while (!waits_.empty())
    if (const auto then = take(waits_.begin()->first)) then(false);
}

}  // namespace brood::supervisor
