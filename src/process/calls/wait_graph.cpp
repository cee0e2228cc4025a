#include "process/calls/wait_graph.hpp"

#include <utility>

namespace brood::process {

WaitBegun WaitGraph::add(const WaiterKey& caller, const WaiterKey& callee, std::optional<Pid> far) {
  const bool is_far = far.has_value();
  note(caller, callee, std::move(far));
  std::optional<WaitBegun> begun = follow_unlocked(caller, callee);
  if (!begun) {
    const auto locks = lock_all();
    begun = follow_locked(caller, callee);
    if (*begun == WaitBegun::circle) part_of(caller).waits.erase(caller);
  }
  return *begun == WaitBegun::here && is_far ? WaitBegun::away : *begun;
}

void WaitGraph::remove(const WaiterKey& caller, const WaiterKey& callee) {
  Part& part = part_of(caller);
  const std::lock_guard lock(part.mutex);
  const auto found = part.waits.find(caller);
  if (found != part.waits.end() && found->second.callee == callee) part.waits.erase(found);
}

WaitTrail WaitGraph::follow(const WaiterKey& from) {
  const auto locks = lock_all();
  WaitTrail trail;
  std::size_t steps = size() + 1;
  for (WaiterKey at = from; steps > 0; --steps) {
    const Wait* next = find(at);
    if (!next) break;
    trail.waits.push_back(next->number);
    trail.next = next->far;
    if (trail.next) break;
    at = next->callee;
  }
  return trail;
}

void WaitGraph::note(const WaiterKey& caller, const WaiterKey& callee, std::optional<Pid> far) {
  const std::size_t index = index_of(caller);
  Part& part = parts_[index];
  const std::lock_guard lock(part.mutex);
  const std::uint64_t number = ++part.begun * part_count + index;
  part.waits.insert_or_assign(caller, Wait{callee, std::move(far), number});
}

// Nullopt: it may be a circle, or is long.
std::optional<WaitBegun> WaitGraph::follow_unlocked(const WaiterKey& caller, const WaiterKey& callee) {
  WaitBegun begun = WaitBegun::here;
  WaiterKey at = callee;
  for (std::size_t steps = 0; steps < steps_unlocked; ++steps) {
    if (at == caller) return std::nullopt;
    Part& part = part_of(at);
    const std::lock_guard lock(part.mutex);
    const auto next = part.waits.find(at);
    if (next == part.waits.end()) return begun;
    if (next->second.far) begun = WaitBegun::away;
    at = next->second.callee;
  }
  return std::nullopt;
}

WaitBegun WaitGraph::follow_locked(const WaiterKey& caller, const WaiterKey& callee) const {
  WaitBegun begun = WaitBegun::here;
  WaiterKey at = callee;
  // No circle stays noted, so the walk ends; but other nodes' processes may be told of out of order.
  for (std::size_t steps = size() + 1; steps > 0; --steps) {
    if (at == caller) return WaitBegun::circle;
    const Wait* next = find(at);
    if (!next) break;
    if (next->far) begun = WaitBegun::away;
    at = next->callee;
  }
  return begun;
}

std::array<std::unique_lock<std::mutex>, WaitGraph::part_count> WaitGraph::lock_all() {
  std::array<std::unique_lock<std::mutex>, part_count> locks;
  for (std::size_t i = 0; i < part_count; ++i) locks[i] = std::unique_lock(parts_[i].mutex);
  return locks;
}

const WaitGraph::Wait* WaitGraph::find(const WaiterKey& caller) const {
  const auto& waits = parts_[index_of(caller)].waits;
  const auto found = waits.find(caller);
  return found == waits.end() ? nullptr : &found->second;
}

std::size_t WaitGraph::size() const {
  std::size_t all = 0;
  for (const Part& part : parts_) all += part.waits.size();
  return all;
}

}  // namespace brood::process
