// Hooks: functions of a program's own that are told what becomes of a supervisor's children and members, or
// that change what is started. One type of record for each key; which key is told where, and when, is in
// docs/guide/hooks.md.
//
// Handlers are registered by SupervisorOptions::hooks, or by Supervisor::hooks() at any time. Each has an id,
// which is its own among the handlers of its key, and a priority: greater first, equal ones in the order in
// which they were registered. They run one after the other, on a thread that the node has for them: a slow
// one holds up those behind it and nobody else. What one throws is logged and counted, and the next runs.
// What waits for them is bounded (HookLimits); what does not fit is dropped and counted.
//
// Thread rule: every function from any thread. Handlers may call everything of the supervisor but its
// destructor; what waits in them holds up other handlers only.
#pragma once

#include <brood/id.hpp>
#include <brood/node_name.hpp>
#include <brood/result.hpp>
#include <brood/scoreboard.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

namespace hooks {

/// What is told of a child.
struct ChildData {
  Id id;
  std::string worker;           ///< "exec" for an ordinary program.
  Term args;                    ///< A list of arguments, or a program's map, as in a request.
  Term metadata;                ///< A map; its `tag` is the child's.
  std::vector<NodeName> nodes;  ///< Where it runs, or is to run.
};

/// A member is up: this node has learned it, and decides nothing until all others have.
struct PreClusterJoin {
  static constexpr std::string_view key = "pre_cluster_join";
  NodeName node;
};
/// All members know that it is up; children go to it from now on.
struct PostClusterJoin {
  static constexpr std::string_view key = "post_cluster_join";
  NodeName node;
};
/// A member drains, has left or was lost, as this node has just learned.
struct PreClusterLeave {
  static constexpr std::string_view key = "pre_cluster_leave";
  NodeName node;
};
/// It is gone, and what is to run elsewhere does, or is being started.
struct PostClusterLeave {
  static constexpr std::string_view key = "post_cluster_leave";
  NodeName node;
  std::vector<Id> lost;  ///< The children that were lost with it.
};
/// Processes of a child are known to this node that were not.
struct RegistryPidInsert {
  static constexpr std::string_view key = "registry_pid_insert";
  Id id;
  std::vector<std::pair<NodeName, Pid>> pids;
};
/// A child runs no longer on these nodes.
struct RegistryPidRemove {
  static constexpr std::string_view key = "registry_pid_remove";
  Id id;
  std::vector<NodeName> nodes;
};
/// These children have left this node for another one.
struct ChildrenMigrated {
  static constexpr std::string_view key = "children_migrated";
  NodeName to;
  std::vector<ChildData> children;
};
/// Starts that this node was asked for go to the node that decides of them now.
struct ForwardedMigration {
  static constexpr std::string_view key = "forwarded_migration";
  NodeName to;
  std::vector<ChildData> children;
};
/// This node decides nothing for now (`locked`, 10): the members are another, or this part of the cluster may
/// not run children. Or it decides again (0).
struct PriorityStateUpdated {
  static constexpr std::string_view key = "priority_state_updated";
  int priority = 0;
  bool locked = false;
};
/// Children go to a node that came (`up`), or away from one that went.
struct PreNodesRedistribution {
  static constexpr std::string_view key = "pre_nodes_redistribution";
  NodeName node;
  bool up = false;
};
/// None of this node's is on its way any more for that.
struct PostNodesRedistribution {
  static constexpr std::string_view key = "post_nodes_redistribution";
  NodeName node;
  bool up = false;
};
/// This node is about to start these.
struct PreChildrenStart {
  static constexpr std::string_view key = "pre_children_start";
  std::vector<ChildData> children;
};
struct StartResult {
  ChildData child;
  bool ok = false;
  std::string error;       ///< Why it did not start.
  std::optional<Pid> pid;  ///< None: it did not start.
};
/// They were started, or not, on this node; the registry does not know it yet.
struct PostChildrenStart {
  static constexpr std::string_view key = "post_children_start";
  std::vector<StartResult> children;
};
struct MovingChild {
  Id id;
  NodeName to;             ///< Where it is to run.
  std::optional<Pid> pid;  ///< Its process on this node, if it leaves this node.
};
/// Because of that node these leave this node (`up`), or are started here (not `up`). In portions.
struct PreChildrenRedistribution {
  static constexpr std::string_view key = "pre_children_redistribution";
  NodeName node;
  bool up = false;
  std::vector<MovingChild> children;
};
/// The supervisor ends on this node.
struct CoordinatorShutdown {
  static constexpr std::string_view key = "coordinator_shutdown";
  std::string reason;  ///< "shutdown".
};
/// They were started, or not, on this node, and a look-up on it shows it.
struct ProcessStartups {
  static constexpr std::string_view key = "process_startups";
  std::vector<StartResult> children;
};
/// A child has another process on the node on which it ran: it was restarted.
struct ChildProcessPidUpdate {
  static constexpr std::string_view key = "child_process_pid_update";
  Id id;
  NodeName node;
  Pid before;
  Pid after;
};
/// With the distribution `load_balancer`, on its leader: a node has told its load, and counts for another one
/// than before. Not told where that changes nothing.
struct ScoreboardUpdated {
  static constexpr std::string_view key = "scoreboard_updated";
  Scoreboard before;  ///< A node is on it from its first view on, so it may be empty.
  NodeName node;
  NodeScore now;  ///< Of that node.
};
/// Of a key of the program's own; see Hooks::emit().
struct OwnEvent {
  std::string key;
  Term data;
};

/// What a child is started with on this node, this time: `worker` and `args` may be changed, or for a program
/// the command. What the cluster knows of the child stays as it is.
struct StartData {
  static constexpr std::string_view key = "child_data_alter";
  const std::string supervisor;
  const Id id;
  const Term metadata;
  const bool restart;  ///< It ran on this node before.
  std::string worker;
  Term args;
};

}  // namespace hooks

