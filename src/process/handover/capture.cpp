// Packing a parcel, and saving a state alone.
#include <algorithm>
#include <set>

#include "process/calls/gen_protocol.hpp"
#include "process/handover/move_desk.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

Error not_frozen() {
  return {Errc::invalid_argument, "a process is captured once, after it was frozen"};
}

/// A down as a term, for a process that has no such monitor: {Ref, Pid, Name, Node, Reason}.
EncodedTerm encode_down(const Down& down) {
  EncodedTerm out;
  TermWriter writer(out);
  writer.version();
  writer.tuple(5);
  writer.ref(down.ref);
  writer.pid(down.pid);
  writer.atom(down.name.name.name);
  writer.atom(down.name.node.text());
  writer.term(down.reason.term());
  return out;
}

/// What a parcel may still take.
class Room {
 public:
  explicit Room(const CaptureOptions& options) : options_(options) {}
  [[nodiscard]] std::optional<Error> take(std::size_t bytes, std::size_t messages) {
    bytes_ += bytes;
    messages_ += messages;
    if (messages_ > options_.mail_max)
      return Error{Errc::limit_exceeded, "more than " + std::to_string(options_.mail_max) +
                                             " unread messages and timers; so many cannot move"};
    if (bytes_ > options_.bytes_max)
      return Error{Errc::limit_exceeded, "state, unread messages and timers have more than " +
                                             std::to_string(options_.bytes_max) +
                                             " bytes; so many cannot move"};
    return std::nullopt;
  }

 private:
  const CaptureOptions& options_;
  std::size_t bytes_ = 0;
  std::size_t messages_ = 0;
};

Error save_failed(const ExitReason& reason) {
  return {Errc::start_failed, "saving the worker's state threw " + reason.text(), encode_term(reason.term())};
}

constexpr int timer_tries = 100;

Bytes octets_of(const Message& message) {
  return message.to_bytes().octets();
}

}  // namespace

/// False: a timer has left the wheel and is not in the mailbox yet.
bool MoveDesk::pause_timers(Process& process, Move& move) {
  Relations* relations = process.relations_if_any();
  if (relations == nullptr || relations->timers.empty()) return true;
  std::set<std::uint64_t> due;
  for (const Envelope* at = process.messages.front(); at != nullptr; at = at->next)
    if (at->kind == Envelope::Kind::timer) due.insert(static_cast<const TimerEnvelope*>(at)->id);
  const auto now = Move::Clock::now();
  for (const auto& [id, timer] : relations->timers) {
    if (due.count(id) != 0) continue;
    const auto left = core_.timers.take(*timer);
    if (!left) return false;
    move.timers.push_back({timer, now + *left});
  }
  return true;
}

void MoveDesk::undo_capture(Move& move) {
  const auto now = Move::Clock::now();
  for (const Move::PausedTimer& paused : move.timers)
    core_.timers.add(paused.timer, std::max(std::chrono::milliseconds(0),
                                            std::chrono::ceil<std::chrono::milliseconds>(paused.due - now)));
  for (const Move::OpenCall& call : move.calls)
    if (call.is_relay) call.caller.call->abandon();
  for (const auto& promise : move.promises)
    if (const auto slot = promise.lock()) slot->hand_over(false);
  move.timers.clear();
  move.calls.clear();
  move.promises.clear();
  move.mail_taken = 0;
  move.is_captured = false;
}

Step MoveDesk::capture(Process& process, const CaptureOptions& options, const Answer<Parcel>& answer,
                       int tries) {
  Move& move = make(process);
  if (process.hold != Hold::frozen || move.is_captured || move.arriving) {
    answer(not_frozen());
    return Step::go_on;
  }
  for (const Envelope* at = process.messages.front(); at != nullptr; at = at->next) {
    if (at->kind != Envelope::Kind::job) continue;
    answer(Error{Errc::busy, "a job that this process's own code posted waits, and cannot move"});
    return Step::go_on;
  }
  if (!pause_timers(process, move)) {
    undo_capture(move);
    if (tries >= timer_tries) {
      answer(Error{Errc::busy, "a timer of the process has fired and does not arrive"});
      return Step::go_on;
    }
    const TimerPtr later(
        new OrderTimer(core_, process.local(), [this, options, answer, tries](Process& again) {
          return capture(again, options, answer, tries + 1);
        }));
    core_.timers.add(later, std::chrono::milliseconds(1));
    return Step::go_on;
  }
  Parcel parcel;
  std::optional<Error> excess;
  move.saving_into = &parcel;
  const auto outcome = core_.guarded(process, [&] { excess = pack(process, move, options, parcel); });
  if (outcome.abandoned) return Step::left;
  move.saving_into = nullptr;
  if (outcome.failure) excess = save_failed(*outcome.failure);
  if (excess) {
    undo_capture(move);
    answer(std::move(*excess));
    return Step::go_on;
  }
  move.is_captured = true;
  answer(std::move(parcel));
  return Step::go_on;
}

std::optional<Error> MoveDesk::pack(Process& process, Move& move, const CaptureOptions& options,
                                    Parcel& parcel) {
  Room room(options);
  parcel.saved.state = process.behaviour->prepare_handover(options.target).octets();
  if (parcel.saved.has_state()) parcel.saved.version = process.behaviour->state_version();
  parcel.traps_exits = process.traps_exits;
  if (auto excess = room.take(parcel.saved.state.size(), 0)) return excess;
  for (Envelope* at = process.messages.front(); at != nullptr; at = at->next) {
    ++move.mail_taken;
    auto mail = pack(process, move, *at);
    if (!mail) continue;
    if (auto excess = room.take(mail->message.size() + mail->caller.size(), 1)) return excess;
    parcel.mail.push_back(std::move(*mail));
  }
  const auto now = Move::Clock::now();
  for (const Move::PausedTimer& paused : move.timers) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(paused.due - now);
    parcel.timers.push_back({paused.timer->id, std::max(left, std::chrono::milliseconds(0)),
                             paused.timer->message.to_bytes().octets()});
    if (auto excess = room.take(parcel.timers.back().message.size(), 1)) return excess;
  }
  return std::nullopt;
}

