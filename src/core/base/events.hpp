// What a core is told: one event is one thing that happened to its node. Plain data.
//
// Whoever drives a core gives it every event once, in the order in which the things happened as far as there
// is one: the events of one channel in order, Started before Exited. Each event says which effect it answers,
// if any; the contract of the effects is in effects.hpp. An event that nobody can place (of an instance that
// is over, of a client that is unknown) changes nothing.
//
// Thread rule: none.
#pragma once

#include "core/base/held_state.hpp"
#include "core/base/messages.hpp"

namespace brood::core {

/// Before this one the core does nothing by itself: it begins to join, and connects to the seeds. Once; a
/// second one changes nothing. A Renamed may come before it.
struct Boot {};
/// The time that Core::next_deadline() named has come: it has to be read again after every step. Where it
/// names a time that is past, a step has left work: give a Tick at once, but behind the events that wait
/// already, so that these go between two portions of the work. Harmless at any other time.
struct Tick {};
/// A channel to that node stands: after a Connect, or because that node connected. A channel that comes after
/// one that broke, or in the place of one, is told by another PeerUp; what was sent on the former one does
/// not come any more. Only of nodes that have proved their names: whoever is told here can be a member.
struct PeerUp {
  NodeName node;
  std::uint32_t creation = 0;  ///< Tells the starts of one node apart.
};
/// The channel ended; all messages that came on it have been given to the core before. `silent`: because
/// nothing came for the whole tick time-out; then the member is down at once, otherwise it is dialled first.
struct PeerDown {
  NodeName node;
  bool silent = false;
  std::string words;
};
/// The one answer to a Connect that did not work (PeerUp is the other). `proven_dead`: the node's own address
/// refused, or EPMD knows it no more: it does not run, and a member is down at once. A driver says so only
/// when it is certain, for the children are then started elsewhere without any waiting. `refused_us`: it runs
/// and will not have us (wrong cookie, certificate): no reason to form a cluster beside it.
struct ConnectFailed {
  NodeName node;
  bool proven_dead = false;
  std::string words;
  bool refused_us = false;
};
/// A message came on the channel to that node. Never before its PeerUp or after its PeerDown, and in the
/// order in which the other core has sent them. `from` is who the channel belongs to, not what the message
/// says.
struct PeerMessage {
  NodeName from;
  std::uint32_t creation = 0;
  MessageBody body;
};
/// Answers a Start: the instance runs. Of one that ended before it ran either Started and Exited are told, or
/// StartFailed alone.
struct Started {
  ChildId id;
  Epoch epoch;
  ProcessId pid;
  std::int32_t os_pid = 0;
  bool keeps_state = false;  ///< Its state can be saved, to go with the child.
};
/// Answers a Start: the instance did not come to run, and nothing of it is left. Never after Started.
struct StartFailed {
  ChildId id;
  Epoch epoch;
  std::string reason;
  Bytes detail;  ///< The exit reason as an encoded term; may be empty.
};
/// The instance has ended and nothing of it runs, no process that it started either; asked for by Stop or
/// not. Once for each Started. Told too early it makes two of one: the next instance is started on the
/// strength of it.
struct Exited {
  ChildId id;
  Epoch epoch;
  bool normal = false;  ///< normal, shutdown or {shutdown, _}.
  std::string reason;
};
/// Answers a SetRole to `passive`, and that only: the worker has been told and has returned, so that nothing
/// of what it does as the active one goes on. Not told of an instance that ends before.
struct RoleTaken {
  ChildId id;
  Epoch epoch;
};
/// A handler of the instance runs too long, or returned after all. Shown to users; it decides nothing, but
/// that a node that rejoins waits longer for a child whose handler has just returned.
struct StuckChanged {
  ChildId id;
  Epoch epoch;
  bool stuck = false;
};
/// A program's health check says something new of it; before Started: that it has one, `starting`. Shown to
/// users, and waited for by children that are to start after it. `reason`: of one that is not well, in words.
struct HealthChanged {
  ChildId id;
  Epoch epoch;
  Health health = Health::none;
  std::string reason;
};
/// This node is about to crash inside a handler of this child: the core has one step to tell the others
/// (Obituary). The effects of that step are carried out within the moment that the crashing thread is held;
/// nothing comes after it.
struct Crashing {
  ChildId id;
  Epoch epoch;
};

/// Answers a Freeze: the instance is frozen, and `parcel` is what it holds.
struct Frozen {
  ChildId id;
  Epoch epoch;
  std::uint64_t attempt = 0;
  Bytes parcel;
};
/// The other answer to a Freeze: the instance goes on as before (its handler does not end in time, what it
/// holds is too large, saving failed). Not told of one that has ended: its Exited is.
struct FreezeFailed {
  ChildId id;
  Epoch epoch;
  std::uint64_t attempt = 0;
  std::string why;
};
/// Answers a Prepare: a process holds what the parcel held, and runs nothing; or a program runs, and has said
/// that it is ready.
struct Prepared {
  ChildId id;
  Epoch epoch;
  ProcessId pid;
  std::int32_t os_pid = 0;
  bool keeps_state = false;
};
/// The other answer to a Prepare; also told after Prepared, and before Open, when the process has ended.
/// Nothing of it is left.
struct PrepareFailed {
  ChildId id;
  Epoch epoch;
  std::string why;
};

/// The active instance has saved its state, for others to follow. Told before a RoleTaken that follows on it.
/// Answered by Followed with this number or a later one, unless the process ends before.
struct StateSaved {
  ChildId id;
  Epoch epoch;
  std::uint64_t number = 0;  ///< Rises by one with each of a process.
  bool is_whole = true;      ///< false: what has changed since the one before.
  std::uint64_t version = 0;
  SharedBytes state;
};

/// Names a client's request on this node; chosen by the driver, never reused.
struct ClientId {
  std::uint64_t value = 0;
  friend auto operator<=>(const ClientId&, const ClientId&) = default;
};
/// A client asks for children to be started. Answered by Reply, each id once. An id that is named twice is
/// one.
struct ClientStart {
  ClientId client;
  StartMode mode = StartMode::start;
  std::optional<NodeName> on;
  std::vector<NamedSpec> specs;
  /// How long the client waits, and how long what it asks is tried; 0: Settings::request_timeout.
  Duration patience{};
};
/// A client asks for children to be stopped. Answered by Reply, each id once.
struct ClientStop {
  ClientId client;
  std::vector<ChildId> ids;
  Duration patience{};  ///< As of ClientStart.
};
/// A client asks for a child to be started now, whatever it is blamed for or waits for. Tried for
/// Settings::request_timeout.
struct ClientRetry {
  ClientId client;
  ChildId id;
};
/// A client says where a child is to be. `rebalance` is of no child, whatever the id. Answered when another
/// member holds it; the child moves then. Tried for Settings::request_timeout.
struct ClientMove {
  ClientId client;
  MoveKind kind = MoveKind::to_node;
  ChildId id;
  NodeName to;
};
/// A client says that a node which was lost will not come back: what is remembered of it is dropped. Answered
/// by Reply when another member holds that; invalid_argument where the node is a member.
struct ClientForget {
  ClientId client;
  NodeName node;
};
/// Asks the coordinator whether there is such a child (this node knows none). Tried for
/// Settings::request_timeout.
struct ClientLookup {
  ClientId client;
  ChildId id;
};
/// Nobody waits for that answer any more (time-out, caller gone). What was asked still happens; of a bulk
/// request that is what had come to its turn.
struct ClientGone {
  ClientId client;
};
/// Move every child away, then leave. Answered when none is left here, or with no_target.
/// `for_good`: the node ends in any case; children that no member could take stay here, the answer is
/// no_target, and the node does not come back up, so that nobody moves a child to it.
/// `take_back`: the drain that is under way is off, and the node is up again; who waits for the drain is
/// answered `stopped`. Not where the node ends (`stopped`), or has left (`not_member`); nothing to do where
/// none is under way.
struct ClientDrain {
  ClientId client;
  bool for_good = false;
  bool take_back = false;
};
/// An operator says how many nodes the cluster has (PartitionTolerance::census()). Answered when all members
/// of this part know; invalid_argument where the strategy counts no such thing.
struct ClientReset {
  ClientId client;
  std::uint32_t size = 0;
};
/// A client changes which nodes may get children (members/roster.hpp). Answered by Reply: one outcome with an
/// error, or none when another member holds the change.
struct ClientRoster {
  ClientId client;
  std::vector<NodeName> add;
  std::vector<NodeName> remove;
};
/// What this node offers or weighs has changed (a worker was registered).
struct SettingsChanged {
  Offers offers;
  std::uint32_t weight = 100;
};

/// This node's load, measured just now. Wanted every push_interval where the distribution balances; ignored
/// else.
struct LoadMeasured {
  Load load;
};

/// This node, which was a cluster by itself without a network, is reachable from now on under this name. What
/// it knows and runs stays; `join` as in Settings. Ignored where the node has ever known another one.
struct Renamed {
  NodeName self;
  std::uint32_t creation = 0;
  std::string address;
  std::vector<NodeName> join;
};

/// One of them. A type of its own, so that how it is copied, moved and destroyed is compiled once and not in
/// each file that holds one.
struct Event : std::variant<Boot, Tick, PeerUp, PeerDown, ConnectFailed, PeerMessage, Started, StartFailed,
                            Exited, RoleTaken, StuckChanged, HealthChanged, Crashing, ClientStart, ClientStop,
                            ClientRetry, ClientLookup, ClientGone, ClientDrain, ClientRoster, SettingsChanged,
                            Renamed, Frozen, FreezeFailed, Prepared, PrepareFailed, ClientReset, StateSaved,
                            ClientMove, ClientForget, LoadMeasured> {
  using Alternatives = variant;
  using Alternatives::variant;
  Event();
  Event(const Event&);
  Event(Event&&) noexcept;
  Event& operator=(const Event&);
  Event& operator=(Event&&) noexcept;
  ~Event();
};

/// A literal for causes and logs.
[[nodiscard]] std::string_view name_of(const Event& event);

}  // namespace brood::core
