// Process as its worker's Context.
#include "process/process.hpp"

#include <algorithm>

#include "process/calls/gen_protocol.hpp"
#include "process/local/lasting.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

Process::Process(RuntimeCore& core, LocalPid pid, std::unique_ptr<Behaviour> worker, SpawnOptions options)
    : behaviour(std::move(worker)),
      on_exit(std::move(options.on_exit)),
      on_stuck(std::move(options.on_stuck)),
      heeds_fence(options.heeds_fence),
      is_system(options.is_system),
      is_quick(behaviour->is_quick()),
      lasts(dynamic_cast<Lasting*>(behaviour.get()) != nullptr),
      core_(core),
      local_(pid),
      identity_(std::move(options.identity)) {}

Process::~Process() {
  // Only of a process whose handler was still running when the runtime stopped.
  for (Envelope* left = inbox.close(); left != nullptr;) {
    Envelope* next = left->next;
    delete left;
    left = next;
  }
  while (Envelope* left = messages.pop()) delete left;
}

Lasting* Process::lasting() const {
  return lasts ? static_cast<Lasting*>(behaviour.get()) : nullptr;
}

Pid Process::self() const {
  return core_.identity.pid(local_);
}

Result<void> Process::send(const Address& to, Message message) {
  return core_.send(self(), to, std::move(message));
}
Result<void> Process::cast(const Address& to, Message message) {
  return core_.cast(self(), to, std::move(message));
}

Future<EncodedTerm> Process::call(const Address& to, Message message, std::chrono::milliseconds timeout) {
  return core_.ask(to, std::move(message), timeout);
}

std::function<void()> Process::suspend(std::coroutine_handle<> at) {
  BROOD_CHECK(!stands, "a handler waits for one thing at a time");
  stands = true;
  relations().stands_at = at;
  return [weak = core_.weak_from_this(), process = ProcessPtr(this)] {
    if (const auto core = weak.lock())
      core->signal(*process, std::make_unique<SignalEnvelope>(Envelope::Kind::resume));
  };
}

TimerId Process::send_after(std::chrono::milliseconds delay, Message message) {
  const std::uint64_t id = core_.desk.next_id();
  boost::intrusive_ptr<SendTimer> timer(new SendTimer(core_, local_, id, std::move(message)));
  relations().timers.emplace(id, timer);
  core_.timers.add(timer, delay);
  return TimerId{id};
}

void SendTimer::fire() {
  const ProcessPtr process = core.table.find(to);
  if (!process) return;
  std::unique_ptr<Envelope> envelope = std::make_unique<TimerEnvelope>(id, std::move(message));
  (void)core.deliver(*process, envelope);
}

void Process::cancel(TimerId timer) {
  auto node = relations().timers.extract(timer.value);
  if (!node.empty()) core_.timers.cancel(*node.mapped());
}

void Process::link(const Pid& to) {
  const Pid me = self();
  const Pid key = core_.identity.key(to);
  if (key == core_.identity.key(me)) return;
  const auto [entry, is_new] = relations().links.emplace(key, LinkState{});
  if (!is_new && entry->second.unlink_id == 0) return;
  entry->second.unlink_id = 0;
  bool sent = false;
  bool near = core_.identity.is_here(to.node);
  if (near) {
    sent = core_.identity.owns(to) &&
           core_.signal(Identity::local(to), std::make_unique<LinkEnvelope>(Envelope::Kind::link, me));
  } else {
    core_.note_remote_relation(*this);
    sent = core_.remote.with([&](Remote& network) { network.link(me, to); });
  }
  if (!sent)
    core_.signal(*this,
                 std::make_unique<ExitEnvelope>(to, near ? ExitReason::noproc() : ExitReason::noconnection(),
                                                ExitEnvelope::Source::link));
}

void Process::unlink(const Pid& to) {
  auto& links = relations().links;
  const auto found = links.find(core_.identity.key(to));
  if (found == links.end() || found->second.unlink_id != 0) return;
  const std::uint64_t id = core_.desk.next_id();
  found->second.unlink_id = id;
  const Pid me = self();
  const bool sent =
      core_.identity.owns(to)
          ? core_.signal(Identity::local(to), std::make_unique<LinkEnvelope>(Envelope::Kind::unlink, me, id))
          : core_.remote.with([&](Remote& network) { network.unlink(me, to, id); });
  if (!sent) links.erase(found);
}

namespace {

AliasKind kind_of(MonitorAliasUntil until) {
  switch (until) {
    case MonitorAliasUntil::explicit_unalias:
      return AliasKind::explicit_unalias;
    case MonitorAliasUntil::demonitor:
      return AliasKind::demonitor;
    case MonitorAliasUntil::reply_demonitor:
      return AliasKind::reply_demonitor;
  }
  return AliasKind::demonitor;
}

}  // namespace

Ref Process::monitor(const NamedProcess& to) {
  return monitor(core_.resolve(to), std::nullopt);
}
Ref Process::monitor(const Pid& to, MonitorAliasUntil until) {
  return monitor(Monitored{to, {}}, kind_of(until));
}
Ref Process::monitor(const NamedProcess& to, MonitorAliasUntil until) {
  return monitor(core_.resolve(to), kind_of(until));
}

