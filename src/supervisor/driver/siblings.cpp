#include "supervisor/driver/siblings.hpp"

#include <fmt/format.h>

#include "supervisor/driver/answer.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

namespace {

/// Node and driver with the right to use them; `pass` is empty once either has ended.
struct Used {
  std::shared_ptr<NodeImpl> node;
  std::shared_ptr<Driver> driver;
  Gate::Pass pass;

  Used(const std::weak_ptr<NodeImpl>& n, const std::weak_ptr<Driver>& d) : node(n.lock()), driver(d.lock()) {
    if (node && driver && !driver->has_ended()) pass = node->enter();
  }
  [[nodiscard]] Error stopped() const {
    return {Errc::stopped, driver ? fmt::format("supervisor '{}' has ended on this node", driver->name())
                                  : "the supervisor has ended"};
  }
};

}  // namespace

Future<EncodedTerm> call_child(NodeImpl& node, std::shared_ptr<Driver> driver, const Id& id, Message message,
                               std::chrono::milliseconds timeout, Gate::Pass pass) {
  auto child = ChildId::of(id);
  if (!child) return Future<EncodedTerm>::of(child.error());
  const process::Runtime::Lending lending;
  return Future<EncodedTerm>(
      node.router().call(std::move(driver), *child, message.take_bytes(), timeout, std::move(pass)));
}

Future<EncodedTerm> Siblings::call(const Id& id, Message message, std::chrono::milliseconds timeout) {
  Used used(node_, driver_);
  if (!used.pass) return Future<EncodedTerm>::of(used.stopped());
  return call_child(*used.node, std::move(used.driver), id, std::move(message), timeout,
                    std::move(used.pass));
}

void Siblings::cast(const Id& id, Message message) {
  const Used used(node_, driver_);
  auto child = ChildId::of(id);
  if (used.pass && child) (void)used.node->router().cast(used.driver, *child, message.take_bytes());
}

Result<void> Siblings::send(const Id& id, Message message) {
  Used used(node_, driver_);
  if (!used.pass) return used.stopped();
  auto child = ChildId::of(id);
  if (!child) return child.error();
  auto answer = std::make_shared<Answer<bool>>(std::move(used.pass));
  used.node->router().send(used.driver, *child, message.take_bytes(),
                           [answer](Result<bool> sent) { answer->give(std::move(sent)); });
  const Result<bool> sent = Future<bool>(answer).get();
  if (!sent) return sent.error();
  if (!*sent) return Error{Errc::no_such_child, fmt::format("no child '{}'", child->text())};
  return {};
}

std::optional<Pid> Siblings::whereis(const Id& id) const {
  const auto driver = driver_.lock();
  return driver ? driver->whereis(id.key()) : std::nullopt;
}

}  // namespace brood::supervisor
