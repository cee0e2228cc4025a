// The nouns of the core: specs, epochs, members, instances. Plain data; the words are DESIGN.md's.
#pragma once

#include <brood/exit_reason.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/boxed.hpp"
#include "base/rarely.hpp"
#include "core/base/offers.hpp"
#include "term/child_id.hpp"

namespace brood::core {

using Duration = std::chrono::nanoseconds;

/// The time of one step. `monotonic` and `boot` count from any origin of this machine (boot time goes on in a
/// suspended machine), `wall` is Unix time. The core never asks for the time itself.
struct Now {
  Duration monotonic{};
  Duration boot{};
  Duration wall{};
  /// The longest time, since the step before, in which the whole program did not run, as a thread that does
  /// nothing but watch for that has seen it. A step of one's own that took long is none.
  Duration slept{};
};

/// A hybrid logical clock: wall milliseconds in the high 48 bits, a counter in the low 16. 0 is "never".
struct Hlc {
  std::uint64_t value = 0;
  friend auto operator<=>(const Hlc&, const Hlc&) = default;
};

/// Rises at every start of a child, on whatever node; a worker's fencing token. Ordered by clock, then node.
struct Epoch {
  Hlc clock;
  NodeName node;
  friend auto operator<=>(const Epoch&, const Epoch&) = default;
};

/// One start of a node in one unbroken membership. Ended by being declared down; never comes back.
struct SessionId {
  NodeName node;
  std::uint32_t creation = 0;
  std::uint64_t session = 0;  ///< Rises within a creation when the node has to join anew.
  friend auto operator<=>(const SessionId&, const SessionId&) = default;
};

/// The origin of a change: the n-th change made by that start of that node.
struct Dot {
  NodeName node;
  std::uint32_t creation = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const Dot&, const Dot&) = default;
};

enum class Restart : std::uint8_t { permanent, transient, temporary };

/// How long a child may take to end when it is stopped. Zero: killed at once (brutal_kill).
struct Shutdown {
  std::chrono::milliseconds patience{5000};
  bool infinity = false;
  friend auto operator<=>(const Shutdown&, const Shutdown&) = default;
};

/// How a child that keeps ending is started again, where its spec says otherwise than the node's settings.
struct Pace {
  /// One that ends sooner after its start has not started at all, and is tried again after a pause, however
  /// it ended; only a temporary one has ended. Zero: any that ran has started.
  std::chrono::milliseconds start_period{};
  /// In the place of Settings::backoff_first and backoff_max.
  std::optional<std::chrono::milliseconds> backoff_first = std::nullopt;
  std::optional<std::chrono::milliseconds> backoff_max = std::nullopt;
  std::optional<std::uint32_t> rounds_max = std::nullopt;  ///< In the place of Settings::rounds_max.
  friend auto operator<=>(const Pace&, const Pace&) = default;
};

/// What few specs say.
struct SpecExtras {
  std::string tag;              ///< metadata's key `tag`, for tag_query; empty: none.
  std::vector<NodeName> nodes;  ///< Only these nodes may run it; empty: all.
  /// Guided distribution only: the nodes that run it, as many as it has instances.
  std::vector<NodeName> mapping;
  /// Of a program: on a move it starts on its new node before it ends on the old one, and has so long to say
  /// that it is ready. Zero: it ends first.
  std::chrono::milliseconds ready_within{};
  Pace pace;
  /// It starts on a node once these run: see children/order.hpp.
  std::vector<ChildId> after;
  /// OTP's type; for who asks, nothing depends on it.
  bool is_supervisor = false;
  /// The metadata with which it was started, where it was changed since.
  std::optional<Bytes> metadata_before;
  std::map<std::string, Bytes> unknown;  ///< Fields of later versions: kept and passed on.

  friend bool operator==(const SpecExtras&, const SpecExtras&) = default;
};