Ref Process::monitor(Monitored to, std::optional<AliasKind> alias) {
  const std::uint64_t id = core_.desk.next_id() | (alias ? Aliases::mark : 0);
  if (alias) {
    relations().aliases.emplace(id, *alias);
    core_.aliases.add(id, local_);
  }
  if (!core_.identity.is_here(to.node())) core_.note_remote_relation(*this);
  const auto ended = core_.begin_monitor(local_, id, to);
  relations().monitors.emplace(id, std::move(to));
  if (ended) core_.signal(*this, std::make_unique<DownEnvelope>(id, *ended));
  return core_.identity.ref(id);
}

void Process::demonitor(const Ref& ref) {
  if (const auto id = core_.identity.id_of(ref)) end_monitor(*id);
}

void Process::end_monitor(std::uint64_t id) {
  const auto node = relations().monitors.extract(id);
  if (node.empty()) return;
  core_.end_monitor(local_, id, node.mapped());
  core_.monitor_is_over(*this, id);
}

Ref Process::alias(AliasUntil until) {
  const std::uint64_t id = core_.desk.next_id() | Aliases::mark;
  relations().aliases.emplace(id,
                              until == AliasUntil::reply ? AliasKind::reply : AliasKind::explicit_unalias);
  core_.aliases.add(id, local_);
  return core_.identity.ref(id);
}

bool Process::unalias(const Ref& alias) {
  const auto id = core_.identity.id_of(alias);
  return id && end_alias(*id);
}

bool Process::end_alias(std::uint64_t id) {
  if (relations().aliases.erase(id) == 0) return false;
  core_.aliases.remove(id);
  return true;
}

void Process::stop(ExitReason reason) {
  begin_end(std::move(reason), false);
}

/// A call whose end will now be this process's, unless it is answered.
void Process::note_taken(PendingCallPtr call, EncodedTerm from) {
  auto& taken = relations().taken;
  // Forget the answered ones whenever the list would grow.
  if (taken.size() == taken.capacity())
    taken.erase(std::remove_if(taken.begin(), taken.end(),
                               [](const TakenFrom& old) { return old.call->is_finished(); }),
                taken.end());
  taken.push_back({std::move(call), std::move(from)});
}

PendingCallPtr Process::take_local_caller() {
  PendingCallPtr call = std::move(current_call->local);
  note_taken(call, {});
  return call;
}

EncodedTerm Process::take_remote_caller() {
  core_.keep_watch(*this, current_call->from);
  return std::exchange(current_call->from, EncodedTerm{});
}

EncodedTerm Process::take_caller() {
  if (current_call == nullptr) return {};
  if (!current_call->local) return take_remote_caller();
  const PendingCallPtr call = take_local_caller();
  // Enlisted also when it has timed out: the worker gets a caller that answers into the void.
  const std::uint64_t id = core_.desk.enlist(*call);
  return make_from(core_.identity.pid(outside), core_.identity.ref(id));
}

TakenCall Process::taken_call(PendingCallPtr call) {
  std::weak_ptr<RuntimeCore> weak = core_.weak_from_this();
  return {[weak, call](EncodedTerm answer) {
            if (const auto core = weak.lock()) call->finish(std::move(answer));
          },
          [weak, call]() -> EncodedTerm {
            const auto core = weak.lock();
            return core ? core->address_of(*call) : EncodedTerm{};
          }};
}

TakenCall Process::take_call() {
  if (current_call == nullptr) return {};
  if (current_call->local) {
    const PendingCallPtr call = take_local_caller();
    core_.desk.enlist(*call);  // so that the stop of the runtime ends it
    return taken_call(call);
  }
  EncodedTerm from = take_remote_caller();
  PendingCallPtr call = core_.open_relay(from, local_);
  note_taken(call, std::move(from));
  return taken_call(std::move(call));
}

void Process::refuse_call(const Error& error) {
  if (current_call == nullptr) return;
  if (const PendingCallPtr call = std::move(current_call->local)) {
    call->finish(Error{Errc::no_such_child, error.message});
    return;
  }
  const EncodedTerm from = std::exchange(current_call->from, EncodedTerm{});
  core_.reply(from, brood::detail::encode_error(error), local_);
}

EncodedTerm Process::hand_over(const std::shared_ptr<brood::detail::ReplySlot>& slot) {
  return core_.moving.hand_over(*this, slot);
}

TakenCall Process::take_over(BytesView caller) {
  const std::shared_ptr<HeldAnswers> held = core_.moving.arriving(*this);
  if (!held) return {};
  PendingCallPtr call = core_.open_relay(EncodedTerm(Bytes(caller)), local_);
  note_taken(call, EncodedTerm(Bytes(caller)));
  TakenCall taken = taken_call(std::move(call));
  taken.answer = [held, answer = std::move(taken.answer)](EncodedTerm bytes) {
    held->pass([answer, bytes = std::move(bytes)] { answer(bytes); });
  };
  return taken;
}

void Process::reply(BytesView caller, EncodedTerm answer) {
  core_.reply(caller, std::move(answer), local_);
}

std::function<void(std::function<void()>)> Process::poster() {
  return [weak = core_.weak_from_this(), process = ProcessPtr(this)](std::function<void()> job) {
    const auto core = weak.lock();
    if (core) core->signal(*process, std::make_unique<JobEnvelope>(std::move(job)));
  };
}

}  // namespace brood::process
