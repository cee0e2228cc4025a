// Runtime: the processes of one node, and the threads that run them.
//
// A process is a Behaviour with a mailbox; the runtime runs at most one of its handlers at a time, on a
// scheduler thread. Handlers may block: a handler that runs longer than `stuck_after` is reported as stuck
// and its scheduler thread is replaced (up to `replacements_max`).
//
// Thread rule: every function may be called from any thread, unless it says otherwise. Callbacks run on a
// scheduler thread or on the thread that caused them, must not block, and may call the runtime.
#pragma once

#include <brood/exit_reason.hpp>
#include <brood/term.hpp>
#include <brood/worker.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "process/remote.hpp"

namespace brood::process {

struct RuntimeOptions {
  unsigned threads = 0;                               ///< Scheduler threads; 0: one per core, at least 2.
  std::chrono::milliseconds stuck_after{5000};        ///< A handler that runs longer is shown as stuck.
  unsigned replacements_max = 256;                    ///< Threads added for stuck and blocking handlers.
  std::size_t mailbox_messages_max = 1'000'000;       ///< Per process; beyond: mailbox_full.
  std::size_t mailbox_bytes_max = 256 * 1024 * 1024;  ///< Encoded bytes per process; beyond: mailbox_full.
};

/// The process part of a pid of this node: enough to find it here.
struct LocalPid {
  std::uint32_t id = 0;
  std::uint32_t serial = 0;
  friend auto operator<=>(const LocalPid&, const LocalPid&) = default;
};

struct SpawnOptions {
  WorkerIdentity identity = {};  ///< Shown to the worker through its Context.
  /// Called once, before anything of it runs. Not where there is no room for it.
  std::function<void(const Pid&)> on_reserved = nullptr;
  /// Called once: the worker's start ended well, or with the exit reason. After a failed start on_exit is not
  /// called. `stopped`: an exit came before the start began.
  std::function<void(const Result<void>&)> on_started = nullptr;
  /// Called once, after on_started, when the process has ended and nothing of it runs any more.
  std::function<void(const ExitReason&)> on_exit = nullptr;
  /// The handler runs longer than stuck_after (true); it returned after all (false).
  std::function<void(bool)> on_stuck = nullptr;
  /// false: its handlers do nothing that could contradict another instance of it, and go on while the node is
  /// fenced.
  bool heeds_fence = true;
  /// Runs for the node itself: no exit signal ends it, `kill` neither, and no end of a process that linked to
  /// it; only Runtime::exit(), an exception of its own and the runtime's stop do.
  bool is_system = false;
};

/// A message that arrived at a name that is served by a function, not by a process.
struct Incoming {
  Pid from;          ///< The sender.
  EncodedTerm term;  ///< Encoded, with version byte.
};

/// How a call ended. `Errc::died` with the reason in `detail`, `no_such_child` when there was no process,
/// `node_lost`, `timeout`, `mailbox_full`, `deadlock`, `busy` (the other node takes less than it is sent).
using CallResult = Result<EncodedTerm>;
using CallDone = std::function<void(CallResult)>;

/// Counters since the start, and what is there now.
struct RuntimeStats {
  std::size_t processes = 0;
  std::uint64_t delivered = 0;  ///< Messages put into mailboxes.
  std::uint64_t dropped = 0;    ///< Messages to nobody: unknown process or name, full mailbox, no network.
  std::uint64_t callbacks_failed = 0;  ///< Callbacks, and work of service threads, that threw.
  std::uint64_t malformed = 0;         ///< Messages that were no term or a broken '$gen_call'.
  unsigned stuck = 0;                  ///< Handlers that run longer than stuck_after now.
  unsigned threads = 0;                ///< Scheduler threads, blocked and spare ones too.
  std::size_t waiting = 0;             ///< Processes that wait for a thread, about.
};

/// What a process's wait for another one leads to.
enum class WaitBegun : std::uint8_t {
  circle,  ///< That one waits, directly or through others, for the first; nothing is noted.
  here,    ///< Whoever is waited for, directly or through others, is of this node.
  away,    ///< Somebody is of another node.
};

/// A part of a chain of processes that wait in their handlers, each for the next.
struct WaitTrail {
  std::vector<std::uint64_t> waits;  ///< A number for each wait that is passed; no two waits have the same.
  std::optional<Pid> next =
      std::nullopt;  ///< Of another node, for which the last one waits; else it waits for none.
};

class Handover;
class Poller;
class RuntimeCore;

class Runtime final : public RemoteEvents {
 public:
  Runtime(NodeName name, std::uint32_t creation, RuntimeOptions options);
  ~Runtime() override;  ///< stop(), then joins its threads (stuck ones are left behind, see stop()).
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Ends every process with `shutdown`, waits at most `patience`. Returns how many handlers are still stuck
  /// then; their threads are detached.
  std::size_t stop(std::chrono::milliseconds patience);

