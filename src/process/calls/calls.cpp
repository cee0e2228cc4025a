// Calls and replies.
#include "process/calls/gen_protocol.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

std::unique_ptr<Envelope> make_call(Message message, const PendingCallPtr& pending) {
  const std::size_t size = message.bytes().size();
  std::unique_ptr<Envelope> envelope = std::make_unique<CallEnvelope>(std::move(message), pending);
  envelope->count(size);
  return envelope;
}

}  // namespace

void RuntimeCore::call(const Pid& to, Message message, const PendingCallPtr& pending) {
  if (!identity.is_here(to.node)) return call_remote(to, message.take_bytes(), pending);
  const ProcessPtr process = find(to);
  if (!process) {
    dropped.fetch_add(1, std::memory_order_relaxed);
    pending->finish(Error{Errc::no_such_child, "there is no process " + to_string(to)});
    return;
  }
  std::unique_ptr<Envelope> envelope = make_call(std::move(message), pending);
  if (auto delivered_result = deliver(*process, envelope, Runtime::Lending::here()); !delivered_result)
    pending->finish(delivered_result.error());
}

void RuntimeCore::call_remote(Address to, EncodedTerm request, const PendingCallPtr& pending) {
  const std::uint64_t id = desk.enlist(*pending, to);
  if (id == 0) return;  // it has timed out already
  const Ref ref = identity.ref(id);
  const Pid self = identity.pid(outside);
  CallSent sent = CallSent::refused;
  std::size_t largest = SIZE_MAX;
  const std::size_t size = request.size();
  const bool connected = remote.with([&](Remote& network) {
    largest = network.message_bytes_max();
    if (size > largest) return;
    sent = network.try_call(self, to, ref, std::move(request));
    if (sent == CallSent::watched) pending->carries_its_watch();
    if (sent == CallSent::monitored && pending->is_finished()) demonitor_callee(network, self, to, ref);
  });
  if (!connected) pending->finish(Error{Errc::unreachable, "this node has no network"});
  if (!connected || sent != CallSent::refused) return;
  desk.withdraw(id);
  if (size > largest) {
    pending->finish(too_large(size, largest));
    return;
  }
  pending->finish(Error{Errc::busy, "too much waits for that node already; the message was not sent"});
}

void RuntimeCore::call_named(const NamedProcess& to, EncodedTerm request, const PendingCallPtr& pending) {
  if (!identity.is_here(to.node)) return call_remote(to, std::move(request), pending);
  const Names::Holder holder = names.find(to.name);
  if (const auto* pid = std::get_if<LocalPid>(&holder))
    return call(identity.pid(*pid), Message::encoded(std::move(request)), pending);
  if (!std::holds_alternative<Names::SinkPtr>(holder)) {
    dropped.fetch_add(1, std::memory_order_relaxed);
    pending->finish(Error{Errc::no_such_child, "nothing has the name " + to.name.name + " on this node"});
    return;
  }
  const std::uint64_t id = desk.enlist(*pending);
  if (id == 0) return;
  const Pid self = identity.pid(outside);
  (void)receive_named(self, to.name, make_gen_call(make_from(self, identity.ref(id)), request));
}

namespace {

Error circle() {
  return {Errc::deadlock, "this call would wait for itself: its callee waits for its caller"};
}

/// A call as a future.
class Asked final : public brood::detail::FutureValue<EncodedTerm> {
 public:
  Asked(std::weak_ptr<RuntimeCore> core, std::optional<LocalPid> callee)
      : core_(std::move(core)), callee_(callee) {}
  void wait_begins(const Pid& waiter) override {
    const auto core = callee_ ? core_.lock() : nullptr;
    if (core && !note(*core, core->identity.waiter(waiter))) (void)fail(circle());
  }
  void wait_ends(const Pid& waiter) override {
    const auto core = callee_ ? core_.lock() : nullptr;
    if (!core) return;
    const std::lock_guard lock(mutex_);
    core->waits.remove(core->identity.waiter(waiter), WaiterKey::of(*callee_));
    waiter_.reset();
  }
  void wait_is_over() override {
    if (!callee_) return;
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    if (!waiter_) return;
    if (const auto core = core_.lock()) core->waits.remove(*waiter_, WaiterKey::of(*callee_));
  }

 private:
  /// False: that makes a circle.
  bool note(RuntimeCore& core, const WaiterKey& waiter) {
    const std::lock_guard lock(mutex_);
    if (is_over_) return true;
    waiter_ = waiter;
    return core.waits.add(waiter, WaiterKey::of(*callee_)) != WaitBegun::circle;
  }

  const std::weak_ptr<RuntimeCore> core_;
  const std::optional<LocalPid> callee_;  ///< Where it is a process of this node.
  std::mutex mutex_;
  std::optional<WaiterKey> waiter_;  ///< Whose handler waits.
  bool is_over_ = false;
};

}  // namespace

void RuntimeCore::call(const Address& to, Message message, const PendingCallPtr& pending) {
  if (const auto* pid = std::get_if<Pid>(&to)) return call(*pid, std::move(message), pending);
  if (const auto* named = std::get_if<NamedProcess>(&to))
    return call_named(*named, message.take_bytes(), pending);
  const Ref& alias = std::get<Ref>(to);
  if (!identity.is_here(alias.node)) return call_remote(alias, message.take_bytes(), pending);
  std::unique_ptr<Envelope> envelope = make_call(std::move(message), pending);
  if (auto result = deliver_alias(identity.id_of(alias).value_or(0), envelope); !result)
    pending->finish(result.error());
}

