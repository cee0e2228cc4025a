// What a core is told: one event is one thing that happened to its node. Plain data.
//
// Thread rule: none.
#pragma once

#include "core/base/messages.hpp"

namespace brood::core {

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
/// `refused_us`: it runs and will not have us (wrong cookie, certificate): no reason to form a cluster beside it.
struct ConnectFailed {
  NodeName node;
  bool proven_dead = false;
  std::string words;
  bool refused_us = false;
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
  /// How long the client waits, and how long what it asks is tried; 0: Settings::request_timeout.
  Duration patience{};
};
struct ClientStop {
  ClientId client;
  std::vector<ChildId> ids;
  Duration patience{};  ///< As of ClientStart.
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
/// Nobody waits for that answer any more (time-out, caller gone). What was asked still happens; of a bulk request
/// that is what had come to its turn.
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

/// A literal for causes and logs.
[[nodiscard]] std::string_view name_of(const Event& event);

}  // namespace brood::core
