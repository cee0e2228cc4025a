// Waiters: who waits for a child to run (again), by calls mostly.
//
// Owns: the waits and until when each lasts. Reads: the registry. Calls: each `then` once. The time is an
// argument; the owner has one timer for all, set to next_deadline().
//
// Thread rule: control thread only, on which each `then` runs too.
#pragma once

#include <functional>
#include <unordered_map>

#include "flow/child_wait.hpp"
#include "supervisor/driver/deadlines.hpp"
#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {

class Waiters {
 public:
  using Row = flow::ChildWait::Row;

  explicit Waiters(const Registry& registry) : registry_(registry) {}

  /// `then(true)` when the child runs somewhere under another epoch than `not_epoch`, at once if it does;
  /// `on`: only when it runs on that node; empty: on any.
  /// `then(false)` when it is failed or gone for good, at once if it is, or when the time is over.
  void add(const ChildId& id, core::Hlc not_epoch, SteadyTime deadline, std::function<void(bool)> then,
           Row row = Row::is_here, const NodeName& on = {});
  /// The registry has just changed for these. O(1) for each of them for whom nobody waits.
  void look_at(const std::vector<ChildId>& changed);
  void expire(SteadyTime now);
  /// As if the time of all were over.
  void give_up_all();

  [[nodiscard]] std::optional<SteadyTime> next_deadline() const { return deadlines_.next(); }
  [[nodiscard]] std::size_t size() const { return waits_.size(); }

 private:
  struct Wait {
    ChildId id;
    core::Hlc not_epoch;
    NodeName on;
    std::function<void(bool)> then;
    flow::ChildWait state;
  };
  [[nodiscard]] static std::optional<bool> look_at(Wait& wait, const EntryPtr& entry);
  /// Forgets the wait; null when it is over already.
  [[nodiscard]] std::function<void(bool)> take(std::uint64_t number);

  const Registry& registry_;
  std::unordered_map<std::uint64_t, Wait> waits_;
  std::unordered_multimap<ChildId, std::uint64_t> by_child_;
  Deadlines<std::uint64_t> deadlines_;
  std::uint64_t last_ = 0;
};

}  // namespace brood::supervisor