std::optional<LocalPid> RuntimeCore::local_callee(const Address& to) {
  if (const auto* pid = std::get_if<Pid>(&to))
    return identity.owns(*pid) ? std::optional(Identity::local(*pid)) : std::nullopt;
  if (const auto* named = std::get_if<NamedProcess>(&to)) {
    const Pid holder = resolve(*named).pid;
    return identity.owns(holder) ? std::optional(Identity::local(holder)) : std::nullopt;
  }
  const auto id = identity.id_of(std::get<Ref>(to));
  return id ? aliases.owner(*id) : std::nullopt;
}

Future<EncodedTerm> RuntimeCore::ask(const Address& to, Message message, std::chrono::milliseconds timeout) {
  const Runtime::Lending lending;
  auto asked = std::make_shared<Asked>(weak_from_this(), local_callee(to));
  const PendingCallPtr pending =
      desk.open([asked](CallResult result) { (void)asked->set(std::move(result)); });
  call(to, std::move(message), pending);
  desk.limit(pending, timeout);
  return Future<EncodedTerm>(std::move(asked));
}

void RuntimeCore::reply(BytesView from, EncodedTerm answer, LocalPid self) {
  const auto caller = read_from(from);
  if (!caller) {
    malformed.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (caller->watched) end_kept_watch(*caller);
  reply(*caller, std::move(answer), self);
}

void RuntimeCore::reply(const GenFrom& caller, EncodedTerm answer, LocalPid self, bool more_follows) {
  if (!identity.is_here(caller.pid.node)) {
    // From the process itself, so that the answer keeps its place behind what it sent before.
    remote.try_with([&](Remote& network) {
      const std::size_t largest = network.message_bytes_max();
      if (answer.size() > largest) answer = brood::detail::encode_error(too_large(answer.size(), largest));
      network.reply(identity.pid(self), caller, std::move(answer), more_follows);
    });
    return;
  }
  const auto id = caller.alias ? identity.id_of(*caller.alias) : std::nullopt;
  if (id && Identity::local(caller.pid) == outside) {
    desk.answer(*id, std::move(answer), caller.pid.node);
  } else {
    const Pid from = identity.pid(self);
    EncodedTerm term = make_gen_reply(caller.tag, answer);
    (void)(caller.alias ? receive_alias(from, *caller.alias, std::move(term))
                        : receive(from, caller.pid, std::move(term)));
  }
}

PendingCallPtr RuntimeCore::open_relay(EncodedTerm from, LocalPid self) {
  return desk.open([weak = weak_from_this(), from = std::move(from), self](CallResult result) {
    if (const auto core = weak.lock()) core->relay(from, self, std::move(result));
  });
}

EncodedTerm RuntimeCore::address_of(PendingCall& call) {
  const std::uint64_t id = desk.enlist(call);
  return id == 0 ? EncodedTerm{} : make_from(identity.pid(outside), identity.ref(id));
}

namespace {

/// The end of a callee that the error of a call came from; nullopt where the callee lives.
std::optional<ExitReason> end_of_callee(const Error& error) {
  if (error.code == Errc::no_such_child) return ExitReason::noproc();
  if (error.code == Errc::node_lost || error.code == Errc::unreachable) return ExitReason::noconnection();
  if (error.code != Errc::died) return std::nullopt;
  auto reason = decode_term(error.detail);
  return reason ? ExitReason(std::move(*reason)) : ExitReason::error("died", error.message);
}

}  // namespace

void RuntimeCore::relay(const EncodedTerm& from, LocalPid self, CallResult result) {
  if (result) return reply(from, std::move(*result), self);
  const auto ended = end_of_callee(result.error());
  if (!ended) return reply(from, brood::detail::encode_error(result.error()), self);
  const auto caller = read_from(from);
  const auto ref = caller ? ref_of_tag(caller->tag) : std::nullopt;
  if (ref) notify_down(Watcher{{}, 0, true, caller->pid, *ref, {}}, identity.pid(self), *ended);
}

void RuntimeCore::tell_end_of_call(BytesView from, const Pid& callee, const ExitReason& reason) {
  const auto caller = read_from(from);
  if (!caller || !caller->watched || identity.is_here(caller->pid.node)) return;
  remote.try_with([&](Remote& network) {
    network.monitor_exit(callee, {}, caller->pid, *caller->alias, encode_term(reason.term()));
  });
}

void RuntimeCore::keep_watch(Process& process, BytesView from) {
  const auto caller = read_from(from);
  if (!caller || !caller->watched || identity.is_here(caller->pid.node)) return;
  // A node that is not connected is told of nothing, and its loss would not take the watch away again.
  if (!desk.was_seen(caller->pid.node)) return;
  const RemoteWatches::Key key{caller->pid, *caller->alias};
  remote_watches.add(key, process.local());
  process.relations().remote_watchers[key] = {};
}

void RuntimeCore::end_kept_watch(const GenFrom& caller) {
  RemoteWatches::Key key{caller.pid, *caller.alias};
  if (const auto target = remote_watches.take(key)) end_watch(std::move(key), *target);
}

void RuntimeCore::take_answer(std::uint64_t id, EncodedTerm term, const NodeName& by) {
  auto answer = take_reply_answer(std::move(term));
  // The caller is told at once, as it is by a callee of its own node.
  auto result = answer ? CallResult(std::move(*answer))
                       : CallResult(Errc::malformed,
                                    "the answer is nested too deep, or no term at all, and cannot be read");
  if (!desk.answer(id, std::move(result), by)) dropped.fetch_add(1, std::memory_order_relaxed);
}

void RuntimeCore::take_answer(BytesView term, const NodeName& by) {
  auto answer = read_reply(term);
  const auto id = answer ? identity.id_of(answer->ref) : std::nullopt;
  if (!id || !desk.answer(*id, std::move(answer->answer), by))
    dropped.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace brood::process
