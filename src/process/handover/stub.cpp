#include "process/handover/stub.hpp"

#include <algorithm>

#include "process/calls/gen_protocol.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

constexpr std::chrono::milliseconds retry_after{10};
constexpr std::chrono::milliseconds look_first{10};
constexpr std::chrono::milliseconds look_max{250};

Stub& stub_of(Process& process) {
  return static_cast<Stub&>(*process.behaviour);
}

}  // namespace

std::optional<Pid> moved_to(const ExitReason& reason) {
  const auto* outer = reason.term().as_tuple();
  if (outer == nullptr || outer->size() != 2 || !(*outer)[0].is_atom("shutdown")) return std::nullopt;
  const auto* inner = (*outer)[1].as_tuple();
  if (inner == nullptr || inner->size() != 2 || !(*inner)[0].is_atom("moved")) return std::nullopt;
  const Pid* pid = (*inner)[1].as_pid();
  return pid == nullptr ? std::nullopt : std::optional(*pid);
}

Stub::Stub(RuntimeCore& core, Process& process, Pid target, StubOptions options)
    : core_(core), process_(process), target_(std::move(target)), options_(std::move(options)) {}

ExitReason Stub::end_reason() const {
  return ExitReason(Term::tuple({Term::atom("shutdown"), Term::tuple({Term::atom("moved"), Term(target_)})}));
}

void Stub::begin() {
  watch();
  look_again_ = look_first;
  arm(look_timer_, std::chrono::milliseconds(0), &Stub::look);
}

void Stub::watch() {
  if (watch_) core_.demonitor(*watch_);
  watch_ = core_.monitor(Monitored{target_, {}}, [weak = core_.weak_from_this(), pid = process_.local(),
                                                  target = target_](const ExitReason& reason) {
    const auto core = weak.lock();
    if (!core) return;
    core->moving.order(pid, [target, reason](Process& process) {
      if (process.is_stub()) stub_of(process).target_ended(target, reason);
      return Step::go_on;
    });
  });
}

void Stub::arm(TimerPtr& timer, std::chrono::milliseconds delay, void (Stub::*then)()) {
  if (timer) core_.timers.cancel(*timer);
  timer = new OrderTimer(core_, process_.local(), [then](Process& process) {
    if (process.is_stub()) (stub_of(process).*then)();
    return Step::go_on;
  });
  core_.timers.add(timer, delay);
}

/// Calls of this node end with the new process's node, and tell it when they are over.
void Stub::aim(PendingCall& call) {
  if (!core_.identity.is_here(target_.node)) core_.desk.retarget(call, target_);
}

void Stub::track(const TakenFrom& call, Tracked what) {
  if (call.call->is_finished()) return;
  if (what != Tracked::answered_here) aim(*call.call);
  if (call.from.empty()) return local_calls_.push_back(call.call);
  const auto caller = read_from(call.from);
  const auto ref = caller ? ref_of_tag(caller->tag) : std::nullopt;
  if (!ref) return;
  if (what == Tracked::unseen) core_.keep_watch(process_, call.from);
  CallerKey key{caller->pid, *ref};
  if (process_.relations().remote_watchers.count(key) != 0) {
    watched_calls_[std::move(key)] = call.call;
  } else if (Identity::local(caller->pid) == outside) {
    // Perhaps a call that another stub passes on. That one follows this one, and must find it.
    local_calls_.push_back(call.call);
  }
  // Any other that does not watch, or does so no more, does not see the end of the stub either.
}

Result<EncodedTerm> Stub::call(Message message) {
  CallEnvelope& envelope = *process_.current_call;
  const EncodedTerm payload = message.to_bytes();
  if (envelope.local) {
    forward_call(envelope.local, payload);
    return EncodedTerm{};
  }
  const auto caller = read_from(envelope.from);
  if (!caller) return EncodedTerm{};
  if (core_.identity.is_here(caller->pid.node)) {
    const auto id = caller->alias ? core_.identity.id_of(*caller->alias) : std::nullopt;
    const PendingCallPtr waiting = id ? core_.desk.find(*id) : nullptr;
    if (waiting) track({waiting, {}}, Tracked::unseen);
    pass(make_gen_call(envelope.from, payload), waiting);
    return EncodedTerm{};
  }
  const PendingCallPtr relay = core_.open_relay(envelope.from, process_.local());
  const EncodedTerm from = core_.address_of(*relay);
  track({relay, envelope.from}, Tracked::unseen);
  pass(make_gen_call(from, payload), relay);
  return EncodedTerm{};
}

void Stub::forward_call(const PendingCallPtr& caller, BytesView message) {
  const EncodedTerm from = core_.address_of(*caller);
  if (from.empty()) return;  // it waits no more
  track({caller, {}}, Tracked::unseen);
  pass(make_gen_call(from, message), caller);
}

