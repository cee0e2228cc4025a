// Getting messages and signals into mailboxes.
#include <algorithm>

#include "process/calls/gen_protocol.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

Error busy(const NodeName& node) {
  return {Errc::busy, "too much waits for " + node.text() + " already, which takes it too slowly; try again"};
}

Error no_network(const NodeName& node) {
  return {Errc::unreachable, "this node has no network, so it cannot reach " + node.text()};
}

/// What is sent to other nodes by with(): `send(network)`, unless `size` is more than a message may have.
template <typename Send>
Result<void> send_away(RuntimeCore& core, const NodeName& node, std::size_t size, Send send) {
  bool taken = true;
  std::size_t largest = SIZE_MAX;
  const bool connected = core.remote.with([&](Remote& network) {
    largest = network.message_bytes_max();
    if (size <= largest) taken = send(network);
  });
  if (!connected) {
    core.dropped.fetch_add(1, std::memory_order_relaxed);
    return no_network(node);
  }
  if (size > largest) return too_large(size, largest);
  if (!taken) return busy(node);
  return {};
}

Error no_process(const Pid& pid) {
  return {Errc::no_such_child, "there is no process " + to_string(pid)};
}

Error no_alias() {
  return {Errc::no_such_child, "no process of this node has that alias any more"};
}

std::unique_ptr<Envelope> make_envelope(Envelope::Kind kind, Message message) {
  const std::size_t size = message.bytes().size();
  auto envelope = std::make_unique<MessageEnvelope>(kind, std::move(message));
  envelope->count(size);
  return envelope;
}

}  // namespace

Pid RuntimeCore::spawn(std::unique_ptr<Behaviour> behaviour, SpawnOptions spawn_options,
                       std::shared_ptr<Restoration> restoration) {
  auto on_started = std::move(spawn_options.on_started);
  const LocalPid pid = stopping.load() ? LocalPid{} : table.reserve();
  if (pid == LocalPid{}) {
    const Error error = stopping.load() ? Error{Errc::stopped, "the runtime is stopping"}
                                        : Error{Errc::limit_exceeded, "too many processes on this node"};
    if (on_started) run_callback("on_started", [&] { on_started(error); });
    return identity.pid(pid);
  }
  if (spawn_options.on_reserved) spawn_options.on_reserved(identity.pid(pid));
  const ProcessPtr process(new Process(*this, pid, std::move(behaviour), std::move(spawn_options)));
  auto start = std::make_unique<StartEnvelope>(std::move(on_started));
  if (restoration) restoration->pid = identity.pid(pid);
  start->restoration = std::move(restoration);
  process->messages.push(start.release());
  table.publish(pid, process);
  scheduler.push(*process);
  // A stop() that has looked through the table already did not see it.
  if (stopping.load())
    exit(identity.pid(outside), identity.pid(pid), ExitReason::shutdown(), ExitEnvelope::Source::stop);
  return identity.pid(pid);
}

ProcessPtr RuntimeCore::find(const Pid& pid) const {
  return identity.owns(pid) ? table.find(Identity::local(pid)) : nullptr;
}

bool RuntimeCore::is_alive(const Pid& pid) const {
  const ProcessPtr process = find(pid);
  return process && !process->inbox.is_closed();
}

Result<void> RuntimeCore::deliver(Process& process, std::unique_ptr<Envelope>& envelope, bool lends) {
  if (envelope->counted) {
    const bool too_many =
        process.queued_messages.fetch_add(1, std::memory_order_relaxed) >= options.mailbox_messages_max;
    const bool too_much =
        process.queued_bytes.fetch_add(envelope->bytes, std::memory_order_relaxed) + envelope->bytes >
        options.mailbox_bytes_max;
    if (too_many || too_much) {
      count_out(process, *envelope);
      dropped.fetch_add(1, std::memory_order_relaxed);
      return Error{Errc::mailbox_full, "the mailbox of " + to_string(process.self()) + " is full"};
    }
  }
  const bool is_message = envelope->is_message() || envelope->kind == Envelope::Kind::aliased;
  const auto pushed = process.inbox.push(envelope.get());
  if (pushed == Inbox::Push::closed) {
    if (envelope->counted) count_out(process, *envelope);
    if (is_message) dropped.fetch_add(1, std::memory_order_relaxed);
    return no_process(process.self());
  }
  (void)envelope.release();
  if (is_message) delivered.fetch_add(1, std::memory_order_relaxed);
  if (pushed == Inbox::Push::wake && !(lends && process.is_quick && scheduler.lend(process)))
    scheduler.push(process);
  // A process that waits at the fence still obeys `killed`.
  if (!is_message && fence.has_parked() && fence.unpark(process)) scheduler.push(process);
  return {};
}

