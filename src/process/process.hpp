// Process: one serial worker: its mailbox, its behaviour, and whom it is related to.
//
// Thread rule: `inbox`, the atomics and the constants are for every thread; the rest belongs to the thread
// that runs the process's turn. A Process is alive until the table and every ProcessPtr let go of it; that it
// has ended shows in its inbox being closed.
// Invariant: it is in the run queue or on a thread exactly while its inbox is not idle (or it is parked at
// the fence).
//
// There may be hundreds of thousands: what few processes have is in Relations, made when first needed.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <map>
#include <memory>
#include <vector>

#include "process/envelope.hpp"
#include "process/relations/aliases.hpp"
#include "process/relations/monitored.hpp"
#include "process/runtime.hpp"
#include "process/table/identity.hpp"

namespace brood::process {

class Lasting;
class RuntimeCore;
struct SendTimer;

/// A link as this side sees it. While an unlink waits for its ack the link is not there for us, and what
/// still arrives of it is ignored ("Link Protocol" of the distribution protocol).
struct LinkState {
  std::uint64_t unlink_id = 0;  ///< 0: linked.
};

/// A call that is answered later. Its end is the answer; that of a caller of another node passes it on.
struct TakenFrom {
  PendingCallPtr call;
  EncodedTerm from;  ///< The encoded {Pid, Tag} of a caller that is none of this runtime's call().
};

/// Links, monitors, timers and callers of a process that has any.
struct Relations {
  std::map<Pid, LinkState> links;               ///< By Identity::key().
  std::map<std::uint64_t, Monitored> monitors;  ///< Set by this process, by reference.
  std::map<std::uint64_t, AliasKind> aliases;   ///< Made by this process, by reference.
  std::map<std::uint64_t, LocalPid> local_watchers;
  std::map<std::pair<Pid, Ref>, Atom> remote_watchers;  ///< The name is empty for a monitor of the pid.
  std::map<std::uint64_t, boost::intrusive_ptr<SendTimer>> timers;
  std::vector<TakenFrom> taken;                 ///< Calls whose caller was taken: they end with this process.
  std::coroutine_handle<> stands_at = nullptr;  ///< See Context::suspend().
};

/// What holds the handlers of a process back while it moves; see handover/handover.hpp.
enum class Hold : std::uint8_t {
  none,
  freezing,    ///< It is to be frozen after the running handler and what must not be left behind.
  frozen,      ///< Also of a restored process that is not open yet.
  stub,        ///< Its worker is gone: its handlers forward.
  stub_waits,  ///< As that, but the way to the new process is full.
};

class Process final : public boost::intrusive_ref_counter<Process>, public Context {
 public:
  Process(RuntimeCore& core, LocalPid pid, std::unique_ptr<Behaviour> behaviour, SpawnOptions options);
  ~Process() override;

  // Context
  [[nodiscard]] Pid self() const override;
  [[nodiscard]] const WorkerIdentity& identity() const override { return identity_; }
  Result<void> send(const Address& to, Message message) override;
  Result<void> cast(const Address& to, Message message) override;
  Future<EncodedTerm> call(const Address& to, Message message, std::chrono::milliseconds timeout) override;
  TimerId send_after(std::chrono::milliseconds delay, Message message) override;
  void cancel(TimerId timer) override;
  void link(const Pid& to) override;
  void unlink(const Pid& to) override;
  Ref monitor(const Pid& to) override { return monitor(Monitored{to, {}}, std::nullopt); }
  Ref monitor(const NamedProcess& to) override;
  Ref monitor(const Pid& to, MonitorAliasUntil until) override;
  Ref monitor(const NamedProcess& to, MonitorAliasUntil until) override;
  void demonitor(const Ref& ref) override;
  Ref alias(AliasUntil until) override;
  bool unalias(const Ref& alias) override;
  void trap_exit(bool on) override { traps_exits = on; }
  void stop(ExitReason reason) override;
  [[nodiscard]] EncodedTerm take_caller() override;
  void reply(BytesView caller, EncodedTerm answer) override;
  [[nodiscard]] std::function<void(std::function<void()>)> poster() override;
  [[nodiscard]] std::function<void(EncodedTerm answer)> take_replier() override { return take_call().answer; }
  [[nodiscard]] TakenCall take_call() override;
  /// The running call is not handled here: a local caller is told that there is no such process, any other is
  /// answered with the error.
  void refuse_call(const Error& error);
  [[nodiscard]] EncodedTerm hand_over(const std::shared_ptr<brood::detail::ReplySlot>& slot) override;
  [[nodiscard]] TakenCall take_over(BytesView caller) override;
  [[nodiscard]] std::function<void()> suspend(std::coroutine_handle<> at) override;
  [[nodiscard]] bool is_ending() const override { return end_reason != nullptr; }