  /// What the runtime's threads do when they have no work; before the network is connected.
  void set_poller(std::shared_ptr<Poller> poller);
  /// Wakes a thread without work, to poll; false when all have some.
  bool wake_to_poll();

  /// Where what leaves this node goes; must outlive the runtime or be reset. Set before anything is sent.
  void set_remote(Remote* remote);
  /// A runtime without a network gets the name under which others will reach it; once, before set_remote().
  /// Pids and references of before stay good on this node, but those told of from now on have the new name:
  /// compare processes by what they are asked for, not by pids from both times.
  void rename(NodeName name, std::uint32_t creation);
  [[nodiscard]] const NodeName& name() const;
  [[nodiscard]] std::uint32_t creation() const;
  /// This node's name, that of before too.
  [[nodiscard]] bool is_here(const NodeName& node) const;

  /// While it is there, a call by this thread of an idle process whose worker is quick runs that process on
  /// this thread (Scheduler::lend). The thread must hold no lock meanwhile.
  class Lending {
   public:
    Lending() noexcept : before_(std::exchange(is_here, true)) {}
    ~Lending() { is_here = before_; }
    Lending(const Lending&) = delete;
    Lending& operator=(const Lending&) = delete;
    [[nodiscard]] static bool here() noexcept { return is_here; }

   private:
    static inline thread_local bool is_here = false;
    const bool before_;
  };

  /// Starts a process; returns at once, the worker's start runs on a scheduler thread.
  Pid spawn(std::unique_ptr<Behaviour> behaviour, SpawnOptions options);
  /// An exit signal as OTP's exit/2: `killed` cannot be trapped; others run terminate() when trapped or when
  /// the signal is from the supervisor. With a stuck handler it takes effect when that returns.
  /// Called here it counts as the supervisor's: it ends the process whatever it traps, before its next
  /// message, and terminate() runs unless the reason is `killed`. While the node is fenced only `killed`
  /// acts.
  void exit(const Pid& to, ExitReason reason);
  struct RoleChange {
    Role role = Role::active;
    std::uint64_t epoch_clock = 0;
    bool is_told = true;  ///< false: only its Context knows.
    /// Called once its worker has been told and has returned; not at all when it ends before.
    std::function<void()> done = nullptr;
    /// Called before it is told, as a part of the same handler: what it throws ends the process.
    std::function<void()> before = nullptr;
  };
  /// A process is another to its child from now on: behind all that it has been sent, and not counted as a
  /// message.
  void set_role(const Pid& to, RoleChange change);
  [[nodiscard]] bool is_alive(const Pid& pid) const;
  [[nodiscard]] std::size_t process_count() const;

  /// Names of this node. Taken: already_exists.
  Result<void> register_name(const Atom& name, const Pid& pid);
  /// A function that takes what is sent to a name. It answers monitors as a process that lives for ever.
  Result<void> register_sink(const Atom& name, std::function<void(Incoming)> sink);
  void unregister_name(const Atom& name);
  [[nodiscard]] std::optional<Pid> whereis(const Atom& name) const;

