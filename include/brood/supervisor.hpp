// Supervisor: named children that run across the cluster, each on the node its id hashes to. One per name on
// each participating node; together they are one supervisor.
//
// Lifetime: it may outlive its Node. Once the node has ended, or the supervisor (its destructor, the request
// {stop, Name}), every function answers at once: `stopped` where it returns a Result, else nothing (an empty
// list, no pid, false; a cast is dropped).
//
// Thread rule: every function may be called from any thread; the destructor not from one of the node's own
// (a handler, a callback). Starts, stops and calls return a Future at once (brood/future.hpp). Lookups by id
// or pid and lists of children read this node's tables and do not wait; node_for, mine and nodes wait for the
// thread that decides, which takes milliseconds; the others that return a Result wait for an answer, at most
// their time-out.
//
// Inside a handler, what waits holds up that worker only: another thread takes over for it. What would never
// end, as handlers wait for each other, is `deadlock`: see brood/future.hpp.
#pragma once

#include <brood/child_ref.hpp>
#include <brood/child_spec.hpp>
#include <brood/codec.hpp>
#include <brood/future.hpp>
#include <brood/history.hpp>
#include <brood/hooks.hpp>
#include <brood/id.hpp>
#include <brood/node.hpp>
#include <brood/result.hpp>
#include <brood/results.hpp>
#include <brood/scoreboard.hpp>
#include <brood/strategies.hpp>
#include <brood/term.hpp>
#include <brood/worker.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// Whether members that come and go change by themselves who gets children.
enum class MonitorNodes : std::uint8_t {
  off,      ///< No: only add_nodes() and remove_nodes() do. See SupervisorOptions::monitor_nodes.
  on,       ///< Yes.
  cluster,  ///< The same: a node that does not run this supervisor never gets any of its children.
};

struct SupervisorOptions {
  std::string name = {};
  Strategies strategies =
      {};  ///< The same on all nodes; a node that differs is refused, with the difference.
  /// Static: put once in the cluster, where their ids were never known.
  std::vector<ChildSpec> children = {};
  /// Only these nodes get children; empty: every member. Others may use them. The same on all nodes.
  std::vector<NodeName> nodes = {};
  /// `off`: who gets children is fixed: `nodes`, or where that is empty, the nodes that are up when the
  /// cluster has formed (`expect` says how many to wait for). What ran on a node that is lost runs elsewhere
  /// until it is back; a new child that belongs on it is refused with no_target. The same on all nodes.
  MonitorNodes monitor_nodes = MonitorNodes::on;
  std::uint32_t max_restarts = 100;             ///< Restart intensity of each child ...
  std::chrono::milliseconds max_seconds{1000};  ///< ... within this time.
  std::uint32_t weight = 100;                   ///< This node's share relative to the others'; 0: runs none.
  std::chrono::milliseconds form_wait{3000};
  std::uint32_t expect = 0;  ///< Form the cluster as soon as that many nodes are there.
  /// With the distribution `load_balancer`: how loaded this node is, from 0 (idle) to 1. Asked every
  /// push_interval_ms on a thread of the node's own, which answers nobody meanwhile; what it throws is
  /// logged, and counts as no answer. Empty: processors in use, processes that wait for one, processes,
  /// memory (docs/guide/strategies.md).
  std::function<double()> load = {};
  /// How many children of this node are on the move to others at once, at most; at least 1. While moves take
  /// long because the cluster is busy there are fewer, down to a fifth. Fewer: a slower drain. More: as many
  /// callers wait at the same time.
  std::uint32_t moves_in_flight = 1000;
  /// How many happenings to children each node remembers for why() and events(), and at most how many bytes
  /// of them. 0 of either: none. Fewer: `why` knows less of the past. More: memory, some 250 bytes for each.
  std::size_t history_events = 10'000;
  std::size_t history_bytes = 4 * 1024 * 1024;
  std::vector<Hook> hooks = {};           ///< See brood/hooks.hpp; more at run time by Supervisor::hooks().
  std::vector<Listening> listeners = {};  ///< The same.
  HookLimits hook_limits = {};
};

