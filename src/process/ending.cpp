// The end of a process: last words, then everybody who has to know.
#include <utility>

#include "process/calls/gen_protocol.hpp"
#include "process/local/lasting.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

void Process::begin_end(ExitReason reason, bool kill) {
  if (end_reason && !(kill && !is_killed)) return;
  end_reason = std::make_unique<ExitReason>(std::move(reason));
  is_killed = kill;
}

namespace {

/// Its start() has been called.
bool has_begun(const Process& process, const Lasting& lasting) {
  return process.started || lasting.stage.starts;
}

}  // namespace

// Of a Lasting, which is to end: its last words take their time, and are only hurried by a kill.
RuntimeCore::Step RuntimeCore::begin_end(Process& process, bool held) {
  Lasting& lasting = *process.lasting();
  if (stopping.load(std::memory_order_relaxed) || !has_begun(process, lasting)) return Step::go_on;
  if (process.is_killed && !std::exchange(lasting.stage.is_killed, process.is_killed))
    if (guarded(process, [&] { lasting.kill(); }).abandoned) return Step::left;
  const bool may_run = !held || process.is_killed;
  if (!lasting.stage.ends && (process.stands || !process.started || !may_run)) return Step::go_on;
  const bool begins = !std::exchange(lasting.stage.ends, true);
  // Nobody will handle them any more; and what is to end first may wait for an answer.
  while (Envelope* envelope = process.messages.pop()) dispose(process, std::unique_ptr<Envelope>(envelope));
  if (!begins) return Step::go_on;
  const ExitReason reason = *process.end_reason;
  return guarded(process, [&] { lasting.terminate(reason); }).abandoned ? Step::left : Step::go_on;
}

bool RuntimeCore::is_to_end(const Process& process, bool held) const {
  const bool stops = stopping.load(std::memory_order_relaxed);
  const Lasting* lasting = process.lasting();
  if (lasting != nullptr && !stops && has_begun(process, *lasting))
    return lasting->stage.ends && !process.stands;
  return process.is_killed || stops || (!held && !process.stands);
}

void RuntimeCore::end(Process& process) {
  const ExitReason reason = *process.end_reason;
  std::function<void(const Result<void>&)> on_started;
  if (!process.started) {
    // Its first message is still its start, unless that stands.
    Lasting* lasting = process.lasting();
    if (lasting != nullptr && lasting->stage.starts) {
      on_started = std::move(lasting->stage.on_started);
    } else {
      const std::unique_ptr<Envelope> start(process.messages.pop());
      if (start && start->kind == Envelope::Kind::start)
        on_started = std::move(static_cast<StartEnvelope&>(*start).on_started);
    }
    const Error error{Errc::stopped, "an exit (" + reason.text() + ") came before the start"};
    return start_failed(process, error, on_started);
  }
  if (process.is_stub()) {
    moving.forget(process, reason);
    return moving.end_stub(process);
  }
  // One that was restored and not opened has not run, and the mail that it holds is its source's.
  const bool has_run = moving.arriving(process) == nullptr;
  // No handler begins while the node is fenced, the last one neither.
  if (has_run && !process.is_killed && !process.lasts && !holds_back(process)) {
    if (moving.save_last(process) == Step::left) return;
    if (guarded(process, [&] { process.behaviour->terminate(reason); }).abandoned) return;
  }
  if (guarded(process, [&] { process.behaviour.reset(); }).abandoned) return;
  moving.forget(process, reason);
  if (!has_run) moving.drop_mail(process);
  end_relations(process, reason, reason);
  auto on_exit = std::move(process.on_exit);
  if (on_exit) run_callback("on_exit", [&] { on_exit(reason); });
  leave_table(process);
}

void RuntimeCore::start_failed(Process& process, const Error& error,
                               const std::function<void(const Result<void>&)>& on_started) {
  if (guarded(process, [&] { process.behaviour.reset(); }).abandoned) return;
  ExitReason reason = ExitReason::error(to_string(error.code), error.message);
  if (auto detail = decode_term(error.detail)) reason = ExitReason(std::move(*detail));
  moving.forget(process, reason);
  end_relations(process, reason, reason);
  if (on_started) run_callback("on_started", [&] { on_started(error); });
  leave_table(process);
}

/// The number can be used again; stop() may wait for it.
void RuntimeCore::leave_table(Process& process) {
  table.release(process.local());
  if (!stopping.load()) return;
  std::lock_guard lock(stop_mutex_);
  process_ended_.notify_all();
}

void RuntimeCore::end_relations(Process& process, const ExitReason& reason, const ExitReason& to_links) {
  Envelope* late = process.inbox.close();
  names.remove_all_of(process.local());
  forget_remote_relation(process);
  const Pid self = process.self();
  // What came in before is older than what is left in the inbox.
  while (Envelope* envelope = process.messages.pop()) dispose(process, std::unique_ptr<Envelope>(envelope));
  while (late != nullptr) {
    Envelope* next = late->next;
    dispose(process, std::unique_ptr<Envelope>(late));
    late = next;
  }
  Relations* relations = process.relations_if_any();
  if (relations == nullptr) return;
  for (auto& [id, timer] : relations->timers) timers.cancel(*timer);
  // Callers of other nodes watch the process by themselves.
  for (const TakenFrom& taken : relations->taken)
    if (taken.from.empty()) taken.call->finish(error_of_end(reason, true));
  for (const auto& [id, kind] : relations->aliases) aliases.remove(id);
  for (const auto& [to, link] : relations->links)
    if (link.unlink_id == 0) exit(self, to, to_links, ExitEnvelope::Source::link);
  for (const auto& [id, to] : relations->monitors) end_monitor(process.local(), id, to);
  for (const auto& [id, watcher] : relations->local_watchers) notify_down(Watcher{watcher, id}, self, reason);
  for (const auto& [key, name] : relations->remote_watchers)
    notify_down(Watcher{{}, 0, true, key.first, key.second, name}, self, reason);
}

/// What nobody will handle any more.
void RuntimeCore::dispose(Process& process, std::unique_ptr<Envelope> envelope) {
  const Pid self = process.self();
  if (envelope->counted) count_out(process, *envelope);
  switch (envelope->kind) {
    case Envelope::Kind::call: {
      auto& call = static_cast<CallEnvelope&>(*envelope);
      if (call.local) call.local->finish(error_of_end(ExitReason::noproc(), true));
      tell_end_of_call(call.from, self, ExitReason::noproc());
      break;
    }
    case Envelope::Kind::aliased: {
      auto& message = static_cast<AliasedEnvelope&>(*envelope).message;
      message->counted = false;  // the wrapper counted for it
      return dispose(process, std::move(message));
    }
    case Envelope::Kind::link:
      exit(self, static_cast<LinkEnvelope&>(*envelope).from, ExitReason::noproc(),
           ExitEnvelope::Source::link);
      break;
    case Envelope::Kind::unlink:
      apply(process, *envelope);
      break;
    case Envelope::Kind::monitor:
      notify_down(static_cast<MonitorEnvelope&>(*envelope).watcher, self, ExitReason::noproc());
      break;
    default:
      break;
  }
  if (envelope->is_message()) dropped.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace brood::process