  [[nodiscard]] LocalPid local() const { return local_; }
  [[nodiscard]] RuntimeCore& core() const { return core_; }
  /// What it runs, where that takes longer to start and to end than one handler; else nullptr.
  [[nodiscard]] Lasting* lasting() const;
  [[nodiscard]] bool is_stub() const { return hold == Hold::stub || hold == Hold::stub_waits; }
  /// Its messages stay where they are.
  [[nodiscard]] bool rests() const { return hold == Hold::frozen || hold == Hold::stub_waits; }
  Relations& relations() {
    if (!relations_) relations_ = std::make_unique<Relations>();
    return *relations_;
  }
  /// On its own thread, between two handlers.
  void set_role(Role role, std::uint64_t epoch_clock) {
    identity_.role = role;
    identity_.epoch_clock = epoch_clock;
  }
  /// nullptr when it has none.
  [[nodiscard]] Relations* relations_if_any() { return relations_.get(); }
  /// Ends a monitor that this process set, by number; nothing when there is none.
  void end_monitor(std::uint64_t id);
  /// False: it was no alias of this process.
  bool end_alias(std::uint64_t id);
  /// The first reason counts, but `kill` overrides what has not been acted upon.
  void begin_end(ExitReason reason, bool kill);

  Inbox inbox;
  Process* next_run = nullptr;  // the run queue's
  std::atomic<std::uint64_t> queued_bytes{0};
  std::atomic<std::uint32_t> queued_messages{0};
  std::atomic<bool> has_remote_relations{false};

  bool started = false;
  bool traps_exits = false;
  bool is_killed = false;
  MessageQueue messages;
  std::unique_ptr<ExitReason> end_reason;  // set: it ends before its next handler
  CallEnvelope* current_call = nullptr;    // that the running handler serves
  std::unique_ptr<Behaviour> behaviour;
  std::function<void(const ExitReason&)> on_exit;
  std::function<void(bool)> on_stuck;  // constant
  const bool heeds_fence;
  const bool is_system;
  const bool is_quick;  // of its behaviour
  // Where there is room for them:
  Hold hold = Hold::none;   // turn
  bool has_orders = false;  // turn
  bool stands = false;    // turn: a handler of it waits at relations().stands_at, and nothing else is handled
  bool is_woken = false;  // turn: that can go on
  const bool lasts;       // its behaviour is Lasting

 private:
  Ref monitor(Monitored to, std::optional<AliasKind> alias);
  void note_taken(PendingCallPtr call, EncodedTerm from);
  PendingCallPtr take_local_caller();
  [[nodiscard]] EncodedTerm take_remote_caller();
  [[nodiscard]] TakenCall taken_call(PendingCallPtr call);

  RuntimeCore& core_;
  const LocalPid local_;
  std::unique_ptr<Relations> relations_;
  WorkerIdentity identity_;
};
using ProcessPtr = boost::intrusive_ptr<Process>;

/// A message to oneself, later.
struct SendTimer final : TimerNode {
  SendTimer(RuntimeCore& runtime, LocalPid pid, std::uint64_t number, Message m)
      : core(runtime), to(pid), id(number), message(std::move(m)) {}
  void fire() override;
  RuntimeCore& core;
  LocalPid to;
  std::uint64_t id;
  Message message;
};

}  // namespace brood::process
