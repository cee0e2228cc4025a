// The part of brood::Supervisor that reaches children.
#include "supervisor/api/supervisor_impl.hpp"
#include "supervisor/driver/siblings.hpp"

namespace brood::inline v0 {

namespace detail {
std::shared_ptr<Siblings> siblings_of(const Supervisor& supervisor) {
  return supervisor.impl_->driver->siblings();
}
}  // namespace detail

// By the request, for the program is another node's perhaps.
Future<void> Supervisor::signal_child(const Id& id, int signal, std::chrono::milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return Future<void>::of(impl_->stopped());
  const Term request =
      Term::tuple({Term::atom("signal"), Term::atom(impl_->driver->name()), id.term(), Term(signal)});
  const NamedProcess node{Atom("brood"), impl_->node->name()};
  return detail::reply_future<void>(
      impl_->node->runtime().ask(node, Message::encoded(encode_term(request)), timeout));
}

Future<EncodedTerm> Supervisor::call_message(const Id& id, Message message,
                                             std::chrono::milliseconds timeout) {
  auto pass = impl_->enter();
  if (!pass) return Future<EncodedTerm>::of(impl_->stopped());
  return supervisor::call_child(*impl_->node, impl_->driver, id, std::move(message), timeout,
                                std::move(pass));
}

void Supervisor::cast_message(const Id& id, Message message) {
  impl_->driver->siblings()->cast(id, std::move(message));
}

Result<void> Supervisor::send_message(const Id& id, Message message) {
  return impl_->driver->siblings()->send(id, std::move(message));
}

std::optional<Pid> Supervisor::whereis(const Id& id) const {
  return impl_->driver->whereis(id.key());
}

}  // namespace brood::inline v0