/// One child as this node's tables have it.
struct ChildInfo {
  Id id;
  std::string worker = {};
  Restart restart = Restart::permanent;
  std::string tag = {};
  Term metadata = Term::map({});                         ///< A map; `tag` among it, where it has one.
  std::vector<std::pair<NodeName, Pid>> instances = {};  ///< Node and pid, the active one first.
  /// How many of them, from the front, are active: all, or one where the others are in reserve, or none for
  /// the moment in which another takes over.
  std::size_t active = 0;
};

/// What this node's part of the cluster may do, and why.
struct PartitionStatus {
  /// The partition strategy says that this part may not run children: they have ended, and requests are
  /// refused.
  bool partitioned = false;
  /// Nothing is started, stopped or moved right now: because of that, or while the members agree on who is
  /// there.
  bool locked = true;
  std::string why;                ///< Why it is locked, in words; empty: it is not.
  std::string strategy;           ///< With its settings.
  std::string count;              ///< Who is here, who is missing and what is needed, in words.
  std::vector<NodeName> members;  ///< Of this part.
  /// Of strategies that count the cluster: its size, how many of that are here, and who is missing.
  std::size_t size = 0;
  std::size_t here = 0;
  std::vector<NodeName> missing;
  /// How long children of a node that was lost without proof are left alone, and how long at most both sides
  /// of a split may run one; zero where the strategy never locks.
  std::chrono::milliseconds takeover_delay{};
  std::chrono::milliseconds overlap_bound{};
};

/// Which children, and how many at once.
struct ChildQuery {
  std::optional<Id> after = std::nullopt;         ///< `next` of the page before; none: from the beginning.
  std::size_t limit = 1000;                       ///< At most that many; 0: none.
  std::optional<std::string> tag = std::nullopt;  ///< Only those with this tag.
  bool local = false;                             ///< Only those that run on this node.
};

/// Children in an order of its own, which is the same on every node and does not change: those that are there
/// all the time come exactly once, whatever comes and goes between the pages.
struct ChildPage {
  std::vector<ChildInfo> children;
  std::optional<Id> next;  ///< For ChildQuery::after; none: this was the last page.
};