/// What to run for a child, all but its id: children that differ in nothing else share one, as a rule.
/// Immutable once made; changed by replacing it.
struct Spec {
  std::string worker;  ///< Registered name; "exec" for ordinary programs.
  Bytes args;          ///< Encoded term; opaque to the core.
  std::string needs;   ///< What a node must offer to run it (Member::offers): the worker's name, or for
                       ///< commands "exec:<hash>", which "exec:*" also satisfies. Of a local supervisor the
                       ///< names of all workers below it too, "supervisor:a:b": each of them.
  Bytes metadata;      ///< Encoded map; empty: none. Opaque to the core but for its key `tag`.
  Shutdown shutdown;
  Rarely<SpecExtras> extras;
  Restart restart = Restart::permanent;
  bool is_static = false;  ///< From a node's file: its removal is remembered (see SpecRow::wanted).

  /// Runs as a program of its own: it does not share the fate of the node's process, nor the node its.
  [[nodiscard]] bool is_program() const { return worker == "exec"; }
  /// A supervisor of workers beside it: what runs below it cannot be taken along.
  [[nodiscard]] bool moves_cold() const { return worker == "supervisor"; }
  [[nodiscard]] bool starts_before_stop() const { return extras->ready_within.count() > 0; }
  /// Some of what later versions of brood have added is set.
  [[nodiscard]] bool has_added_fields() const {
    return extras->pace != Pace{} || !extras->after.empty() || extras->is_supervisor ||
           extras->metadata_before.has_value();
  }
  /// What a node must know to run it, for people: "the worker a", "all of the workers supervisor, a, b".
  [[nodiscard]] std::string needed_workers() const;
  /// Equal in everything that matters for "the same spec": not is_static, not unknown.
  [[nodiscard]] bool same_as(const Spec& other) const;
  /// Who asks for `asked` asks for the child that has this spec: the two are the same, or were before this
  /// one's metadata was changed.
  [[nodiscard]] bool is_asked_by(const Spec& asked) const;
  /// A process that was started by the other spec need not end for this one: what runs is the same, and only
  /// how it is looked after (restart rule, shutdown, metadata, placement; of a program taken_over_keys() too)
  /// may differ. Reads the arguments of a program where they differ.
  [[nodiscard]] bool runs_like(const Spec& other) const;
  /// In everything.
  friend bool operator==(const Spec&, const Spec&) = default;

 private:
  [[nodiscard]] bool same_but_for_metadata(const Spec& other) const;
};
using SpecPtr = std::shared_ptr<const Spec>;
/// A spec and the child it is for, where no row or record says that.
struct NamedSpec {
  ChildId id;
  SpecPtr spec;

  const Spec& operator*() const { return *spec; }
  const Spec* operator->() const { return spec.get(); }
};

/// Identifies a client's request in the whole cluster, so that a repeated one is recognised.
struct RequestKey {
  NodeName node;
  std::uint32_t creation = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const RequestKey&, const RequestKey&) = default;
};

/// Nodes that were lost with a child, perhaps by its fault. A suspicion only makes it wait; a proof may make
/// it `failed` (Settings::poison_nodes).
struct Blame {
  std::uint32_t proven = 0;     ///< Nodes that named it as they died, each within poison_window of the last.
  std::uint32_t suspected = 0;  ///< Nodes on which it had just started. 0 again once it has run well.
  Hlc last_proven;              ///< When a dying node named it last.

  [[nodiscard]] std::uint32_t nodes() const { return proven + suspected; }
  friend auto operator<=>(const Blame&, const Blame&) = default;
};

/// By whom a child was given to a node.
enum class AssignedBy : std::uint8_t {
  load,  ///< By a distribution that balances.
  hand,  ///< By somebody who has moved it there.
};
struct Assignment {
  NodeName node;
  NodeName decider;  ///< For people: the leader; of a move by hand, the node that was asked for it.
  AssignedBy by = AssignedBy::load;
  /// The instance that ran elsewhere when it was given here. Whoever starts it must have heard of that one:
  /// as long as its node has not heard of the change, that may start it too. Zero: there was none.
  Epoch after;

