// Core: every decision of one supervisor on one node, and nothing else. Events and the time go in, effects
// come out; the same events at the same times give the same effects on every machine.
//
// Invariants (the simulator checks them): in a confirmed view at most one node starts a child; a start is
// acknowledged only when the child runs and its spec is on another member (where there is one); what was
// stopped and acknowledged stays stopped; a session that was declared down is never taken back.
//
// Thread rule: none; one thread at a time. All tables are this node's view of the cluster.
#pragma once

#include <memory>
#include <span>

#include "core/messages.hpp"
#include "core/settings.hpp"
#include "core/types.hpp"

namespace brood::core {

// ---- events ------------------------------------------------------------------------------------------

/// First of all: connect to the seeds.
struct Boot {};
/// Time has come (next_deadline()), or just passed. Harmless at any time.
struct Tick {};
/// A channel to that node stands. Also after one that broke.
struct PeerUp {
  NodeName node;
  std::uint32_t creation = 0;
};
/// The channel ended. `silent`: because nothing came for the whole tick time-out.
struct PeerDown {
  NodeName node;
  bool silent = false;
  std::string words;
};
/// A Connect did not work. `proven_dead`: its own address refused, or EPMD knows it no more: it does not run.
struct ConnectFailed {
  NodeName node;
  bool proven_dead = false;
  std::string words;
};
struct PeerMessage {
  NodeName from;
  std::uint32_t creation = 0;
  MessageBody body;
};
/// Answers to the effect Start.
struct Started {
  ChildId id;
  Epoch epoch;
  ProcessId pid;
  std::int32_t os_pid = 0;
};
struct StartFailed {
  ChildId id;
  Epoch epoch;
  std::string reason;
  Bytes detail;  ///< The exit reason as an encoded term; may be empty.
};
/// The process has ended and nothing of it runs; asked for by Stop or not.
struct Exited {
  ChildId id;
  Epoch epoch;
  bool normal = false;  ///< normal, shutdown or {shutdown, _}.
  std::string reason;
};
/// A handler of it runs too long, or returned after all.
struct StuckChanged {
  ChildId id;
  Epoch epoch;
  bool stuck = false;
};
/// This node is about to crash inside a handler of this child: tell the others.
struct Crashing {
  ChildId id;
  Epoch epoch;
};

/// Names a client's request on this node; chosen by the driver, never reused.
struct ClientId {
  std::uint64_t value = 0;
  friend auto operator<=>(const ClientId&, const ClientId&) = default;
};
struct ClientStart {
  ClientId client;
  StartMode mode = StartMode::start;
  std::optional<NodeName> on;
  std::vector<SpecPtr> specs;
};
struct ClientStop {
  ClientId client;
  std::vector<ChildId> ids;
};
struct ClientRetry {
  ClientId client;
  ChildId id;
};
/// Asks the coordinator whether there is such a child (this node knows none).
struct ClientLookup {
  ClientId client;
  ChildId id;
};
/// Nobody waits for that answer any more (time-out, caller gone). What was asked still happens.
struct ClientGone {
  ClientId client;
};
/// Move every child away, then leave. Answered when none is left here, or with no_target.
/// `for_good`: the node ends in any case; children that no member could take stay here, the answer is
/// no_target, and the node does not come back up, so that nobody moves a child to it.
struct ClientDrain {
  ClientId client;
  bool for_good = false;
};
/// What this node offers or weighs has changed (a worker was registered).
struct SettingsChanged {
  std::set<std::string> offers;
  std::uint32_t weight = 100;
};

/// This node, which was a cluster by itself without a network, is reachable from now on under this name. What
/// it knows and runs stays; `join` as in Settings. Ignored where the node has ever known another one.
struct Renamed {
  NodeName self;
  std::uint32_t creation = 0;
  std::string address;
  std::vector<NodeName> join;
};

using Event = std::variant<Boot, Tick, PeerUp, PeerDown, ConnectFailed, PeerMessage, Started, StartFailed,
                           Exited, StuckChanged, Crashing, ClientStart, ClientStop, ClientRetry, ClientLookup,
                           ClientGone, ClientDrain, SettingsChanged, Renamed>;

// ---- effects -----------------------------------------------------------------------------------------

/// Why an effect came about: the number of the step and what it was.
struct Cause {
  std::uint64_t step = 0;
  std::string_view event;  ///< A literal: "node_lost", "client_start", "crash", "release", ...
};
struct Send {
  std::vector<NodeName> to;  ///< The same body for all of them: encode once.
  MessageBody body;
};
/// One connection attempt; ends in PeerUp or ConnectFailed. `last_known`: at the address it last had.
struct Connect {
  NodeName node;
  std::string address;  ///< host:port as the peer's row says; may be empty.
  bool last_known = false;
};
struct Disconnect {
  NodeName node;
};
/// Run the child under this epoch; answer Started or StartFailed, and later Exited.
struct Start {
  SpecPtr spec;
  Epoch epoch;
  Cause cause;
};
/// End the instance of this epoch; answer Exited. Repeated with kill when it does not end.
struct Stop {
  ChildId id;
  Epoch epoch;
  Shutdown shutdown;
  Cause cause;
};
/// The answer to a client; each id of a request once, possibly over several replies; `last` with the final
/// one.
struct Reply {
  ClientId client;
  std::vector<Outcome> outcomes;
  bool last = false;
};
struct MemberEvent {
  SessionId session;
  MemberState state = MemberState::up;
  std::string words;
};
enum class LogLevel : std::uint8_t { debug, info, warning, error };
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;
};

