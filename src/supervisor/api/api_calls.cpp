// The part of brood::Supervisor that reaches children.
#include "supervisor/api/supervisor_impl.hpp"
#include "supervisor/driver/siblings.hpp"

namespace brood {

namespace detail {
std::shared_ptr<Siblings> siblings_of(const Supervisor& supervisor) {
  return supervisor.impl_->driver->siblings();
}
}  // namespace detail

Future<Bytes> Supervisor::call_message(const Id& id, Message message, std::chrono::milliseconds timeout) {
  auto pass = impl_->enter();
  if (!pass) return Future<Bytes>::of(impl_->stopped());
  return supervisor::call_child(*impl_->node, impl_->driver, id, std::move(message), timeout,
                                std::move(pass));
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