void Stub::cast(Message message) {
  if (core_.identity.is_here(target_.node)) {
    (void)core_.cast(process_.self(), target_, std::move(message));
  } else {
    pass(make_gen_cast(message.to_bytes()), nullptr);
  }
}

void Stub::info(Message message) {
  if (core_.identity.is_here(target_.node)) {
    (void)core_.send(process_.self(), target_, std::move(message));
  } else {
    pass(message.take_bytes(), nullptr);
  }
}

void Stub::pass(EncodedTerm term, PendingCallPtr call) {
  // A copy: what the network refuses it has taken apart already.
  const Result<void> sent = core_.send(process_.self(), target_, Message::encoded(term));
  if (sent) return;
  if (sent.error().code == Errc::busy) {
    blocked_ = Blocked{std::move(term), std::move(call)};
    process_.hold = Hold::stub_waits;
    return arm(retry_timer_, retry_after, &Stub::retry);
  }
  if (call) call->finish(sent.error());
}

void Stub::retry() {
  if (!blocked_) return;
  Blocked blocked = std::move(*blocked_);
  blocked_.reset();
  process_.hold = Hold::stub;
  if (blocked.call && blocked.call->is_finished()) return;
  pass(std::move(blocked.term), std::move(blocked.call));
}

void Stub::exit(const ExitReason& reason) {
  core_.exit(process_.self(), target_, reason, ExitEnvelope::Source::other);
}

void Stub::caller_left(const Watcher& watcher) {
  const auto found = watched_calls_.find({watcher.remote, watcher.ref});
  if (found == watched_calls_.end()) return;
  const PendingCallPtr call = std::move(found->second);
  watched_calls_.erase(found);
  call->abandon();  // nothing where it was answered
  // Not at once: what came with it may not be in the mailbox yet.
  if (watched_calls_.empty()) arm(look_timer_, std::chrono::milliseconds(0), &Stub::look);
}

void Stub::target_ended(const Pid& which, const ExitReason& reason) {
  if (which != target_) return;
  watch_.reset();
  if (const auto next = moved_to(reason)) {
    target_ = *next;
    for (const auto& [key, call] : watched_calls_) aim(*call);
    for (const PendingCallPtr& call : local_calls_) aim(*call);
    return watch();
  }
  target_is_gone_ = true;
  const Error error = error_of_end(reason, true);
  for (const auto& [key, call] : watched_calls_) call->finish(error);
  for (const PendingCallPtr& call : local_calls_) call->finish(error);
  watched_calls_.clear();
  local_calls_.clear();
  look();
}

bool Stub::is_open() {
  const auto over = [](const PendingCallPtr& call) { return call->is_finished(); };
  local_calls_.erase(std::remove_if(local_calls_.begin(), local_calls_.end(), over), local_calls_.end());
  std::erase_if(watched_calls_, [&](const auto& entry) { return over(entry.second); });
  return !local_calls_.empty() || !watched_calls_.empty();
}

void Stub::look() {
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since_);
  const bool has_mail = process_.messages.front() != nullptr || process_.inbox.has_some() || blocked_;
  const bool waits = has_mail || is_open();
  const bool out_of_time = options_.keep_at_most.count() > 0 && age >= options_.keep_at_most;
  if (out_of_time || (!waits && (target_is_gone_ || age >= options_.keep_at_least)))
    return process_.begin_end(end_reason(), false);
  if (waits) {
    arm(look_timer_, look_again_, &Stub::look);
    look_again_ = std::min(2 * look_again_, look_max);
  } else {
    arm(look_timer_, options_.keep_at_least - age, &Stub::look);
  }
}

bool Stub::forward_last(Envelope& envelope) {
  switch (envelope.kind) {
    case Envelope::Kind::info:
      info(std::move(static_cast<MessageEnvelope&>(envelope).message));
      return true;
    case Envelope::Kind::cast:
      cast(std::move(static_cast<MessageEnvelope&>(envelope).message));
      return true;
    case Envelope::Kind::call: {
      auto& call = static_cast<CallEnvelope&>(envelope);
      if (!call.local) return false;
      forward_call(call.local, call.message.to_bytes());
      return true;
    }
    default:
      return false;
  }
}

void Stub::close() {
  if (watch_) core_.demonitor(*watch_);
  watch_.reset();
  if (look_timer_) core_.timers.cancel(*look_timer_);
  if (retry_timer_) core_.timers.cancel(*retry_timer_);
  for (const auto& [key, call] : watched_calls_) call->abandon();
  watched_calls_.clear();
}

}  // namespace brood::process