void RuntimeCore::count_out(Process& process, const Envelope& envelope) {
  process.queued_messages.fetch_sub(1, std::memory_order_relaxed);
  process.queued_bytes.fetch_sub(envelope.bytes, std::memory_order_relaxed);
}

bool RuntimeCore::signal(Process& to, std::unique_ptr<Envelope> envelope) {
  return deliver(to, envelope).has_value();
}

bool RuntimeCore::signal(LocalPid to, std::unique_ptr<Envelope> envelope) {
  const ProcessPtr process = table.find(to);
  return process && signal(*process, std::move(envelope));
}

Result<void> RuntimeCore::send(const Pid& from, const Pid& to, Message message) {
  if (!identity.is_here(to.node)) {
    EncodedTerm term = message.take_bytes();
    return send_away(*this, to.node, term.size(),
                     [&](Remote& network) { return network.try_send(from, to, std::move(term)); });
  }
  if (message.is_encoded()) return receive(from, to, message.take_bytes());
  const ProcessPtr process = find(to);
  if (!process) {
    dropped.fetch_add(1, std::memory_order_relaxed);
    return no_process(to);
  }
  auto envelope = make_envelope(Envelope::Kind::info, std::move(message));
  return deliver(*process, envelope);
}

Result<void> RuntimeCore::cast(const Pid& from, const Pid& to, Message message) {
  if (!identity.is_here(to.node)) return send(from, to, Message::encoded(make_gen_cast(message.to_bytes())));
  const ProcessPtr process = find(to);
  if (!process) {
    dropped.fetch_add(1, std::memory_order_relaxed);
    return no_process(to);
  }
  auto envelope = make_envelope(Envelope::Kind::cast, std::move(message));
  return deliver(*process, envelope);
}

Result<void> RuntimeCore::send(const Pid& from, const Address& to, Message message) {
  if (const auto* pid = std::get_if<Pid>(&to)) return send(from, *pid, std::move(message));
  if (const auto* named = std::get_if<NamedProcess>(&to))
    return send_named(from, *named, message.take_bytes());
  const Ref& alias = std::get<Ref>(to);
  if (!identity.is_here(alias.node)) {
    EncodedTerm term = message.take_bytes();
    return send_away(*this, alias.node, term.size(), [&](Remote& network) {
      network.send_alias(from, alias, std::move(term));
      return true;
    });
  }
  const auto id = identity.id_of(alias);
  if (!id || message.is_encoded() || !Aliases::is_alias(*id))
    return receive_alias(from, alias, message.take_bytes());
  auto envelope = make_envelope(Envelope::Kind::info, std::move(message));
  return deliver_alias(*id, envelope);
}

Result<void> RuntimeCore::receive_alias(const Pid& from, const Ref& alias, EncodedTerm term) {
  const auto id = identity.id_of(alias);
  if (!id) {
    dropped.fetch_add(1, std::memory_order_relaxed);
    return no_alias();
  }
  if (!Aliases::is_alias(*id)) {
    take_answer(*id, std::move(term), from.node);
    return {};
  }
  auto envelope = read_message(std::move(term));
  if (!envelope) return envelope.error();
  auto result = deliver_alias(*id, *envelope);
  if (!result) refuse(**envelope, identity.pid(outside), result.error());
  return result;
}

