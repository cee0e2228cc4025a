// RuntimeCore: what a Runtime consists of. Its functions stand in files by concern:
//   delivery.cpp  getting messages and signals into mailboxes     turn.cpp   a process's turn
//   calls.cpp     calls and replies                               ending.cpp the end of a process
//   relations.cpp links and monitors                              remote_events.cpp  what the network tells
// Moves of processes to other nodes have a part of their own, MoveDesk.
//
// Thread rule: every function from any thread, unless it says "turn": then from the thread that runs the
// process's turn.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "process/callback.hpp"
#include "process/calls/call_desk.hpp"
#include "process/calls/wait_graph.hpp"
#include "process/handover/move_desk.hpp"
#include "process/process.hpp"
#include "process/relations/aliases.hpp"
#include "process/remote_gate.hpp"
#include "process/sched/fence.hpp"
#include "process/sched/scheduler.hpp"
#include "process/sched/timer_wheel.hpp"
#include "process/table/names.hpp"
#include "process/table/table.hpp"

namespace brood::process {

/// Which process (or sink) a watcher of another node watches: a demonitor names only the watcher.
class RemoteWatches {
 public:
  using Key = std::pair<Pid, Ref>;
  using Target = std::variant<LocalPid, Atom>;
  void add(Key key, Target target);
  /// What it watched; nullopt when it is unknown. Who takes an entry out is who answers or ends the monitor.
  std::optional<Target> take(const Key& key);
  [[nodiscard]] std::vector<std::pair<Key, Target>> take_node(const NodeName& node);

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  std::mutex mutex_;
  std::unordered_map<Key, Target, Hash> targets_;
};

class RuntimeCore : public std::enable_shared_from_this<RuntimeCore> {
 public:
  RuntimeCore(NodeName name, std::uint32_t creation, RuntimeOptions options);

  // runtime.cpp
  std::size_t stop(std::chrono::milliseconds patience);
  [[nodiscard]] RuntimeStats stats() const;

  // delivery.cpp
  Pid spawn(std::unique_ptr<Behaviour> behaviour, SpawnOptions options,
            std::shared_ptr<Restoration> restoration = nullptr);
  [[nodiscard]] ProcessPtr find(const Pid& pid) const;
  [[nodiscard]] bool is_alive(const Pid& pid) const;
  /// Puts an envelope into a mailbox; a message counts towards its limits. On an error it stays the caller's.
  /// `lends`: a quick process that it wakes may run on the calling thread, which holds no lock.
  Result<void> deliver(Process& process, std::unique_ptr<Envelope>& envelope, bool lends = false);
  /// False: there is no such process.
  bool signal(LocalPid to, std::unique_ptr<Envelope> envelope);
  bool signal(Process& to, std::unique_ptr<Envelope> envelope);
  Result<void> send(const Pid& from, const Pid& to, Message message);
  Result<void> cast(const Pid& from, const Pid& to, Message message);
  Result<void> send(const Pid& from, const Address& to, Message message);
  Result<void> cast(const Pid& from, const Address& to, Message message);
  Result<void> send_named(const Pid& from, const NamedProcess& to, EncodedTerm term);
  /// A message from anywhere for a process or name of this node. Whatever is wrong is counted.
  Result<void> receive(const Pid& from, const Pid& to, EncodedTerm term);
  Result<void> receive_named(const Pid& from, const Atom& to, EncodedTerm term);
  Result<void> receive(Process& process, EncodedTerm term);
  Result<void> receive_alias(const Pid& from, const Ref& alias, EncodedTerm term);
  /// Delivers to whoever made the alias; on an error the envelope stays the caller's.
  Result<void> deliver_alias(std::uint64_t alias, std::unique_ptr<Envelope>& message);
  void open_fence();

  // calls.cpp
  void call(const Pid& to, Message message, const PendingCallPtr& pending);
  void call_named(const NamedProcess& to, EncodedTerm request, const PendingCallPtr& pending);
  void call(const Address& to, Message message, const PendingCallPtr& pending);
  [[nodiscard]] Future<EncodedTerm> ask(const Address& to, Message message,
                                        std::chrono::milliseconds timeout);
  /// Who is meant, where that is a process of this node.
  [[nodiscard]] std::optional<LocalPid> local_callee(const Address& to);
  /// `self`: the process that answers.
  void reply(BytesView from, EncodedTerm answer, LocalPid self = outside);
  /// As above, of a call that nobody took for later.
  void reply(const GenFrom& caller, EncodedTerm answer, LocalPid self, bool more_follows = false);
  /// A call of this node in place of one of another caller, {Pid, Tag}: what ends it is passed on, the answer
  /// as from `self`. Whoever watches `self` for it is told of an end.
  [[nodiscard]] PendingCallPtr open_relay(EncodedTerm from, LocalPid self);
  /// The {Pid, Tag} by which any node can answer a call of ours; empty when it is over.
  [[nodiscard]] EncodedTerm address_of(PendingCall& call);
  /// Nobody will answer: told to a caller whose call carries its watch.
  void tell_end_of_call(BytesView from, const Pid& callee, const ExitReason& reason);
  /// Turn: `process` will answer later; its end is the end of such a call.
  void keep_watch(Process& process, BytesView from);
  /// {Tag, Answer} for a call of ours, from node `by`.
  void take_answer(BytesView term, const NodeName& by);
  /// As above, where the alias it came by says which.
  void take_answer(std::uint64_t id, EncodedTerm term, const NodeName& by);

