// The target's side: a process that takes over what another was.
#include "process/handover/restoring.hpp"

#include "process/calls/gen_protocol.hpp"
#include "process/handover/move_desk.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

/// What encode_down() wrote at the source; nullopt when it is nothing of that form.
std::unique_ptr<Envelope> read_down(BytesView term) {
  TermReader reader(term);
  if (!reader.version() || !reader.tuple(5)) return nullptr;
  auto ref = reader.ref();
  auto pid = ref ? reader.pid() : Result<Pid>(ref.error());
  auto name = pid ? reader.atom() : Result<std::string>(pid.error());
  auto node = name ? reader.atom() : Result<std::string>(name.error());
  auto reason = node ? reader.term() : Result<Term>(node.error());
  if (!reason || !reader.at_end()) return nullptr;
  auto down = std::make_unique<DownEnvelope>(0, ExitReason(*reason));
  down->moved =
      std::make_unique<Down>(Down{std::move(*ref), std::move(*pid), ExitReason(std::move(*reason)),
                                  NamedProcess{Atom{std::move(*name)}, NodeName{std::move(*node)}}});
  return down;
}

std::unique_ptr<Envelope> unpack(ParcelMail mail) {
  const std::size_t size = mail.message.size();
  std::unique_ptr<Envelope> out;
  switch (mail.kind) {
    case ParcelMail::Kind::down:
      return read_down(mail.message);
    case ParcelMail::Kind::timer:
      return std::make_unique<TimerEnvelope>(mail.timer,
                                             Message::encoded(EncodedTerm(std::move(mail.message))));
    case ParcelMail::Kind::call:
      out = std::make_unique<CallEnvelope>(Message::encoded(EncodedTerm(std::move(mail.message))),
                                           EncodedTerm(std::move(mail.caller)));
      break;
    case ParcelMail::Kind::cast:
    case ParcelMail::Kind::info:
      out = std::make_unique<MessageEnvelope>(
          mail.kind == ParcelMail::Kind::cast ? Envelope::Kind::cast : Envelope::Kind::info,
          Message::encoded(EncodedTerm(std::move(mail.message))));
      break;
  }
  if (out) out->count(size);
  return out;
}

}  // namespace

void MoveDesk::begin_restore(Process& process) {
  make(process).arriving = std::make_shared<HeldAnswers>();
}

std::shared_ptr<HeldAnswers> MoveDesk::arriving(Process& process) {
  const Move* move = find(process);
  return move == nullptr ? nullptr : move->arriving;
}

Result<void> MoveDesk::take_over(Process& process, const Restoration& restoration) {
  Behaviour& behaviour = *process.behaviour;
  const SavedState& saved = restoration.parcel.saved;
  if (restoration.moves) {
    // It has the timers that it had, not those of a new one; those that restore() sets come on top.
    auto& timers = process.relations().timers;
    for (const auto& [id, timer] : timers) core_.timers.cancel(*timer);
    timers.clear();
    for (const ParcelTimer& timer : restoration.parcel.timers) {
      boost::intrusive_ptr<SendTimer> armed(
          new SendTimer(core_, process.local(), timer.id, Message::encoded(EncodedTerm(timer.message))));
      if (timers.emplace(timer.id, armed).second) core_.timers.add(armed, timer.left);
    }
    // Those that are mail already can still be cancelled.
    for (const ParcelMail& mail : restoration.parcel.mail)
      if (mail.kind == ParcelMail::Kind::timer)
        timers.emplace(mail.timer, new SendTimer(core_, process.local(), mail.timer, {}));
    process.traps_exits = process.traps_exits || restoration.parcel.traps_exits;
  }
  if (!saved.has_state()) return {};
  if (saved.version != behaviour.state_version())
    return behaviour.restore_version(saved.version, saved.state);
  return restoration.moves ? behaviour.alter_handover(saved.state) : behaviour.restore(saved.state);
}

void MoveDesk::hold_until_open(Process& process, Restoration& restoration) {
  for (ParcelMail& mail : restoration.parcel.mail) {
    std::unique_ptr<Envelope> envelope = unpack(std::move(mail));
    if (!envelope) continue;
    if (envelope->counted) {
      process.queued_messages.fetch_add(1, std::memory_order_relaxed);
      process.queued_bytes.fetch_add(envelope->bytes, std::memory_order_relaxed);
    }
    process.messages.push(envelope.release());
  }
  process.hold = Hold::frozen;
}

Result<void> MoveDesk::open(Process& process) {
  Move& move = make(process);
  if (move.arriving) {
    const std::shared_ptr<HeldAnswers> held = std::move(move.arriving);
    process.hold = Hold::none;
    held->open();
    return {};
  }
  if (process.hold == Hold::none) return {};
  return Error{Errc::invalid_argument, "the process was not restored; it is frozen or moves itself"};
}

Result<void> MoveDesk::discard(Process& process, Answer<void> gone) {
  if (!make(process).arriving)
    return Error{Errc::invalid_argument, "only a restored process that is not open can be discarded"};
  process.on_exit = [gone = std::move(gone)](const ExitReason&) { gone({}); };
  process.begin_end(ExitReason(Term::tuple({Term::atom("shutdown"), Term::atom("discarded")})), true);
  return {};
}

void MoveDesk::drop_mail(Process& process) {
  while (Envelope* envelope = process.messages.pop()) {
    const std::unique_ptr<Envelope> dropped(envelope);
    if (dropped->counted) core_.count_out(process, *dropped);
  }
}

}  // namespace brood::process
