#include "supervisor/driver/waiters.hpp"

#include <algorithm>

namespace brood::supervisor {

// `entry`: the child's; null: there is none.
std::optional<bool> Waiters::look_at(Wait& wait, const EntryPtr& entry) {
  if (!entry) return wait.state.look({});
  const auto is_meant = [&wait](const Place& place) { return place.epoch_clock != wait.not_epoch; };
  bool runs = false;
  if (wait.on.text().empty()) {
    const Place* const place = entry->running();
    runs = place != nullptr && is_meant(*place);
  } else {
    runs = std::any_of(entry->places.begin(), entry->places.end(), [&](const Place& place) {
      return place.is_running() && place.host->node == wait.on && is_meant(place);
    });
  }
  return wait.state.look({entry->wanted, entry->failed, runs});
}

void Waiters::add(const ChildId& id, core::Hlc not_epoch, SteadyTime deadline, std::function<void(bool)> then,
                  Row row, const NodeName& on) {
  Wait wait{id, not_epoch, on, std::move(then), flow::ChildWait(row)};
  // It may have become so since the caller looked, and nothing more would wake the waiter.
  if (const auto runs = look_at(wait, registry_.find(id))) return wait.then(*runs);
  const std::uint64_t number = ++last_;
  waits_.emplace(number, std::move(wait));
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
    for (auto it = begin; it != end; ++it)
      if (const auto runs = look_at(waits_.at(it->second), entry)) over.emplace_back(it->second, *runs);
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
