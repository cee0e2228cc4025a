// The part of brood::Node that speaks with processes of any node.
#include <future>

#include "supervisor/node/node_impl.hpp"

namespace brood::inline v0 {

using std::chrono::milliseconds;
using supervisor::NodeImpl;

Result<void> Node::promote(const std::string& name, const std::vector<std::string>& join) {
  return impl_->promote(name, join);
}

Future<EncodedTerm> Node::call_message(const Address& to, Message message, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return Future<EncodedTerm>::of(NodeImpl::stopped());
  return impl_->runtime().ask(to, std::move(message), timeout);
}

Result<void> Node::cast_message(const Address& to, Message message) {
  const auto pass = impl_->enter();
  if (!pass) return NodeImpl::stopped();
  return impl_->runtime().cast(to, std::move(message));
}

Result<void> Node::send_message(const Address& to, Message message) {
  const auto pass = impl_->enter();
  if (!pass) return NodeImpl::stopped();
  return impl_->runtime().send(to, std::move(message));
}

Result<Ref> Node::monitor(const Address& to, std::function<void(const ExitReason&)> down) {
  const auto pass = impl_->enter();
  if (!pass) return NodeImpl::stopped();
  if (const auto* pid = std::get_if<Pid>(&to)) return impl_->runtime().monitor(*pid, std::move(down));
  if (const auto* named = std::get_if<NamedProcess>(&to)) {
    return impl_->runtime().monitor_named(*named, std::move(down));
  }
  return Error{Errc::invalid_argument,
               "an alias cannot be monitored; monitor the pid of the process that made it"};
}

void Node::demonitor(const Ref& ref) {
  const auto pass = impl_->enter();
  if (!pass) return;
  impl_->runtime().demonitor(ref);
}

void Node::exit(const Pid& to, ExitReason reason) {
  const auto pass = impl_->enter();
  if (!pass) return;
  impl_->runtime().exit(to, std::move(reason));
}

Result<Pid> Node::spawn_behaviour(const std::string& name, std::unique_ptr<Behaviour> behaviour) {
  const auto pass = impl_->enter();
  if (!pass) return NodeImpl::stopped();
  auto started = std::make_shared<std::promise<Result<void>>>();
  auto waiting = started->get_future();
  process::SpawnOptions options;
  options.on_started = [started](const Result<void>& result) { started->set_value(result); };
  const Pid pid = impl_->runtime().spawn(std::move(behaviour), std::move(options));
  if (auto result = waiting.get(); !result) return result.error();
  if (name.empty()) return pid;
  if (auto named = impl_->runtime().register_name(Atom(name), pid); !named) {
    impl_->runtime().exit(pid, ExitReason::shutdown());
    return named.error();
  }
  return pid;
}

}  // namespace brood::inline v0