/// nullopt: it means nothing any more.
std::optional<ParcelMail> MoveDesk::pack(Process& process, Move& move, Envelope& envelope) {
  using Kind = ParcelMail::Kind;
  switch (envelope.kind) {
    case Envelope::Kind::info:
      return ParcelMail{Kind::info, octets_of(static_cast<MessageEnvelope&>(envelope).message), {}, 0};
    case Envelope::Kind::cast:
      return ParcelMail{Kind::cast, octets_of(static_cast<MessageEnvelope&>(envelope).message), {}, 0};
    case Envelope::Kind::call: {
      auto& call = static_cast<CallEnvelope&>(envelope);
      Bytes message = octets_of(call.message);
      return ParcelMail{Kind::call, std::move(message), caller_of(process, move, call).octets(), 0};
    }
    case Envelope::Kind::timer: {
      auto& timer = static_cast<TimerEnvelope&>(envelope);
      if (process.relations().timers.count(timer.id) == 0) return std::nullopt;  // cancelled
      return ParcelMail{Kind::timer, octets_of(timer.message), {}, timer.id};
    }
    case Envelope::Kind::down: {
      auto& down = static_cast<DownEnvelope&>(envelope);
      if (down.moved) return ParcelMail{Kind::down, encode_down(*down.moved).octets(), {}, 0};
      const auto& monitors = process.relations().monitors;
      const auto watched = monitors.find(down.id);
      if (watched == monitors.end()) return std::nullopt;  // demonitored
      const Monitored& to = watched->second;
      return ParcelMail{
          Kind::down,
          encode_down({core_.identity.ref(down.id), to.by_name() ? Pid{} : to.pid, down.reason, to.name})
              .octets(),
          {},
          0};
    }
    default:
      return std::nullopt;  // a start was, and jobs were looked for
  }
}

/// Where the target is to answer: always this node, which passes it on.
EncodedTerm MoveDesk::caller_of(Process& process, Move& move, CallEnvelope& call) {
  if (call.local) {
    move.calls.push_back({{call.local, {}}, false});
    return core_.address_of(*call.local);
  }
  const auto caller = read_from(call.from);
  if (!caller) return {};
  if (core_.identity.is_here(caller->pid.node)) {
    const auto id = caller->alias ? core_.identity.id_of(*caller->alias) : std::nullopt;
    if (const PendingCallPtr waiting = id ? core_.desk.find(*id) : nullptr)
      move.calls.push_back({{waiting, {}}, false});
    return call.from;
  }
  const PendingCallPtr relay = core_.open_relay(call.from, process.local());
  move.calls.push_back({{relay, call.from}, true});
  return core_.address_of(*relay);
}

EncodedTerm MoveDesk::hand_over(Process& process, const std::shared_ptr<brood::detail::ReplySlot>& slot) {
  Move* move = find(process);
  if (move == nullptr || move->saving_into == nullptr) return {};
  EncodedTerm caller = slot->caller();
  const auto read = read_from(caller);
  const auto id = read && read->alias ? core_.identity.id_of(*read->alias) : std::nullopt;
  const PendingCallPtr call = id ? core_.desk.find(*id) : nullptr;
  if (!call) return {};  // answered, or nobody waits any more
  slot->hand_over(true);
  move->promises.push_back(slot);
  const auto is_call = [&](const auto& other) { return other.call == call; };
  const bool known = std::any_of(move->calls.begin(), move->calls.end(),
                                 [&](const Move::OpenCall& other) { return is_call(other.caller); });
  if (known) return caller;
  const auto& taken = process.relations().taken;
  const auto found = std::find_if(taken.begin(), taken.end(), is_call);
  move->calls.push_back({{call, found == taken.end() ? EncodedTerm{} : found->from}, false, true});
  move->saving_into->callers.push_back(caller.octets());
  return caller;
}

Step MoveDesk::save(Process& process, const Answer<SavedState>& answer) {
  if (!process.started || process.is_stub()) {
    answer(Error{Errc::busy, process.started ? "the process has moved" : "the process has not started yet"});
    return Step::go_on;
  }
  SavedState saved;
  const auto outcome = core_.guarded(process, [&] {
    saved.state = process.behaviour->save().octets();
    if (saved.has_state()) saved.version = process.behaviour->state_version();
  });
  if (outcome.abandoned) return Step::left;
  if (outcome.failure) {
    answer(save_failed(*outcome.failure));
  } else {
    answer(std::move(saved));
  }
  return Step::go_on;
}

void MoveDesk::save_at_end(Process& process, ExitReason reason, const Answer<SavedState>& answer) {
  const bool kill = reason.term().is_atom("killed") || reason.term().is_atom("kill");
  make(process).save_at_end = answer;
  process.begin_end(kill ? ExitReason::killed() : std::move(reason), kill);
}

Step MoveDesk::save_last(Process& process) {
  Move* move = find(process);
  if (move == nullptr || !move->save_at_end) return Step::go_on;
  const Answer<SavedState> answer = std::move(*move->save_at_end);
  move->save_at_end.reset();
  return save(process, answer);
}

}  // namespace brood::process
