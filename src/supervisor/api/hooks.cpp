// Hooks: the handle of a supervisor's hooks.
#include <fmt/format.h>

#include "supervisor/api/hooks_impl.hpp"

namespace brood::inline v0 {
namespace {

Error ended(const supervisor::Driver& driver) {
  return {Errc::stopped, fmt::format("supervisor '{}' has ended on this node", driver.name())};
}

}  // namespace

Result<void> Hooks::add(std::vector<Hook> hooks) {
  if (impl_->driver->has_ended()) return ended(*impl_->driver);
  return impl_->driver->hooks()->add(std::move(hooks));
}

bool Hooks::cancel(const std::string& key, const std::string& id) {
  return impl_->driver->hooks()->cancel(key, id);
}

std::vector<HookInfo> Hooks::list() const {
  return impl_->driver->hooks()->list();
}

Result<void> Hooks::emit(const std::string& key, Term data) {
  if (impl_->driver->has_ended()) return ended(*impl_->driver);
  return impl_->driver->hooks()->emit(key, std::move(data));
}

std::uint64_t Hooks::listen(Listening listening) {
  return impl_->driver->has_ended() ? 0 : impl_->driver->hooks()->listen(std::move(listening));
}

void Hooks::unlisten(std::uint64_t number) {
  impl_->driver->hooks()->unlisten(number);
}

HookCounters Hooks::counters() const {
  return impl_->driver->hooks()->counters();
}

}  // namespace brood::inline v0
