// The health checks of the programs of this node; see Children.
#include <fmt/format.h>

#include <utility>

#include "supervisor/driver/children_slot.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/log_name.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {
namespace {

core::Health core_health(exec::Health health) {
  switch (health) {
    case exec::Health::starting:
      return core::Health::starting;
    case exec::Health::healthy:
      return core::Health::healthy;
    case exec::Health::unhealthy:
      return core::Health::unhealthy;
  }
  return core::Health::none;
}

}  // namespace

// What hooks made of its spec stays as it is until the next start, for they are not asked again.
void Children::follow_command(Slot& slot, const core::SpecPtr& spec) {
  Slot::Care& care = *slot.care;
  const bool same = care.spec->args == spec->args;
  care.spec = spec;
  if (same || slot.run != slot.spec || !slot.program) return;
  const auto command = command_of_spec(slot, *spec);
  if (!command) return;  // it is not allowed here: the core moves it
  care.exit_codes = command->options.exit_codes;
  slot.program->follow(*command);
  const auto asked = care.checked ? care.checked->options.health : std::nullopt;
  if (asked == command->options.health) return;
  care.watch.reset();
  care.checked.reset();
  if (command->options.health) care.checked = *command;
  if (slot.os_pid == 0 || slot.stopping) return;
  care.told = {slot.id, slot.epoch, core::Health::none, ""};
  if (!care.checked) driver_.post(care.told);
  watch_health(slot);
}

// Before Started is told: nobody must take it for one that has no check.
void Children::watch_health(Slot& slot) {
  Slot::Care& care = *slot.care;
  if (!care.checked) return;
  care.told = {slot.id, slot.epoch, core::Health::starting, ""};
  tell_health(slot);
  care.watch = std::make_unique<exec::HealthWatch>(
      node_.control(), node_.launcher(), *care.checked, health_log_name(driver_.name(), slot.id),
      [this, weak = driver_.weak_from_this(), raw = &slot](const exec::HealthWatch::Change& change) {
        if (const auto alive = weak.lock()) health_changed(*raw, change);
      });
}

void Children::health_changed(Slot& slot, const exec::HealthWatch::Change& change) {
  Slot::Care& care = *slot.care;
  care.told.health = core_health(change.state);
  care.told.reason = change.words.empty() ? "" : "unhealthy: " + change.words;
  tell_health(slot);
  if (!change.wants_restart || slot.stopping) return;
  // As after a crash: the core starts it again, here or elsewhere.
  care.ill = care.told.reason;
  care.watch.reset();
  slot.program->stop(patience_of(slot));
}

// One that is made ready to take over is told of when it has.
void Children::tell_health(const Slot& slot) {
  if (slot.care && slot.care->checked && slot.hand == Slot::Hand::none) driver_.post(slot.care->told);
}

}  // namespace brood::supervisor
