// Freezing a process, and taking it back.
#include "process/handover/move_desk.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

void FreezeRequest::fire() {
  if (!settle()) return;
  core_.moving.order(pid_, [self = FreezeRequestPtr(this)](Process& process) {
    self->core_.moving.give_up_freeze(process, *self);
    return Step::go_on;
  });
  answer(Error{Errc::timeout, "its handler, or what it waits for, did not end in time; it goes on"});
}

void MoveDesk::begin_freeze(Process& process, const FreezeRequestPtr& request) {
  if (request->is_settled()) return;
  if (process.lasts) {
    core_.timers.cancel(*request);
    if (request->settle())
      request->answer(Error{Errc::not_allowed, "a supervisor does not move as it is; it moves cold"});
    return;
  }
  if (process.hold != Hold::none) {
    core_.timers.cancel(*request);
    if (request->settle())
      request->answer(Error{Errc::busy, "the process is frozen already, or moves, or has moved"});
    return;
  }
  make(process).request = request;
  process.hold = Hold::freezing;
}

void MoveDesk::try_freeze(Process& process) {
  Move& move = make(process);
  if (!process.started || move.last_job != nullptr) return;
  for (const Envelope* at = process.messages.front(); at != nullptr; at = at->next)
    if (at->kind == Envelope::Kind::job) move.last_job = at;
  if (move.last_job != nullptr) return;
  const FreezeRequestPtr request = std::move(move.request);
  core_.timers.cancel(*request);
  if (!request->settle()) {
    process.hold = Hold::none;  // out of patience just now
    return;
  }
  process.hold = Hold::frozen;
  request->answer({});
}

void MoveDesk::note_handled(Process& process, const Envelope& envelope) {
  Move& move = make(process);
  if (move.last_job == &envelope) move.last_job = nullptr;
}

void MoveDesk::give_up_freeze(Process& process, const FreezeRequest& request) {
  Move* move = find(process);
  if (process.hold != Hold::freezing || move == nullptr || move->request.get() != &request) return;
  process.hold = Hold::none;
  move->request = nullptr;
  move->last_job = nullptr;
}

Result<void> MoveDesk::thaw(Process& process) {
  Move& move = make(process);
  if (process.is_stub()) return Error{Errc::invalid_argument, "the process has moved"};
  if (move.arriving) return Error{Errc::invalid_argument, "the process was restored; open or discard it"};
  if (process.hold == Hold::freezing && move.request) {
    core_.timers.cancel(*move.request);
    if (move.request->settle()) move.request->answer(Error{Errc::stopped, "the freeze was taken back"});
    move.request = nullptr;
    move.last_job = nullptr;
  }
  if (process.hold == Hold::frozen) undo_capture(move);
  process.hold = Hold::none;
  return {};
}

}  // namespace brood::process