  // relations.cpp
  void exit(const Pid& from, const Pid& to, ExitReason reason, ExitEnvelope::Source source);
  void notify_down(const Watcher& watcher, const Pid& watched, const ExitReason& reason);
  void apply(Process& process, Envelope& signal);  // turn
  /// Turn: the monitor has fired or was given up, and with it its alias, if it has one that does not outlive
  /// it.
  void monitor_is_over(Process& process, std::uint64_t id);
  /// `process` has links or monitors to other nodes: it is told when one is lost.
  void note_remote_relation(Process& process);
  void forget_remote_relation(Process& process);
  [[nodiscard]] std::vector<LocalPid> remotely_related();
  /// A name of this node with the process that has it now.
  [[nodiscard]] Monitored resolve(const NamedProcess& to) const;
  /// Asks for a monitor; nullopt when it stands or is under way, else the reason with which it ends at once.
  std::optional<ExitReason> begin_monitor(LocalPid watcher, std::uint64_t id, const Monitored& to);
  void end_monitor(LocalPid watcher, std::uint64_t id, const Monitored& to);
  /// What a watcher of another node watched was taken out of remote_watches.
  void end_watch(RemoteWatches::Key key, const RemoteWatches::Target& target);
  Ref monitor(const Monitored& to, CallDesk::DownFunction down);
  void demonitor(const Ref& ref);

  // turn.cpp
  /// A turn whose own work throws, for lack of memory, ends its process and not the program.
  void run_safely(Process& process);
  void run_turn(Process& process);

  /// A process of this node is another to its child from now on; see Runtime::set_role().
  void set_role(const Pid& to, Runtime::RoleChange change);

  // ending.cpp
  void end(Process& process);  // turn
  void start_failed(Process& process, const Error& error,
                    const std::function<void(const Result<void>&)>& on_started);  // turn

  /// How a piece of user code ended.
  struct Outcome {
    bool abandoned = false;  ///< The runtime stopped meanwhile: touch nothing of the process any more.
    std::optional<ExitReason> failure = std::nullopt;  ///< An exception left it.
  };
  /// Turn: runs `code` as a handler of `process`.
  Outcome guarded(Process& process, CodeRef code);

  Identity identity;
  RuntimeOptions options;
  RemoteGate remote;
  TimerWheel timers;
  CallDesk desk;
  Aliases aliases;
  ProcessTable table;
  Names names;
  Fence fence;
  WaitGraph waits;
  RemoteWatches remote_watches;
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<bool> stopping{false};
  MoveDesk moving{*this};
  Scheduler scheduler;  // after what its threads use

 private:
  friend class MoveDesk;

  // turn.cpp
  void take_inbox(Process& process);
  void take_message(Process& process, Envelope* message);
  using Step = process::Step;
  Step park(Process& process);
  [[nodiscard]] bool holds_back(const Process& process) const;
  Step handle(Process& process, std::unique_ptr<Envelope> envelope);
  Step resume(Process& process);
  Step handle_start(Process& process, StartEnvelope& start);
  Step conclude_start(Process& process, const Result<void>& result, Restoration* taking,
                      const std::function<void(const Result<void>&)>& on_started);
  Step handle_call(Process& process, CallEnvelope& call);
  Step conclude(Process& process, const Outcome& outcome);
  void count_out(Process& process, const Envelope& envelope);

  // delivery.cpp
  [[nodiscard]] Result<std::unique_ptr<Envelope>> read_message(EncodedTerm term);
  void refuse(const Envelope& message, const Pid& callee, const Error& error);

  // calls.cpp
  void call_remote(Address to, EncodedTerm request, const PendingCallPtr& pending);
  void end_kept_watch(const GenFrom& caller);
  void relay(const EncodedTerm& from, LocalPid self, CallResult result);

  // relations.cpp
  void apply_exit(Process& process, const ExitEnvelope& exit);
  void apply_node_down(Process& process, const NodeName& node);
  void apply_aliased(Process& process, AliasedEnvelope& aliased);
  void exit_trapped(Process& process, const Pid& from, const ExitReason& reason);

  // ending.cpp
  Step begin_end(Process& process, bool held);
  [[nodiscard]] bool is_to_end(const Process& process, bool held) const;
  void end_relations(Process& process, const ExitReason& reason, const ExitReason& to_links);
  void dispose(Process& process, std::unique_ptr<Envelope> envelope);
  void leave_table(Process& process);

  std::mutex related_mutex_;
  std::set<LocalPid> related_;
  std::mutex stop_mutex_;
  std::condition_variable process_ended_;
  bool is_stopped_ = false;
  std::size_t left_stuck_ = 0;
};

/// The identity of the child whose code this thread runs; set by guarded().
/// Set at compile time, so that a signal handler may read it.
extern constinit thread_local const WorkerIdentity* running_identity;

}  // namespace brood::process
