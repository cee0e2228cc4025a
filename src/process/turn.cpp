// A process's turn: it takes in what came, acts on signals, and handles some messages.
#include "process/calls/gen_protocol.hpp"
#include "process/calls/system_messages.hpp"
#include "process/local/lasting.hpp"
#include "process/log/log.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

constinit thread_local const WorkerIdentity* running_identity = nullptr;

namespace {
constexpr int messages_per_turn = 64;  // then others get the thread
}

namespace {
std::atomic<std::uint64_t> failed_callbacks{0};

void note_failed(const char* name, const char* words) noexcept {
  failed_callbacks.fetch_add(1, std::memory_order_relaxed);
  try {
    log::error("brood: {} threw, which it must not: {}", name, words);
  } catch (...) {
    // No memory for the line: it is counted.
  }
}
}  // namespace

std::uint64_t callbacks_failed() noexcept {
  return failed_callbacks.load(std::memory_order_relaxed);
}

bool run_callback(const char* name, CodeRef callback) noexcept {
  try {
    callback();
    return true;
  } catch (const std::exception& error) {
    note_failed(name, error.what());
  } catch (...) {
    note_failed(name, "not a std::exception");
  }
  return false;
}

RuntimeCore::Outcome RuntimeCore::guarded(Process& process, CodeRef code) {
  Outcome outcome;
  const bool on_thread = Scheduler::on_thread();
  Scheduler::HandlerScope scope(process);
  if (on_thread && scheduler.is_stopped()) {
    outcome.abandoned = true;
    return outcome;
  }
  running_identity = &process.identity();
  try {
    brood::detail::ContextScope context(&process);
    code();
  } catch (const std::exception& error) {
    outcome.failure = ExitReason::error("exception", error.what());
  } catch (...) {
    outcome.failure = ExitReason::error("exception", "not a std::exception");
  }
  running_identity = nullptr;
  scope.end();
  outcome.abandoned = on_thread && scheduler.is_stopped();
  return outcome;
}

void RuntimeCore::run_safely(Process& process) {
  const ProcessPtr keep(&process);
  if (run_callback("a turn of a process", [&] { run_turn(process); })) return;
  // It is still this thread's: the turn gives it away last of all.
  (void)run_callback("the end of a process", [&] { process.begin_end(ExitReason::killed(), true); });
  scheduler.push(process);
}

void RuntimeCore::run_turn(Process& process) {
  const ProcessPtr keep(&process);  // its end may be in this turn
  for (int budget = messages_per_turn;;) {
    take_inbox(process);
    const bool held = holds_back(process);
    if (process.end_reason && process.lasts)
      if (begin_end(process, held) == Step::left) return;
    if (process.end_reason && is_to_end(process, held)) return end(process);
    if (process.stands) {  // between the parts of a handler nothing else comes
      if (!process.is_woken) {
        if (process.inbox.become_idle()) return;
      } else if (held && !process.is_killed) {
        if (park(process) == Step::left) return;
      } else {
        if (budget-- == 0) return scheduler.push(process);
        if (resume(process) == Step::left) return;
      }
      continue;
    }
    if (process.has_orders) {
      if (moving.run_orders(process) == Step::left) return;
      continue;
    }
    if (process.hold == Hold::freezing) moving.try_freeze(process);
    if (process.rests() && !process.end_reason) {
      if (process.inbox.become_idle()) return;
      continue;
    }
    if (process.messages.front() == nullptr && !process.end_reason) {
      if (process.inbox.become_idle()) return;
      continue;
    }
    if (held) {
      if (park(process) == Step::left) return;
      continue;
    }
    if (budget-- == 0) return scheduler.push(process);
    if (handle(process, std::unique_ptr<Envelope>(process.messages.pop())) == Step::left) return;
  }
}