using HookEvent =
    std::variant<hooks::PreClusterJoin, hooks::PostClusterJoin, hooks::PreClusterLeave,
                 hooks::PostClusterLeave, hooks::RegistryPidInsert, hooks::RegistryPidRemove,
                 hooks::ChildrenMigrated, hooks::ForwardedMigration, hooks::PriorityStateUpdated,
                 hooks::PreNodesRedistribution, hooks::PostNodesRedistribution, hooks::PreChildrenStart,
                 hooks::PostChildrenStart, hooks::PreChildrenRedistribution, hooks::CoordinatorShutdown,
                 hooks::ProcessStartups, hooks::ChildProcessPidUpdate, hooks::ScoreboardUpdated,
                 hooks::OwnEvent>;

/// A handler, by the key that it is for. Made by on(), on_own() and on_start().
struct Hook {
  std::string id;
  std::string key;
  int priority = 0;
  std::function<void(const HookEvent&)> handler = {};
  std::function<void(hooks::StartData&)> alter = {};
  bool is_own = false;  ///< Made by on_own(): the handler takes events of the program's own.
};

/// on<hooks::PreClusterJoin>("mine", [](const hooks::PreClusterJoin& event) { ... })
template <typename Event>
[[nodiscard]] Hook on(std::string id, std::function<void(const Event&)> handler, int priority = 0) {
  return {std::move(id),
          std::string(Event::key),
          priority,
          [handler = std::move(handler)](const HookEvent& event) { handler(std::get<Event>(event)); },
          {}};
}
/// For a key of the program's own; Hooks::add() refuses one that is brood's.
[[nodiscard]] inline Hook on_own(std::string key, std::string id, std::function<void(const Term&)> handler,
                                 int priority = 0) {
  return {std::move(id),
          std::move(key),
          priority,
          [handler = std::move(handler)](const HookEvent& event) {
            handler(std::get<hooks::OwnEvent>(event).data);
          },
          {},
          true};
}
/// Changes what children are started with on this node. It runs before each start, on a thread of its own
/// kind; a start waits for it, HookLimits::alter_timeout at most, and then goes on with what the child's spec
/// says. What it throws changes nothing.
[[nodiscard]] inline Hook on_start(std::string id, std::function<void(hooks::StartData&)> alter,
                                   int priority = 0) {
  return {std::move(id), std::string(hooks::StartData::key), priority, {}, std::move(alter)};
}

