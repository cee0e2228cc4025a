// HeldStates: the states of children that this node keeps for the next active instance: its own one's, if the
// active instance runs here, or what the active one's node has sent.
//
// Owns: the states, and which former active ones are fenced off. Decides nothing but which of two states is
// the newer one; standby.hpp writes it, locals.hpp reads it. Thread rule: none; owned by one core.
#pragma once

#include <map>

#include "core/base/held_state.hpp"
#include "core/base/messages.hpp"
#include "core/rows/child.hpp"

namespace brood::core {

class HeldStates {
 public:
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] bool knows(const Child& child) const {
    return !entries_.empty() && entries_.find(child.ref) != entries_.end();
  }
  /// nullptr: none is held.
  [[nodiscard]] const HeldState* find(const Child& child) const;
  /// What a new active instance of the row as it is goes on with; null: it begins anew.
  [[nodiscard]] HeldPtr to_restore(const Child& child) const;
  [[nodiscard]] StateMark mark(const Child& child) const;
  /// States of active instances below it are not taken.
  [[nodiscard]] Epoch fence(const Child& child) const;
  void raise_fence(const Child& child, const Epoch& fence);

  /// In place of what is held.
  void put(const Child& child, HeldState state);
  void put(const Child& child, const StateCopy& copy);
  /// Behind what is held, whose token it has.
  void append(const Child& child, std::uint64_t number, std::vector<SharedBytes> changes);
  /// The same state under the epoch that the active instance has by now.
  void rename(const Child& child, const Epoch& token);
  void erase(const Child& child) { entries_.erase(child.ref); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  /// All of it, to be sent.
  [[nodiscard]] static StateCopy copy_of(const HeldState& state);

 private:
  struct Entry {
    std::shared_ptr<HeldState> state;
    Epoch fence;
  };
  /// Whoever was given the state keeps it as it was.
  HeldState& writable(Entry& entry);

  std::map<ChildRef, Entry> entries_;
};

}  // namespace brood::core