void RuntimeCore::take_inbox(Process& process) {
  for (Envelope* envelope = process.inbox.take(); envelope != nullptr;) {
    Envelope* next = envelope->next;
    if (envelope->is_message()) {
      take_message(process, envelope);
    } else if (envelope->kind == Envelope::Kind::order) {
      moving.take(process, std::unique_ptr<OrderEnvelope>(static_cast<OrderEnvelope*>(envelope)));
    } else {
      apply(process, *envelope);
      delete envelope;
    }
    envelope = next;
  }
}

void RuntimeCore::take_message(Process& process, Envelope* message) {
  if (message->kind == Envelope::Kind::down)
    monitor_is_over(process, static_cast<DownEnvelope*>(message)->id);
  process.messages.push(message);
}

bool RuntimeCore::holds_back(const Process& process) const {
  return process.heeds_fence && fence.is_closed();
}

RuntimeCore::Step RuntimeCore::park(Process& process) {
  if (!fence.park(process)) return Step::go_on;
  // A signal that came just before found nobody to unpark.
  if (process.inbox.has_some() && fence.unpark(process)) return Step::go_on;
  return Step::left;
}

RuntimeCore::Step RuntimeCore::handle(Process& process, std::unique_ptr<Envelope> envelope) {
  if (envelope->counted) count_out(process, *envelope);
  if (process.hold == Hold::freezing) moving.note_handled(process, *envelope);
  Behaviour& behaviour = *process.behaviour;
  switch (envelope->kind) {
    case Envelope::Kind::start:
      return handle_start(process, static_cast<StartEnvelope&>(*envelope));
    case Envelope::Kind::call:
      return handle_call(process, static_cast<CallEnvelope&>(*envelope));
    case Envelope::Kind::info:
    case Envelope::Kind::cast: {
      auto& message = static_cast<MessageEnvelope&>(*envelope);
      return conclude(process, guarded(process, [&] {
                        message.kind == Envelope::Kind::cast ? behaviour.cast(std::move(message.message))
                                                             : behaviour.info(std::move(message.message));
                      }));
    }
    case Envelope::Kind::timer: {
      auto& timer = static_cast<TimerEnvelope&>(*envelope);
      if (process.relations().timers.erase(timer.id) == 0) return Step::go_on;  // cancelled after it fired
      return conclude(process, guarded(process, [&] { behaviour.info(std::move(timer.message)); }));
    }
    case Envelope::Kind::job:
      if (process.is_stub()) return Step::go_on;  // of a worker that is no more
      return conclude(process, guarded(process, [&] { static_cast<JobEnvelope&>(*envelope).job(); }));
    case Envelope::Kind::down: {
      auto& down = static_cast<DownEnvelope&>(*envelope);
      if (down.moved) return conclude(process, guarded(process, [&] { behaviour.down(*down.moved); }));
      auto monitor = process.relations().monitors.extract(down.id);
      if (monitor.empty()) return Step::go_on;  // demonitored after it fired
      const Monitored& watched = monitor.mapped();
      const Down told{identity.ref(down.id), watched.by_name() ? Pid{} : watched.pid, down.reason,
                      watched.name};
      return conclude(process, guarded(process, [&] { behaviour.down(told); }));
    }
    default:
      return Step::go_on;  // signals never get here
  }
}

namespace {

/// What a start has come to, where a handler of it may have thrown.
Result<void> start_result(const RuntimeCore::Outcome& outcome, Result<void> result, std::string_view what) {
  if (!outcome.failure) return result;
  return Error{Errc::start_failed, "the worker's " + std::string(what) + " threw " + outcome.failure->text(),
               encode_term(outcome.failure->term())};
}

}  // namespace

