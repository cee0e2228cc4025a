// The part of brood::Supervisor that reaches children.
#include "supervisor/api/supervisor_impl.hpp"

namespace brood {

namespace detail {
std::shared_ptr<Siblings> siblings_of(const Supervisor& supervisor) {
  return supervisor.impl_->driver->siblings();
}
}  // namespace detail

Future<Bytes> Supervisor::call_message(const Id& id, Message message, std::chrono::milliseconds timeout) {
  return impl_->driver->siblings()->call(id, std::move(message), timeout);
}

void Supervisor::cast_message(const Id& id, Message message) {
  impl_->driver->siblings()->cast(id, std::move(message));
}

Result<void> Supervisor::send(const Id& id, Message message) {
  return impl_->driver->siblings()->send(id, std::move(message));
}

std::optional<Pid> Supervisor::whereis(const Id& id) const {
  return impl_->driver->whereis(id.key());
}

}  // namespace brood
