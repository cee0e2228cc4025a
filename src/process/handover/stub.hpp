// Stub: what a process that has moved runs in place of its worker. It forwards what still comes, in order,
// and goes when every call through it is answered or given up.
//
//   caller ---- call ----> stub ---- call ----> new process
//          <--- answer --- node <--- answer ---
//
// A forwarded call names this node as its caller (a relay, see RuntimeCore::open_relay), so the answer comes
// back here and goes on as the stub's: a caller that watches the old pid sees the answer before its end.
//
// Everything is forwarded as messages of the stub, so that one stub's messages stay in order. Where the way
// is full the stub keeps one message and its mailbox the rest, until it is free.
//
// Thread rule: all of it belongs to the thread that runs the process's turn.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "process/handover/handover.hpp"
#include "process/handover/move.hpp"

namespace brood::process {

class Stub final : public Behaviour {
 public:
  Stub(RuntimeCore& core, Process& process, Pid target, StubOptions options);

  // Behaviour: what comes is forwarded.
  Result<void> start(Context&) override { return {}; }
  Result<EncodedTerm> call(Message message) override;
  void cast(Message message) override;
  void info(Message message) override;
  void down(const Down&) override {}
  void terminate(const ExitReason&) override {}

  enum class Tracked : std::uint8_t {
    unseen,         ///< No handler saw it: the new process's to handle.
    taken,          ///< A handler took it for later: the new process's to answer.
    answered_here,  ///< As that, but somebody of this node will answer.
  };
  /// A call to wait for.
  void track(const TakenFrom& call, Tracked what);
  /// Begins to watch the new process and the clock.
  void begin();
  void exit(const ExitReason& reason);
  void caller_left(const Watcher& watcher);
  void target_ended(const Pid& which, const ExitReason& reason);
  /// Ends the process if nothing waits.
  void look();
  /// The way may be free again.
  void retry();
  /// At the end: forwards what came last, where nobody needs the stub for the answer. False: it is not that.
  bool forward_last(Envelope& envelope);
  /// At the end: what is still open has no way back any more.
  void close();

  /// {shutdown, {moved, NewPid}}
  [[nodiscard]] ExitReason end_reason() const;
  [[nodiscard]] std::function<void()> take_on_end() { return std::move(options_.on_end); }

 private:
  using Clock = std::chrono::steady_clock;
  /// By whom it watches, as it says when it takes that back.
  using CallerKey = std::pair<Pid, Ref>;
  struct Blocked {
    EncodedTerm term;
    PendingCallPtr call;
  };

  void watch();
  void aim(PendingCall& call);
  void pass(EncodedTerm term, PendingCallPtr call);
  void forward_call(const PendingCallPtr& caller, BytesView message);
  void arm(TimerPtr& timer, std::chrono::milliseconds delay, void (Stub::*then)());
  [[nodiscard]] bool is_open();

  RuntimeCore& core_;
  Process& process_;
  Pid target_;
  StubOptions options_;
  const Clock::time_point since_ = Clock::now();
  std::optional<Ref> watch_;
  bool target_is_gone_ = false;
  std::optional<Blocked> blocked_;
  std::map<CallerKey, PendingCallPtr> watched_calls_;  ///< Their callers tell when they are over.
  std::vector<PendingCallPtr> local_calls_;            ///< Of this node, and of other stubs.
  TimerPtr look_timer_;
  TimerPtr retry_timer_;
  std::chrono::milliseconds look_again_{0};
};

/// The new pid in the end of a process that has moved.
[[nodiscard]] std::optional<Pid> moved_to(const ExitReason& reason);

}  // namespace brood::process