RuntimeCore::Step RuntimeCore::resume(Process& process) {
  process.stands = false;
  process.is_woken = false;
  const auto at = std::exchange(process.relations().stands_at, nullptr);
  const Outcome outcome = guarded(process, [&] { process.behaviour->resume(at); });
  Lasting* lasting = process.lasting();
  if (lasting == nullptr || !lasting->stage.starts || process.stands) return conclude(process, outcome);
  if (outcome.abandoned) return Step::left;
  lasting->stage.starts = false;
  const auto on_started = std::move(lasting->stage.on_started);
  return conclude_start(process, start_result(outcome, lasting->start_result(), "start"), nullptr,
                        on_started);
}

RuntimeCore::Step RuntimeCore::conclude(Process& process, const Outcome& outcome) {
  if (outcome.abandoned) return Step::left;
  if (outcome.failure) process.begin_end(*outcome.failure, false);
  return Step::go_on;
}

RuntimeCore::Step RuntimeCore::handle_start(Process& process, StartEnvelope& start) {
  Result<void> result;
  bool is_made = false;
  Restoration* taking = start.restoration.get();
  Lasting* lasting = process.lasting();
  if (lasting != nullptr && taking != nullptr) {
    result = Error{Errc::not_allowed, "a supervisor takes nothing over; it moves cold"};
    return conclude_start(process, result, nullptr, start.on_started);
  }
  if (taking != nullptr && taking->moves) moving.begin_restore(process);
  const Outcome outcome = guarded(process, [&] {
    result = process.behaviour->start(process);
    is_made = true;
    if (result && taking != nullptr) result = moving.take_over(process, *taking);
  });
  if (outcome.abandoned) return Step::left;
  if (lasting != nullptr && process.stands) {
    lasting->stage.starts = true;
    lasting->stage.on_started = std::move(start.on_started);
    return Step::go_on;
  }
  if (lasting != nullptr && result) result = lasting->start_result();
  result = start_result(outcome, std::move(result), is_made ? "restore" : "start");
  return conclude_start(process, result, taking, start.on_started);
}

RuntimeCore::Step RuntimeCore::conclude_start(Process& process, const Result<void>& result,
                                              Restoration* taking,
                                              const std::function<void(const Result<void>&)>& on_started) {
  if (!result) {
    start_failed(process, result.error(), on_started);
    return Step::left;
  }
  process.started = true;
  if (taking != nullptr && taking->moves) moving.hold_until_open(process, *taking);
  if (on_started) run_callback("on_started", [&] { on_started(result); });
  return Step::go_on;
}

RuntimeCore::Step RuntimeCore::handle_call(Process& process, CallEnvelope& call) {
  Result<EncodedTerm> answer;
  process.current_call = &call;
  const Outcome outcome = guarded(process, [&] {
    // What has moved away forwards them as all else.
    const auto request = process.is_stub() ? std::nullopt : read_system_call(call.message);
    answer = request ? answer_system(process, *process.behaviour, *request)
                     : process.behaviour->call(std::move(call.message));
  });
  if (outcome.abandoned) {
    if (call.local)
      call.local->finish(Error{Errc::node_lost, "the runtime stopped while the call was handled"});
    return Step::left;
  }
  process.current_call = nullptr;
  if (outcome.failure) {
    process.begin_end(*outcome.failure, false);
    if (call.local) call.local->finish(error_of_end(*process.end_reason, true));
    // Whoever called from elsewhere has a monitor, or a call that carries its watch.
    tell_end_of_call(call.from, process.self(), *process.end_reason);
    return Step::go_on;
  }
  EncodedTerm bytes = answer ? std::move(*answer) : brood::detail::encode_error(answer.error());
  if (bytes.empty()) return Step::go_on;
  if (call.local) {
    call.local->finish(std::move(bytes));
  } else if (const auto caller = read_from(call.from)) {
    const bool more_follows = process.messages.front() != nullptr || process.inbox.has_some();
    reply(*caller, std::move(bytes), process.local(), more_follows);
  } else if (!call.from.empty()) {
    malformed.fetch_add(1, std::memory_order_relaxed);
  }
  return Step::go_on;
}

}  // namespace brood::process