struct HookLimits {
  /// Events that wait for this supervisor's handlers; what is more is dropped and counted. 0: none are told.
  /// Too small: events are lost when many things happen at once. Too large: memory, some 500 bytes for each.
  std::size_t queue_max = 10'000;
  /// How long a start waits for the handlers of on_start(). 0: not at all. Too small: children start without
  /// what those would change. Too large: a handler that hangs holds starts up as long.
  std::chrono::milliseconds alter_timeout{1000};
};

struct HookInfo {
  std::string key;
  std::string id;
  int priority = 0;
};

/// Since the supervisor began here.
struct HookCounters {
  std::uint64_t told = 0;         ///< Events whose handlers have run.
  std::uint64_t thrown = 0;       ///< Handlers that threw.
  std::uint64_t dropped = 0;      ///< Events that did not fit into the queue.
  std::uint64_t late_alters = 0;  ///< Starts that did not wait for on_start() any longer.
  std::uint64_t subscribers = 0;  ///< Erlang processes that are told now.
  std::size_t waiting = 0;        ///< Events in the queue now.
};

/// How a child of a node that left was given up there.
struct TerminatedChild {
  Id id;
  NodeName went_to;  ///< The node that runs it since; empty: it ended with the node.
};

/// Told of processes and nodes; each function does nothing unless it is overridden. They run as hooks do.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;
  /// A child has a new process on this node: it was started, restarted, or has moved here.
  virtual void on_process_start(const std::string& supervisor, const Id& id, const Pid& pid) {
    (void)supervisor, (void)id, (void)pid;
  }
  /// Its process on this node has ended, or has moved away; or it ran on a node that was lost, and belongs on
  /// this one now.
  virtual void on_process_stop(const std::string& supervisor, const Id& id, const std::vector<Pid>& pids) {
    (void)supervisor, (void)id, (void)pids;
  }
  /// All members know that it is up.
  virtual void on_node_up(const std::string& supervisor, const NodeName& node) {
    (void)supervisor, (void)node;
  }
  /// All members know that it is gone, however it went.
  virtual void on_node_down(const std::string& supervisor, const NodeName& node) {
    (void)supervisor, (void)node;
  }
  /// It has left in good order; before on_node_down(). `children`: what it gave up since it began to leave.
  virtual void on_node_terminate(const std::string& supervisor, const NodeName& node,
                                 const std::string& reason, const std::vector<TerminatedChild>& children) {
    (void)supervisor, (void)node, (void)reason, (void)children;
  }
};

struct Listening {
  std::shared_ptr<Listener> listener;
  std::string id_prefix = {};  ///< Only of children whose ids begin with it.
  /// Of a node one member is told, the same for all; true: this one in any case.
  bool every_node = false;
};

/// The hooks and listeners of a supervisor on this node. Copyable; once the supervisor has ended it refuses
/// with `stopped`, or does nothing.
class Hooks {
 public:
  /// All of them or none. Errors: already_exists (that key has such an id), invalid_argument (no id, no key
  /// or no handler; on_own() with a key of brood's), stopped.
  Result<void> add(std::vector<Hook> hooks);
  Result<void> add(Hook hook) { return add(std::vector<Hook>{std::move(hook)}); }
  /// Handlers that run are not waited for. False: there was none.
  bool cancel(const std::string& key, const std::string& id);
  /// In the order of their keys, and for each key in that in which they run.
  [[nodiscard]] std::vector<HookInfo> list() const;
  /// Tells the handlers of a key of one's own on this node, behind what waits. Errors: invalid_argument (the
  /// key is brood's), busy (the queue is full), stopped.
  Result<void> emit(const std::string& key, Term data);
  /// Returns a number for unlisten().
  std::uint64_t listen(Listening listening);
  void unlisten(std::uint64_t number);
  [[nodiscard]] HookCounters counters() const;

  struct Impl;
  explicit Hooks(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
