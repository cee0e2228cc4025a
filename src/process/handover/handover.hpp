// Handover: moves a process to another node, or to another process of this one, with nothing lost. This is
// the process layer's half: who moves where and when is decided elsewhere.
//
//   source                                    target
//   freeze  -> capture -> (parcel) ---------> restore          no handler runs on either side
//   thaw           <- refused or failed ----- discard          before the commit: back to where it was
//   become_stub (new pid)      <- commit ->   open             after it: never back
//
// A process at the source:
//
//               freeze                 capture                become_stub
//     running ----------> freezing -----------> frozen ------------------> stub ----> ended
//        ^    <----------    |                    |
//        |      patience     |        thaw        |       an exit or `kill` ends it in every state but
//        +-------------------+--------------------+       `stub`, at once and as ever (see below)
//
// What happens to what, precisely:
// - Messages while freezing: the running handler ends. Jobs that this process's own code posted
//   (Context::poster) cannot travel; those that wait are run first, with all mail before them, so that
//   nothing changes its order. A process that has not started starts first.
// - Messages while frozen: they queue, in order, within the mailbox's limits. Nothing handles them. Before
// the
//   capture they go into the parcel; after it they wait for thaw(), which handles them behind what is in the
//   parcel, or for become_stub(), which forwards them to the new pid.
// - Jobs while frozen: one that comes before the capture makes it `busy`; one that comes after it is dropped
//   when the process becomes a stub, as it would be at the end of the process.
// - Timers: before the capture they fire into the mailbox. The capture stops them; the target's run from
//   restore() on with the time that was left, thaw() has them go on as if nothing had been.
// - Exits, of linked processes, exit/2, and of the owner (Runtime::exit), while freezing or frozen: as ever.
//   Trapped, they queue as messages. Else the process ends at the source, at once, terminate() included but
//   for `kill`; on_exit tells; what was asked of its move and is not done fails with no_such_child, what is
//   asked later too. Callers whose calls are in the parcel see that end, not noproc, because a target may
//   handle them yet: a call that may have run is not to be tried again. A move whose source ends before the
//   commit did not happen, and its target is to be discarded; one whose source ends between the commit and
//   become_stub() did, and its target is to be opened.
// - Links and monitors of the process do not move: restore() of the worker makes them anew. A down or a
//   trapped exit that was a message already moves like any. Monitors that it set are taken back when it
//   becomes a stub, downs that come after the capture are dropped.
// - Links to it and monitors on it by others stay at the stub. A linked process that ends does not end the
//   stub. exit/2 on the stub goes on to the new pid.
// - Its aliases and registered names stay with the stub, which forwards what comes by them, and end with it.
// - A call that no handler saw travels as mail. A call that a handler took for later (defer()) travels if its
//   Promise is part of the saved state: the target's worker answers with the Promise that it restores. A
//   promise that is held elsewhere, by a thread of this node, answers from here. A promise that the worker
//   held and did not save is dropped with it: its caller gets {error, {died, ...}}.
// - Answers go from the target to the source's node and from there to the caller: the caller may be connected
//   with nobody else, and an answer from the old pid's node cannot be overtaken by word of the old pid's end.
//   First answer counts. No handler runs twice: what is in the parcel is dropped at the source by
//   become_stub() unread, or kept by thaw() while the target is discarded unopened; one of both is for the
//   caller to see to.
//
// Thread rule: every function from any thread; none blocks. `done` callbacks run once each, on a scheduler
// thread or on the caller's; they must not block and may call anything here. A user's code (save, restore,
// destructors) runs on scheduler threads only, as a handler does.
#pragma once

#include <brood/exit_reason.hpp>
#include <brood/result.hpp>
#include <brood/worker.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "process/handover/follow_gate.hpp"
#include "process/handover/parcel.hpp"
#include "process/runtime.hpp"

