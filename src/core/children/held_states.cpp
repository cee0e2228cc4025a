#include "core/children/held_states.hpp"

namespace brood::core {

const HeldState* HeldStates::find(const Child& child) const {
  if (entries_.empty()) return nullptr;
  const auto found = entries_.find(child.ref);
  return found == entries_.end() ? nullptr : found->second.state.get();
}

HeldPtr HeldStates::to_restore(const Child& child) const {
  const HeldState* state = find(child);
  if (!state || !child.row() || child.row()->birth != state->birth) return nullptr;
  return entries_.find(child.ref)->second.state;
}

StateMark HeldStates::mark(const Child& child) const {
  const HeldState* state = find(child);
  return state ? state->mark : StateMark{};
}

Epoch HeldStates::fence(const Child& child) const {
  const auto found = entries_.find(child.ref);
  return found == entries_.end() ? Epoch{} : found->second.fence;
}

void HeldStates::raise_fence(const Child& child, const Epoch& fence) {
  Entry& entry = entries_[child.ref];
  entry.fence = std::max(entry.fence, fence);
}

void HeldStates::put(const Child& child, HeldState state) {
  Entry& entry = entries_[child.ref];
  entry.fence = std::max(entry.fence, state.mark.token);
  entry.state = std::make_shared<HeldState>(std::move(state));
}

void HeldStates::put(const Child& child, const StateCopy& copy) {
  HeldState state{
      copy.birth, {copy.token, copy.number}, copy.version, std::make_shared<const Bytes>(copy.whole), {}};
  for (const Bytes& change : copy.changes) state.changes.push_back(std::make_shared<const Bytes>(change));
  put(child, std::move(state));
}

HeldState& HeldStates::writable(Entry& entry) {
  if (entry.state.use_count() != 1) entry.state = std::make_shared<HeldState>(*entry.state);
  return *entry.state;
}

void HeldStates::append(const Child& child, std::uint64_t number, std::vector<SharedBytes> changes) {
  HeldState& state = writable(entries_.at(child.ref));
  state.mark.number = number;
  for (SharedBytes& change : changes) state.changes.push_back(std::move(change));
}

void HeldStates::rename(const Child& child, const Epoch& token) {
  Entry& entry = entries_.at(child.ref);
  writable(entry).mark.token = token;
  entry.fence = std::max(entry.fence, token);
}

StateCopy HeldStates::copy_of(const HeldState& state) {
  StateCopy copy{state.birth, state.mark.token, state.mark.number, state.version, *state.whole, {}};
  for (const SharedBytes& change : state.changes) copy.changes.push_back(*change);
  return copy;
}

}  // namespace brood::core
