// Orders: what is to be done with a process between two handlers, and the table of moves.
#include "process/handover/move_desk.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

std::uint64_t key_of(const Process& process) {
  return WaiterKey::of(process.local()).process;
}

}  // namespace

Move* MoveDesk::find(const Process& process) {
  if (count_.load(std::memory_order_relaxed) == 0) return nullptr;
  std::lock_guard lock(mutex_);
  const auto found = moves_.find(key_of(process));
  return found == moves_.end() ? nullptr : found->second.get();
}

Move& MoveDesk::make(const Process& process) {
  std::lock_guard lock(mutex_);
  auto& move = moves_[key_of(process)];
  if (!move) {
    move = std::make_unique<Move>();
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  return *move;
}

void MoveDesk::erase(const Process& process) {
  std::unique_ptr<Move> move;  // what it owns may call back when it goes
  std::lock_guard lock(mutex_);
  const auto found = moves_.find(key_of(process));
  if (found == moves_.end()) return;
  move = std::move(found->second);
  moves_.erase(found);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

bool MoveDesk::order(LocalPid pid, OrderEnvelope::Code code) {
  return core_.signal(pid, std::make_unique<OrderEnvelope>(std::move(code)));
}

bool MoveDesk::order(const Pid& pid, OrderEnvelope::Code code) {
  return core_.identity.owns(pid) && order(Identity::local(pid), std::move(code));
}

void OrderTimer::fire() {
  core_.moving.order(pid_, code_);
}

void MoveDesk::take(Process& process, std::unique_ptr<OrderEnvelope> order) {
  make(process).orders.push_back(std::move(order));
  process.has_orders = true;
}

Step MoveDesk::run_orders(Process& process) {
  Move& move = make(process);
  while (!move.orders.empty()) {
    const std::unique_ptr<OrderEnvelope> order = std::move(move.orders.front());
    move.orders.pop_front();
    if (process.end_reason) continue;  // dropped, which tells whoever gave it
    if (order->code(process) == Step::left) return Step::left;
  }
  process.has_orders = false;
  if ((process.hold == Hold::none || process.is_stub()) && !move.save_at_end) erase(process);
  return Step::go_on;
}

/// A process that was captured may go on elsewhere: whether a handler sees the calls in the parcel nobody
/// here can tell, so they do not end as if none had.
void MoveDesk::end_packed_calls(Process& process, const Move& move, const ExitReason& reason) {
  Envelope* at = process.messages.front();
  for (std::size_t index = 0; index < move.mail_taken && at != nullptr; ++index, at = at->next) {
    if (at->kind != Envelope::Kind::call) continue;
    auto& call = static_cast<CallEnvelope&>(*at);
    if (call.local) call.local->finish(error_of_end(reason, true));
    core_.tell_end_of_call(call.from, process.self(), reason);
    call.local = nullptr;
    call.from.clear();
  }
}

void MoveDesk::forget(Process& process, const ExitReason& reason) {
  Move* move = find(process);
  if (move == nullptr) return;
  if (!process.is_stub()) end_packed_calls(process, *move, reason);
  process.has_orders = false;
  if (!process.is_stub()) process.hold = Hold::none;
  if (move->request) {
    core_.timers.cancel(*move->request);
    if (move->request->settle())
      move->request->answer(Error{Errc::no_such_child, "the process ended before it was frozen"});
  }
  for (const Move::OpenCall& call : move->calls)
    if (call.is_relay) call.caller.call->abandon();
  if (move->arriving) move->arriving->discard();
  erase(process);
}

}  // namespace brood::process