  /// False: it was given back, and goes by the distribution.
  [[nodiscard]] bool counts() const { return !node.text().empty(); }
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

/// A node's load, as it measures it.
struct Load {
  std::uint32_t scheduler_ppm = 0;  ///< How much of its processors it used, in millionths.
  std::uint32_t run_queue = 0;      ///< Processes that waited for a thread.
  std::uint32_t processes = 0;
  std::uint64_t memory_bytes = 0;
  std::optional<std::uint32_t>
      own_ppm;  ///< The score itself, in millionths, of a measure of the program's own.
  friend bool operator==(const Load&, const Load&) = default;
};

/// What is told of a child that had trouble to run.
struct Trouble {
  /// Nodes that gave the child up in this round (max_restarts, attempts_max), oldest first: the placement
  /// takes them only where there are no others.
  std::vector<NodeName> avoid;
  /// Given up: not started until `retry`. Because poison_nodes nodes named it as they died, or after
  /// rounds_max rounds (then until a node comes that has not given it up).
  bool failed = false;
  std::string failure;  ///< Why it is failed, or why it waits for not_before; in words.
  Blame blame;
  std::uint32_t rounds = 0;  ///< How often in a row it has failed on every node that may run it.
  Hlc not_before;            ///< Started no earlier than this wall time; 0: at once.

  /// As if it had never failed, but that those who gave it up are still avoided.
  void forgive() {
    Trouble none;
    none.avoid = std::move(avoid);
    *this = std::move(none);
  }

  friend bool operator==(const Trouble&, const Trouble&) = default;
};

/// A row of the table of specs; the same on every node once all changes have arrived.
struct SpecRow {
  SpecPtr spec;
  bool wanted = true;  ///< false: a static child that was stopped, or ended for good; kept so that a node
                       ///< that starts with the file does not revive it.
  /// It came in the place of another row, by which other nodes may run the child: nobody starts it. Once none
  /// does any more, and none can any more, the child's coordinator begins it anew (requests/replacing.cpp).
  bool held = false;
  Dot dot;             ///< The change that wrote this row.
  Dot birth;           ///< The change that first made it. A removal ends the birth, so it also beats any
                       ///< update of that row that was made at the same time; a new start is a new birth.
  Hlc clock;           ///< Orders concurrent changes of one id.
  RequestKey request;  ///< Of the start, or the stop of a static child, that made it: to know it again.
  Boxed<NodeName> start_on;  ///< D3: starts there the first time; forgotten with that node's loss.
  /// The node that it was given to, ahead of all that the distribution says. Ends with that node: see
  /// balance/assignments.hpp.
  Boxed<Assignment> assigned;
  Rarely<Trouble> trouble;
};

enum class Phase : std::uint8_t {
  starting,  ///< Its start runs.
  running,
  restarting,  ///< Crashed; waits for its back-off.
  stopping,    ///< Told to end.
  stuck,       ///< A handler runs longer than stuck_after.
  moved,       ///< Handed over: its pid only passes on what comes, until the new place says that it runs.
};
/// What an instance is to its child, where one of several is the active one (Redundancy::one_is_active());
/// else all of them are active.
enum class Role : std::uint8_t {
  active,
  passive,
  claiming,  ///< Passive, and has asked the other nodes for the role.
};
/// Why an instance runs where it does, or has ended. Told to users; nothing depends on it.
enum class Why : std::uint8_t {
  unknown,       ///< It happened while whoever tells it did not hear of it.
  asked,         ///< A client asked for the start.
  from_file,     ///< A static child.
  one_more,      ///< One of several instances that was missing.
  crashed,       ///< It crashed, and is started again.
  start_failed,  ///< Its start failed, and is tried again.
  gave_up,       ///< It failed too often on a node; the next one tries.
  node_lost,
  node_left,    ///< A node left in good order with it: nobody could take it before.
  joined,       ///< It belongs on a node that came.
  drained,      ///< The node that it ran on drains.
  rebalanced,   ///< It belongs elsewhere by the distribution, since weights or who gets children changed.
  moved,        ///< Somebody moved it by hand.
  load_shared,  ///< The load balancer gave it there.
  replaced,     ///< It has another spec.
  stopped,      ///< A client asked for the stop.
  conflict,     ///< Another instance of it stays.
  role,         ///< A program was told its new role by a restart.
  locked,       ///< This part of the cluster might not run children.
  failed,       ///< It was given up until `retry`.
  finished,     ///< It ended, and its restart rule says that this is the end.
};
/// What a program's health check says of it; the driver asks.
enum class Health : std::uint8_t {
  none,  ///< It has no check.
  starting,
  healthy,
  unhealthy,
};
[[nodiscard]] std::string_view to_string(Health health) noexcept;
[[nodiscard]] std::string_view to_string(Why why) noexcept;
[[nodiscard]] std::string_view to_string(Phase phase) noexcept;
[[nodiscard]] std::string_view to_string(Role role) noexcept;
[[nodiscard]] std::string_view to_string(Restart restart) noexcept;

/// The process part of a pid; the node and creation are those of the hosting session.
struct ProcessId {
  std::uint32_t id = 0;
  std::uint32_t serial = 0;
  friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

/// Where a child runs. Written only by the node that hosts it; goes with that node's session.
struct Instance {
  Epoch epoch;
  Phase phase = Phase::starting;
  Role role = Role::active;
  Why here = Why::unknown;  ///< Why it came to this node.
  Why why = Why::unknown;   ///< Why it was started the last time, or is to end.
  Health health = Health::none;
  ProcessId pid;            ///< Zero until running.
  std::int32_t os_pid = 0;  ///< Of an ordinary program; 0 for C++ workers.
  std::uint32_t restarts = 0;
  Hlc since;     ///< When it began to run (its first start on this node, for `uptime`).
  Hlc retry_at;  ///< While it is restarting: the wall time of the next try.
  Rarely<std::string>
      reason;  ///< Of the last crash or failed start, or of bad health, in words; empty: none.