  /// A message to any pid or name of the cluster. Local typed messages are not encoded. `busy`: the other
  /// node takes less than it is sent; nothing was sent, try again later. A message to a name that nobody has
  /// is dropped and counted.
  Result<void> send(const Address& to, Message message);
  Result<void> cast(const Address& to, Message message);
  Result<void> send_named(const NamedProcess& to, EncodedTerm term);
  /// gen_server:call. `done` runs exactly once. A call to a process of this node, or of another.
  void call(const Address& to, Message message, std::chrono::milliseconds timeout, CallDone done);
  void call_named(const NamedProcess& to, EncodedTerm request, std::chrono::milliseconds timeout,
                  CallDone done);
  /// As call, without a callback. Where a handler waits for it a circle of such waits is `deadlock`.
  [[nodiscard]] Future<EncodedTerm> ask(const Address& to, Message message,
                                        std::chrono::milliseconds timeout);
  /// ask(), and its answer.
  CallResult call_and_wait(const Address& to, Message message, std::chrono::milliseconds timeout) {
    return ask(to, std::move(message), timeout).get();
  }

  /// Moves processes to other nodes; see handover/handover.hpp.
  [[nodiscard]] Handover handover() const;

  /// The process whose handler the calling thread runs; nullopt when it runs none.
  [[nodiscard]] static std::optional<Pid> running();
  /// Runs `wait`, which waits for something, with a compensating thread when the calling thread runs a
  /// handler.
  static void block(const std::function<void()>& wait);
  /// `caller`, a process of any node, waits in its handler for `callee`, of any node too, until end_wait() or
  /// until it begins to wait for somebody else. Circles through other nodes are found by following them.
  [[nodiscard]] WaitBegun begin_wait(const Pid& caller, const Pid& callee);
  void end_wait(const Pid& caller, const Pid& callee);
  /// For whom `from`, a process of this node, waits, and that one in turn, as far as they are of this node.
  [[nodiscard]] WaitTrail follow_waits(const Pid& from) const;

  /// Answers a `'$gen_call'` whose {Pid, Tag} was `from` (encoded term, with version byte).
  void reply(BytesView from, EncodedTerm answer);

  /// Monitors any pid from outside a process; `down` runs once with the reason unless demonitored.
  Ref monitor(const Pid& to, std::function<void(const ExitReason&)> down);
  Ref monitor_named(const NamedProcess& to, std::function<void(const ExitReason&)> down);
  void demonitor(const Ref& ref);

  /// While fenced no handler begins (a running one is not stopped). A heartbeat older than `limit` (by the
  /// coarse monotonic clock, checked before each handler) fences as well, so that a process that slept does
  /// not run a handler before anybody looked at the clock.
  void set_fence_limit(std::chrono::milliseconds limit);
  void beat();
  void set_fenced(bool fenced);

  /// Identity of the child whose handler or start the calling thread runs; nullptr when none. Safe in a
  /// signal handler.
  [[nodiscard]] static const WorkerIdentity* running_on_this_thread() noexcept;

  // RemoteEvents: what the node layer tells.
  void on_send(const Pid& from, const Pid& to, EncodedTerm term) override;
  void on_send_named(const Pid& from, const Atom& to, EncodedTerm term) override;
  void on_send_alias(const Pid& from, const Ref& alias, EncodedTerm term) override;
  void on_link(const Pid& from, const Pid& to) override;
  void on_unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) override;
  void on_unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) override;
  void on_exit(const Pid& from, const Pid& to, EncodedTerm reason) override;
  void on_exit2(const Pid& from, const Pid& to, EncodedTerm reason) override;
  void on_monitor(const Pid& watcher, const Pid& watched, const Ref& ref) override;
  void on_monitor_named(const Pid& watcher, const Atom& watched, const Ref& ref) override;
  void on_demonitor(const Pid& watcher, const Ref& ref) override;
  void on_monitor_exit(const Pid& watcher, const Ref& ref, EncodedTerm reason) override;
  void on_node_down(const NodeName& node) override;

  /// A connection to that node stands. Tells calls that end with noconnection apart: node_lost when there
  /// was a connection (or anything came from there), unreachable when there was none.
  void on_node_up(const NodeName& node) override;

  [[nodiscard]] RuntimeStats stats() const;

 private:
  std::shared_ptr<RuntimeCore> core_;  // shared with its threads, of which stuck ones may live longer
};

}  // namespace brood::process