Result<void> RuntimeCore::deliver_alias(std::uint64_t alias, std::unique_ptr<Envelope>& message) {
  const auto owner = aliases.owner(alias);
  const ProcessPtr process = owner ? table.find(*owner) : nullptr;
  if (!process) {
    dropped.fetch_add(1, std::memory_order_relaxed);
    return no_alias();
  }
  auto wrapper = std::make_unique<AliasedEnvelope>(alias, std::move(message));
  AliasedEnvelope* raw = wrapper.get();
  std::unique_ptr<Envelope> envelope = std::move(wrapper);
  auto result = deliver(*process, envelope);
  if (!result) message = std::move(raw->message);
  return result;
}

Result<void> RuntimeCore::cast(const Pid& from, const Address& to, Message message) {
  if (const auto* pid = std::get_if<Pid>(&to)) return cast(from, *pid, std::move(message));
  return send(from, to, Message::encoded(make_gen_cast(message.to_bytes())));
}

Result<void> RuntimeCore::send_named(const Pid& from, const NamedProcess& to, EncodedTerm term) {
  if (identity.is_here(to.node)) return receive_named(from, to.name, std::move(term));
  return send_away(*this, to.node, term.size(),
                   [&](Remote& network) { return network.try_send_named(from, to, std::move(term)); });
}

Result<void> RuntimeCore::receive(const Pid& from, const Pid& to, EncodedTerm term) {
  if (identity.owns(to) && Identity::local(to) == outside) {
    take_answer(term, from.node);
    return {};
  }
  if (const ProcessPtr process = find(to)) return receive(*process, std::move(term));
  dropped.fetch_add(1, std::memory_order_relaxed);
  tell_end_of_call(read_gen_message(term).from, to, ExitReason::noproc());
  return no_process(to);
}

/// What an encoded message is for its process.
Result<std::unique_ptr<Envelope>> RuntimeCore::read_message(EncodedTerm term) {
  const std::size_t size = term.size();
  GenMessage gen = take_gen_message(term);
  if (gen.kind == GenMessage::Kind::malformed) {
    malformed.fetch_add(1, std::memory_order_relaxed);
    return Error{Errc::malformed, "not a message: " + encoded_to_string(term, 200)};
  }
  if (gen.kind == GenMessage::Kind::info)
    return make_envelope(Envelope::Kind::info, Message::encoded(std::move(term)));
  if (gen.kind == GenMessage::Kind::cast)
    return make_envelope(Envelope::Kind::cast, Message::encoded(std::move(gen.payload)));
  std::unique_ptr<Envelope> call =
      std::make_unique<CallEnvelope>(Message::encoded(std::move(gen.payload)), std::move(gen.from));
  call->count(size);
  return call;
}

/// What was not delivered. A caller would wait in vain, unless it watches the process itself.
void RuntimeCore::refuse(const Envelope& message, const Pid& callee, const Error& error) {
  if (message.kind != Envelope::Kind::call) return;
  const EncodedTerm& from = static_cast<const CallEnvelope&>(message).from;
  if (error.code == Errc::mailbox_full) {
    reply(from, brood::detail::encode_error(error));
  } else {
    tell_end_of_call(from, callee, ExitReason::noproc());
  }
}

Result<void> RuntimeCore::receive(Process& process, EncodedTerm term) {
  auto envelope = read_message(std::move(term));
  if (!envelope) return envelope.error();
  auto result = deliver(process, *envelope);
  if (!result) refuse(**envelope, process.self(), result.error());
  return result;
}

Result<void> RuntimeCore::receive_named(const Pid& from, const Atom& to, EncodedTerm term) {
  const Names::Holder holder = names.find(to);
  if (const auto* pid = std::get_if<LocalPid>(&holder))
    return receive(from, identity.pid(*pid), std::move(term));
  if (const auto* sink = std::get_if<Names::SinkPtr>(&holder)) {
    delivered.fetch_add(1, std::memory_order_relaxed);
    run_callback("a sink", [&] { (**sink)(Incoming{from, std::move(term)}); });
    return {};
  }
  dropped.fetch_add(1, std::memory_order_relaxed);
  tell_end_of_call(read_gen_message(term).from, identity.pid(outside), ExitReason::noproc());
  return Error{Errc::no_such_child, "nothing has the name " + to.name + " on this node"};
}

void RuntimeCore::open_fence() {
  for (Process* process : fence.open()) scheduler.push(*process);
}

}  // namespace brood::process