  /// It runs, and nothing says that it is not well.
  [[nodiscard]] bool is_ready() const {
    return (phase == Phase::running || phase == Phase::stuck) &&
           (health == Health::none || health == Health::healthy);
  }
};

enum class MemberState : std::uint8_t { joining, up, draining, left, down };
[[nodiscard]] std::string_view to_string(MemberState state) noexcept;

/// A link between two members that one of them says is broken.
struct CutEnd {
  NodeName node;
  Hlc up_since;
  friend auto operator<=>(const CutEnd&, const CutEnd&) = default;
};
struct Cut {
  CutEnd a, b;  ///< In the order of their names.
  friend auto operator<=>(const Cut&, const Cut&) = default;
};

/// Whether a node is on the list of those that may get children, and since when that is so.
struct RosterEntry {
  Hlc clock;  ///< 0: by the settings.
  bool listed = true;
  friend bool operator==(const RosterEntry&, const RosterEntry&) = default;
};

/// What a member says of itself. Written only by that member.
struct Member {
  SessionId session;
  MemberState state = MemberState::joining;
  std::uint64_t version = 0;   ///< Rises with each change that the member makes to its row.
  Hlc up_since;                ///< Longest up is the leader of what needs one.
  std::uint32_t weight = 100;  ///< Share of the children, relative to the others'.
  Offers offers;               ///< What it can run (Spec::needs).
  std::map<std::string, std::string> labels;
  std::uint32_t protocol_min = 1;
  std::uint32_t protocol_max = 1;
  std::string address;  ///< host:port where it listens, for peers without EPMD; may be empty.
  std::map<NodeName, RosterEntry> roster;          ///< What it knows of who may get children; empty: all may.
  std::map<std::string, std::string> fingerprint;  ///< Settings that must agree; compared key by key.
  std::set<NodeName> unreached;  ///< Lost without proof, or never met; others may reach them.
  /// Lost nodes that will not come back (members/forgotten.hpp); `listed`: forgotten, else back since.
  std::map<NodeName, RosterEntry> forgotten;
  std::vector<Cut> cuts;  ///< Of the members that it reaches, those that do not reach each other.
  /// How often what the placement goes by became, in this session, what it may have been before (a drain was
  /// taken back, a weight or the workers changed): else a view that is as it once was would be taken for that
  /// one, and for confirmed by those who confirmed it then.
  std::uint64_t turn = 0;
  std::map<std::string, Bytes> unknown;
};

}  // namespace brood::core
