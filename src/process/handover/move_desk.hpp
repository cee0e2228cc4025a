// MoveDesk: the processes of this node that move, and the steps of their moves. Its functions stand in files
// by step: orders.cpp, freezing.cpp, capture.cpp, restoring.cpp, becoming_stub.cpp.
//
// Invariant: a process has a Move while it holds or has orders, else none (but for one that ends and is to
// save its state). So an end of a process that never moved looks nothing up.
//
// Thread rule: "turn" means from the thread that runs the process's turn; the table locks by itself.
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "process/handover/handover.hpp"
#include "process/handover/move.hpp"
#include "process/handover/restoring.hpp"

namespace brood::process {

class Stub;

class MoveDesk {
 public:
  explicit MoveDesk(RuntimeCore& core) : core_(core) {}
  MoveDesk(const MoveDesk&) = delete;
  MoveDesk& operator=(const MoveDesk&) = delete;

  // orders.cpp
  /// Any thread. False: there is no such process, and the order is dropped.
  bool order(const Pid& pid, OrderEnvelope::Code code);
  bool order(LocalPid pid, OrderEnvelope::Code code);
  /// Turn: an order has come in.
  void take(Process& process, std::unique_ptr<OrderEnvelope> order);
  /// Turn: does what has come in.
  [[nodiscard]] Step run_orders(Process& process);
  /// Turn: the process ends, or did not start.
  void forget(Process& process, const ExitReason& reason);

  // freezing.cpp; turn
  void begin_freeze(Process& process, const FreezeRequestPtr& request);
  /// Of a process that is freezing: freezes it if nothing of it has to be done before.
  void try_freeze(Process& process);
  /// A freezing process handles it next.
  void note_handled(Process& process, const Envelope& envelope);
  void give_up_freeze(Process& process, const FreezeRequest& request);
  [[nodiscard]] Result<void> thaw(Process& process);

  // capture.cpp; turn
  [[nodiscard]] Step capture(Process& process, const CaptureOptions& options, const Answer<Parcel>& answer,
                             int tries);
  [[nodiscard]] EncodedTerm hand_over(Process& process,
                                      const std::shared_ptr<brood::detail::ReplySlot>& slot);
  [[nodiscard]] Step save(Process& process, const Answer<SavedState>& answer);
  void save_at_end(Process& process, ExitReason reason, const Answer<SavedState>& answer);
  /// The process ends, its worker is still there.
  [[nodiscard]] Step save_last(Process& process);

  // follow_gate.cpp; turn
  [[nodiscard]] Step save_for_followers(Process& process, FollowGate& gate);

  // restoring.cpp; turn
  void begin_restore(Process& process);
  /// As a handler, right after the worker's start.
  [[nodiscard]] Result<void> take_over(Process& process, const Restoration& restoration);
  void hold_until_open(Process& process, Restoration& restoration);
  /// Where what its worker answers has to wait for open(); nullptr when it need not.
  [[nodiscard]] std::shared_ptr<HeldAnswers> arriving(Process& process);
  [[nodiscard]] Result<void> open(Process& process);
  [[nodiscard]] Result<void> discard(Process& process, Answer<void> gone);
  /// Of one that was not opened: the source has it all.
  void drop_mail(Process& process);

  // becoming_stub.cpp; turn
  [[nodiscard]] Step become_stub(Process& process, const Pid& new_pid, StubOptions options,
                                 const Answer<void>& answer);
  void caller_left(Process& process, const Watcher& watcher);
  void forward_exit(Process& process, const ExitReason& reason);
  void end_stub(Process& process);

 private:
  [[nodiscard]] Move* find(const Process& process);
  [[nodiscard]] Move& make(const Process& process);
  void erase(const Process& process);
  void end_packed_calls(Process& process, const Move& move, const ExitReason& reason);

  // capture.cpp
  [[nodiscard]] bool pause_timers(Process& process, Move& move);
  [[nodiscard]] std::optional<Error> pack(Process& process, Move& move, const CaptureOptions& options,
                                          Parcel& parcel);
  [[nodiscard]] std::optional<ParcelMail> pack(Process& process, Move& move, Envelope& envelope);
  [[nodiscard]] EncodedTerm caller_of(Process& process, Move& move, CallEnvelope& call);
  void undo_capture(Move& move);

  // becoming_stub.cpp
  void drop_what_moved(Process& process, const Move& move);

  RuntimeCore& core_;
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Move>> moves_;
};

}  // namespace brood::process