/// All that one step asks for, in the order in which each list is to be carried out. The driver carries out
/// `changed` (its read-side registry) first, then starts and stops, then sends, then replies: so whoever gets
/// a reply can read what it says.
struct Effects {
  std::vector<ChildId> changed;  ///< Rows or instances of these ids changed; read them from the core.
  std::vector<Start> starts;
  std::vector<Stop> stops;
  std::vector<Send> sends;
  std::vector<Connect> connects;
  std::vector<Disconnect> disconnects;
  std::vector<Reply> replies;
  std::vector<MemberEvent> members;
  std::vector<LogLine> log;
  std::optional<bool> fence;  ///< Hold back (true) or release (false) all handlers of this supervisor.
  bool left = false;          ///< The drain is over and Goodbye is sent: the node may end.
  std::optional<std::string> refused;  ///< A peer refused us, or we it, for good: what differs, in words.
};

// ---- the core ----------------------------------------------------------------------------------------

/// What a node that has left its cluster answers: `not_member`.
[[nodiscard]] Error has_left(const NodeName& self);

/// A live instance and where it is.
struct Located {
  SessionId host;
  Instance instance;
};

class Core {
 public:
  explicit Core(Settings settings);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// Total: never fails, never throws; what it refuses it counts and, where there is a caller, answers.
  /// The reference is valid until the next step.
  const Effects& step(const Event& event, const Now& now);
  /// The same for events that came together: their changes leave in one Delta per peer, so a driver that
  /// drains its queue into one call sends far fewer messages.
  const Effects& step_all(std::span<const Event> events, const Now& now);
  const Effects& step(std::span<const Event> events, const Now& now) { return step_all(events, now); }
  /// The monotonic time at which a Tick is due; max() when nothing is waited for.
  [[nodiscard]] Duration next_deadline() const;

  // Reading; valid until the next step.
  [[nodiscard]] const Settings& settings() const;
  [[nodiscard]] const Member& self() const;
  [[nodiscard]] std::vector<Member> members() const;  ///< All known and not down or left, self included.
  /// The row of that node; nullptr when it is no member (any more).
  [[nodiscard]] const Member* member(const NodeName& node) const;
  [[nodiscard]] std::vector<NodeName> up_nodes() const;  ///< In name order: the ring's members.
  [[nodiscard]] bool view_confirmed() const;
  [[nodiscard]] bool fenced() const;
  [[nodiscard]] std::uint64_t view_hash() const;
  [[nodiscard]] const SpecRow* spec(const ChildId& id) const;
  /// Live instances, the one in the placement first, then by epoch (newest first).
  [[nodiscard]] std::vector<Located> instances(const ChildId& id) const;
  [[nodiscard]] std::vector<ChildId> ids() const;  ///< All ids with a row, in order.
  [[nodiscard]] std::size_t size() const;          ///< Wanted children.
  /// First node of the hash order of any key over the up members; nullopt when there are none.
  [[nodiscard]] std::optional<NodeName> node_for(const ChildId& key) const;
  /// The placement of a child by its row; empty when it may run nowhere.
  [[nodiscard]] std::vector<NodeName> placement(const ChildId& id) const;

  struct Stats {
    std::uint64_t steps = 0, refused_messages = 0, stale_rows = 0, clock_refusals = 0, conflicts = 0,
                  moves = 0;
    std::uint64_t syncs_sent = 0, deltas_sent = 0;
  };
  [[nodiscard]] const Stats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brood::core