namespace brood::process {

class RuntimeCore;

struct CaptureOptions {
  NodeName target = {};                      ///< Told to a worker that has prepare_handover(target).
  std::size_t bytes_max = 64 * 1024 * 1024;  ///< Of state, mail and timers; beyond: limit_exceeded.
  std::size_t mail_max = 100'000;            ///< Messages; beyond: limit_exceeded.
};

struct StubOptions {
  /// So long the stub stays at least, for senders that do not know of the move yet. Zero: until nothing
  /// waits.
  std::chrono::milliseconds keep_at_least{0};
  /// So long it waits for answers, at most; then the calls that are still open end as with any end of a
  /// process. Callers with a time-out end it sooner. Zero: for ever.
  std::chrono::milliseconds keep_at_most{std::chrono::minutes(10)};
  /// Called once, when the stub has ended, in place of the process's on_exit.
  std::function<void()> on_end = nullptr;
};

/// A cheap value; see Runtime::handover(). It must not outlive the runtime.
class Handover {
 public:
  explicit Handover(std::shared_ptr<RuntimeCore> core) : core_(std::move(core)) {}

  using Done = std::function<void(Result<void>)>;
  using Captured = std::function<void(Result<Parcel>)>;
  using Restored = std::function<void(Result<Pid>)>;
  using Saved = std::function<void(Result<SavedState>)>;

  // At the source.

  /// Lets the running handler finish; then the process runs no more handlers. `timeout`: it was not done
  /// within `patience`, and the process goes on as before. `no_such_child`: it has ended, or ended meanwhile.
  /// `busy`: somebody freezes it already.
  void freeze(const Pid& pid, std::chrono::milliseconds patience, Done done);
  /// Of a frozen process; it stays frozen whatever comes of it. Runs the worker's prepare_handover() or
  /// save(). O(mail). `limit_exceeded`, in words; `busy`: a job of its own waits (see above), freeze it again
  /// after thaw(); `start_failed`: saving threw; `invalid_argument`: it is not frozen, or captured already.
  void capture(const Pid& pid, CaptureOptions options, Captured done);
  /// Takes freeze() and capture() back: everything goes on in order. Harmless for a process that runs.
  void thaw(const Pid& pid, Done done = nullptr);
  /// After the commit, of a captured process: the worker is destroyed (no terminate(): it has not ended), and
  /// the pid stays as a stub that forwards to `new_pid`, a process of this node or another. `done` runs when
  /// the worker is no more. The process's on_exit is not called.
  ///
  /// The stub ends when every call through it is answered or given up: links see `normal`, monitors
  /// {shutdown, {moved, NewPid}}. Where the new process moves on, the stub follows. Where it ends, or its
  /// node is lost, the callers that are open see that end, and the stub ends. Runtime::exit() ends it at
  /// once.
  void become_stub(const Pid& pid, const Pid& new_pid, StubOptions options, Done done = nullptr);

  // At the target.

  /// Makes a process that holds what the parcel holds and runs no handler until open(): its worker is
  /// started, then takes the state over (alter_handover() or restore()); timers that its constructor set are
  /// replaced by the parcel's. `done` in place of options.on_started: the pid, or why not (the start's or
  /// restore()'s error, in its words; an exception is start_failed); then the process has ended and on_exit
  /// is not called. A parcel without state starts the worker anew and delivers the mail.
  void restore(std::unique_ptr<Behaviour> behaviour, SpawnOptions options, Parcel parcel, Restored done);
  /// Handlers run from here on. Harmless for one that is open.
  void open(const Pid& pid, Done done = nullptr);
  /// Ends a restored process that was not opened: no terminate(), no on_exit, no answer to anybody; its
  /// destructor runs. `invalid_argument`: it was opened.
  void discard(const Pid& pid, Done done = nullptr);

  // Without mail: cold swap.

  /// As Runtime::exit(), and the state as it is after the last handler comes back: save() runs before
  /// terminate(). `has_state()` is false where the worker has none. The error no_such_child: it had ended, or
  /// was killed before; the process has ended then, or does so without its state.
  void end_with_state(const Pid& pid, ExitReason reason, Saved done);
  /// As Runtime::spawn(), and the worker's restore() takes `saved` over before its first message; its
  /// refusal is the start's error. A `saved` without state starts it anew.
  Pid start(std::unique_ptr<Behaviour> behaviour, SpawnOptions options, SavedState saved);
  /// The state of a running process, between two handlers. For standby copies.
  void save(const Pid& pid, Saved done);
  /// Puts a gate around a worker that is not spawned yet, and has a state: see follow_gate.hpp.
  [[nodiscard]] std::shared_ptr<FollowGate> follow(std::unique_ptr<Behaviour>& behaviour,
                                                   FollowOptions options);

 private:
  std::shared_ptr<RuntimeCore> core_;
};

}  // namespace brood::process
