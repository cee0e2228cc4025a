// The source after the commit: the worker goes, a stub takes its place, and goes in its turn.
#include <algorithm>

#include "process/handover/move_desk.hpp"
#include "process/handover/stub.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

Error not_captured() {
  return {Errc::invalid_argument, "only a captured process becomes a stub"};
}

}  // namespace

/// What is in the parcel, and what cannot move: jobs of a worker that is no more, and what its monitors told.
void MoveDesk::drop_what_moved(Process& process, const Move& move) {
  MessageQueue kept;
  for (std::size_t index = 0; Envelope* envelope = process.messages.pop(); ++index) {
    const bool is_left = index >= move.mail_taken && envelope->kind != Envelope::Kind::job &&
                         envelope->kind != Envelope::Kind::down && envelope->kind != Envelope::Kind::timer;
    if (is_left) {
      kept.push(envelope);
      continue;
    }
    const std::unique_ptr<Envelope> dropped(envelope);
    if (dropped->counted) core_.count_out(process, *dropped);
  }
  process.messages = kept;
}

Step MoveDesk::become_stub(Process& process, const Pid& new_pid, StubOptions options,
                           const Answer<void>& answer) {
  Move& move = make(process);
  if (process.hold != Hold::frozen || !move.is_captured) {
    answer(not_captured());
    return Step::go_on;
  }
  if (core_.guarded(process, [&] { process.behaviour.reset(); }).abandoned) return Step::left;
  process.end_reason = nullptr;  // a destructor may have asked for it
  auto stub = std::make_unique<Stub>(core_, process, new_pid, std::move(options));
  drop_what_moved(process, move);
  process.hold = Hold::stub;
  process.traps_exits = false;
  process.on_exit = nullptr;
  for (const Move::OpenCall& call : move.calls)
    stub->track(call.caller, call.was_taken ? Stub::Tracked::taken : Stub::Tracked::unseen);
  if (Relations* relations = process.relations_if_any()) {
    for (const auto& [id, timer] : relations->timers) core_.timers.cancel(*timer);
    relations->timers.clear();
    for (const auto& [id, to] : relations->monitors) core_.end_monitor(process.local(), id, to);
    relations->monitors.clear();
    // Whoever has a promise that did not move answers it from here.
    for (const TakenFrom& taken : relations->taken) {
      const bool moved = std::any_of(move.calls.begin(), move.calls.end(),
                                     [&](const auto& call) { return call.caller.call == taken.call; });
      if (!moved && !taken.from.empty()) stub->track(taken, Stub::Tracked::answered_here);
    }
    relations->taken.clear();
  }
  move.calls.clear();
  move.promises.clear();
  move.timers.clear();
  Stub& begun = *stub;
  process.behaviour = std::move(stub);
  begun.begin();
  answer({});
  return Step::go_on;
}

void MoveDesk::caller_left(Process& process, const Watcher& watcher) {
  if (watcher.is_remote) static_cast<Stub&>(*process.behaviour).caller_left(watcher);
}

void MoveDesk::forward_exit(Process& process, const ExitReason& reason) {
  static_cast<Stub&>(*process.behaviour).exit(reason);
}

void MoveDesk::end_stub(Process& process) {
  auto& stub = static_cast<Stub&>(*process.behaviour);
  const ExitReason reason = stub.end_reason();
  const auto last = [&](Envelope* envelope) {
    std::unique_ptr<Envelope> owned(envelope);
    if (!core_.stopping.load() && stub.forward_last(*owned)) {
      if (owned->counted) core_.count_out(process, *owned);
      return;
    }
    core_.dispose(process, std::move(owned));
  };
  for (Envelope* late = process.inbox.close(); late != nullptr;) {
    Envelope* next = late->next;
    process.messages.push(late);
    late = next;
  }
  stub.retry();
  while (Envelope* envelope = process.messages.pop()) last(envelope);
  stub.close();
  const std::function<void()> on_end = stub.take_on_end();
  process.behaviour.reset();
  core_.end_relations(process, reason, ExitReason::normal());
  if (on_end) (void)run_callback("the end of a stub", on_end);
  core_.leave_table(process);
}

}  // namespace brood::process
