// Workers whose state passive instances follow: what they save goes to the core, and what it says of that
// comes back to them.
#include "process/handover/handover.hpp"
#include "supervisor/driver/children_slot.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

process::KeptState kept_state(const core::HeldPtr& state) {
  if (!state) return {};
  return {state->version, state->whole, state->changes};
}

// One without save() has nothing to follow.
void Children::put_gate(Slot& slot, std::unique_ptr<Behaviour>& behaviour, const core::HeldPtr& state) {
  const auto follows = slot.role ? driver_.redundancy().follows() : std::nullopt;
  if (!follows || !behaviour->has_state()) return;
  process::FollowOptions options;
  options.every = follows->every;
  options.send = [raw = &slot](process::SavedCopy copy) {
    const std::size_t size = copy.state->size();
    raw->driver.post(core::StateSaved{raw->id, raw->epoch, copy.number, copy.is_whole, copy.version,
                                      std::move(copy.state)},
                     size);
  };
  slot.gate = node_.runtime().handover().follow(behaviour, std::move(options));
  slot.gate->begin_as(*slot.role == core::Role::active ? Role::active : Role::passive, kept_state(state));
}

void Children::followed(const core::Followed& step) {
  const Slot* slot = find(step.id, step.epoch);
  if (!slot || !slot->gate) return;
  if (step.how == core::Followed::How::given_up)
    slot->gate->given_up(step.number);
  else
    slot->gate->followed(step.number);
}

}  // namespace brood::supervisor