class Supervisor {
 public:
  /// Throws NodeError when a supervisor of that name is already on the node.
  Supervisor(Node& node, SupervisorOptions options);
  [[nodiscard]] static Result<std::unique_ptr<Supervisor>> start(Node& node, SupervisorOptions options);
  /// Ends it on this node, as the end of a Node does, within the same bound. Only this one: where it has
  /// ended already nothing happens, whoever has its name now.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Ready once the child runs and another member (where there is one) knows it. Of several instances all
  /// that can be had run by then, and one is active, or two seconds have gone by since the first ran; the pid
  /// is the active one's. Errors: already_started (detail: its pid), conflict, no_such_worker, start_failed,
  /// not_member, no_target, partitioned, stopped, timeout.
  Future<Started> start_child(const ChildSpec& spec, const StartOptions& options = {});
  /// Thousands at once. What worked and what did not is in the result; an error of the whole, where nothing
  /// was started: stopped, invalid_argument (an option), already_started (`check_existing`). An id that is
  /// there twice is invalid_argument for all but the first.
  Future<StartResult> start_children(const std::vector<ChildSpec>& specs, const StartOptions& options = {});
  /// Ready once nothing of it runs and another member knows. Errors: no_such_child, partitioned, timeout,
  /// deadlock (waited for by a handler that the child's end waits for).
  Future<void> stop_child(const Id& id, const StopOptions& options = {});
  Future<StopResult> stop_children(const std::vector<Id>& ids, const StopOptions& options = {});
  /// As stop_child(), by pid.
  Future<void> terminate_child(const Pid& pid, const StopOptions& options = {});
  /// The child ends and begins anew where it is, with the spec that it has. Ready once it runs again, under a
  /// new pid, and another member knows. Without a time-out it may take as long as its spec lets it take to
  /// end, and ten seconds. Errors: no_such_child, start_failed, no_target, partitioned, timeout.
  Future<Started> restart_child(const Id& id,
                                std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  /// Sends a signal (SIGHUP, ...) to the program that the child is, wherever it runs. Errors: no_such_child
  /// (it does not run), invalid_argument (it is no program, or there is no such signal), not_member, timeout.
  Future<void> signal_child(const Id& id, int signal,
                            std::chrono::milliseconds timeout = std::chrono::milliseconds(10000));
  /// A child that is `failed`, or waits after failures, is started now, and what was held against it is
  /// forgotten. Errors: no_such_child, timeout.
  Future<void> retry(const Id& id, std::chrono::milliseconds timeout = std::chrono::milliseconds(10000));
  /// The child's metadata is what `change` makes of it, on every node; the child runs on. Ready once another
  /// member (where there is one) knows. From any node; of two changes at the same time the later one counts
  /// whole. Errors: no_such_child, invalid_argument (it is to be a map), limit_exceeded (1 MiB), timeout.
  Future<void> update_metadata(const Id& id, const std::function<Term(const Term& metadata)>& change,
                               std::chrono::milliseconds timeout = std::chrono::milliseconds(10000));

  /// Calls the child wherever it is: of several instances the active one; where all are active, the one on
  /// this node or else the first of its order. Errors: no_such_child, start_failed (it is `failed`, and not
  /// tried any more), timeout, died, node_lost, type_mismatch, deadlock, ... What the handler answered as an
  /// error, or a Term {error, {Code, Text}} with a code of brood's, is that error, also where T is Term. What
  /// no handler saw is tried again within the time-out; what may have run never is.
  template <typename T, typename M>
  Future<T> call(const Id& id, M message,
                 std::chrono::milliseconds timeout = std::chrono::milliseconds(5000)) {
    return detail::reply_future<T>(call_message(id, Message::of(std::move(message)), timeout));
  }
  /// The answer has the type that the message names: `struct deposit { using reply = std::int64_t; ... };`.
  template <detail::NoTypeSaid = detail::NoTypeSaid::yes, typename M>
  auto call(const Id& id, M message, std::chrono::milliseconds timeout = std::chrono::milliseconds(5000)) {
    constexpr bool is_said = detail::says_reply<Worker, M>;
    static_assert(is_said,
                  "brood: what does this call answer? Say call<T>(...), give the message a type `reply`, or "
                  "call through a ChildRef<W> of the worker's class");
    if constexpr (is_said) {
      return detail::reply_future<detail::ReplyOf<Worker, M>>(
          call_message(id, Message::of(std::move(message)), timeout));
    } else {
      return call_message(id, Message::of(std::move(message)), timeout);
    }
  }
  /// The reply as it comes, an encoded term.
  Future<EncodedTerm> call_message(const Id& id, Message message, std::chrono::milliseconds timeout);
  /// Fire and forget; an unknown id is no error. To a child that does not run just now it waits, up to a
  /// bound and some seconds; the order from one sender to one child holds. A call of the sender comes after
  /// it too.
  template <typename M>
  void cast(const Id& id, M message) {
    cast_message(id, Message::of(std::move(message)));
  }
  void cast_message(const Id& id, Message message);
  /// A plain message; no_such_child for an unknown id, busy when too much waits for that child, mailbox_full.
  template <typename M>
  Result<void> send(const Id& id, M message) {
    return send_message(id, Message::of(std::move(message)));
  }
  Result<void> send_message(const Id& id, Message message);

  [[nodiscard]] std::optional<Pid> whereis(const Id& id) const;
  [[nodiscard]] std::optional<Id> whois(const Pid& pid) const;
  /// Its spec, instances and metadata; none: there is no such child.
  [[nodiscard]] std::optional<ChildInfo> child_lookup(const Id& id) const;
  [[nodiscard]] std::vector<ChildInfo> children() const;
  /// Some of them. `invalid_argument` for an `after` that is no id.
  [[nodiscard]] Result<ChildPage> children(const ChildQuery& query) const;
  [[nodiscard]] std::vector<Pid> local_children() const;
  /// The ring: members that are up, of those that get children (SupervisorOptions::nodes).
  [[nodiscard]] std::vector<NodeName> nodes() const;
  /// Adds nodes to those that get children, or takes some out; all of them stay members.
  /// Returns when another member (where there is one) knows it; children move then. Errors: invalid_argument
  /// (every member gets children: there is neither `nodes` nor monitor_nodes `off`; or no node would be
  /// left), limit_exceeded, not_member (this node has left), timeout.
  Result<void> add_nodes(const std::vector<NodeName>& nodes,
                         std::chrono::milliseconds timeout = std::chrono::milliseconds(10000));
  Result<void> remove_nodes(const std::vector<NodeName>& nodes,
                            std::chrono::milliseconds timeout = std::chrono::milliseconds(10000));
  /// The child runs on that node from now on, ahead of all that the distribution says, until the node is
  /// lost, leaves or drains. Returns when it runs there. Without a node: where it runs is the distribution's
  /// to say again; returns when another member (where there is one) knows it. Errors: no_such_child,
  /// not_member (the node is not up), no_target (it cannot or may not run it), invalid_argument (the child
  /// has a mapping), busy (it is on its way already), stopped and start_failed (it was stopped, or given up,
  /// before it ran there), partitioned, timeout (it may still).
  Result<void> move_child(const Id& id, std::optional<NodeName> to,
                          std::chrono::milliseconds timeout = std::chrono::milliseconds(30000));
  /// With the distribution `load_balancer`: children of nodes that have more than their share go to those
  /// that have less. Returns when it is said which; they move then. Errors: invalid_argument (another
  /// distribution), timeout.
  Result<void> rebalance(std::chrono::milliseconds timeout = std::chrono::milliseconds(30000));
  [[nodiscard]] Scoreboard scoreboard() const;
  /// Every child of this supervisor moves away from this node, which leaves the supervisor; it is to be ended
  /// then. Returns when they run elsewhere. Errors: no_target (no other node could take them: they stay),
  /// timeout (some are still here).
  Result<void> drain(std::chrono::milliseconds timeout = std::chrono::milliseconds(120'000));
  /// A node that was lost will not come back: nothing waits for it any more, neither children that are mapped
  /// to it, nor a fixed ring, a quorum or what its side of a split might still run. Returns when another
  /// member knows. Where it comes back all the same it is a node like any. Errors: invalid_argument (it is a
  /// member), timeout.
  Result<void> forget_node(const NodeName& node,
                           std::chrono::milliseconds timeout = std::chrono::milliseconds(10000));
  [[nodiscard]] std::optional<NodeName> node_for(const Id& key) const;
  [[nodiscard]] bool mine(const Id& key) const;

  /// See PartitionStatus. They wait for the thread that decides, as node_for() does; true once it has ended.
  [[nodiscard]] bool is_locked() const;
  [[nodiscard]] bool is_partitioned() const;
  [[nodiscard]] PartitionStatus partition_status() const;
  /// Says how many nodes the cluster has, for strategies that count it (majority_quorum, dynamic_quorum):
  /// more or fewer than there were, also where this part is locked for want of nodes that never come back.
  /// Returns when all nodes of this part know; nodes that come later are told, and it holds until all have
  /// ended. Say it on one side of a split only, for it may make that side go on. Errors: invalid_argument,
  /// timeout, stopped.
  Result<void> reset_cluster_size(std::uint32_t size,
                                  std::chrono::milliseconds timeout = std::chrono::milliseconds(10000));

  /// Why a child is where it is, and what has happened to it, as this node remembers it. They wait for the
  /// thread that decides, as node_for() does. Errors: no_such_child (nothing is known or remembered),
  /// stopped.
  [[nodiscard]] Result<ChildHistory> why(const Id& id) const;
  [[nodiscard]] Result<EventPage> events(const EventQuery& query = {}) const;
  /// The hooks and listeners on this node.
  [[nodiscard]] Hooks hooks();

 private:
  friend std::shared_ptr<detail::Siblings> detail::siblings_of(const Supervisor& supervisor);
  struct Impl;
  explicit Supervisor(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
