// Settings of one supervisor on one node. Each says its unit, what zero means, and the cost of too small and
// too large. Which of them users can set is in docs/guide/limits.md.
#pragma once

#include "core/base/types.hpp"
#include "core/placement/choice.hpp"

namespace brood::core {

using namespace std::chrono_literals;

struct Settings {
  std::string supervisor;
  NodeName self;
  std::uint32_t creation = 0;
  std::vector<NodeName> join;  ///< Seeds. Empty: this node is a cluster by itself until others come to it.
  bool discovers = false;      ///< Others may be found without being named: form as if there were seeds.

  /// The same on all nodes: their names and settings are in the fingerprint.
  Strategies strategies = built_in_strategies();

  /// Only these nodes get children; empty: all. The same on all nodes: in the fingerprint.
  std::vector<NodeName> ring_nodes;
  /// Members that come or go do not change who gets children: only `add_nodes` and `remove_nodes` do. Without
  /// ring_nodes it is those that are up when the cluster has formed. The same on all nodes: in the
  /// fingerprint.
  bool fixed_ring = false;

  std::uint32_t weight = 100;  ///< Relative share of children; 0: runs none.
  Offers offers;               ///< What can run here.
  std::map<std::string, std::string> labels;
  std::string address;
  bool participates = true;  ///< false: knows the cluster and calls, runs no children.

  // ---- becoming and staying a member

  /// With `join` or `discovers`: how long to wait for other nodes that boot at the same time before forming a
  /// cluster. 0: at once. Too small: nodes that boot together start everything twice and sort it out. Too
  /// large: a slow boot.
  Duration form_wait = 3s;
  /// Form as soon as that many nodes are there; 0: by form_wait alone. Too large: as form_wait alone.
  std::uint32_t expect = 0;
  /// No child is started before the view has that many up members; 0 and 1: no such bound. Too small: a node
  /// that reaches nobody starts everything a second time. Too large: nothing is started after losses.
  std::uint32_t min_nodes = 0;
  /// How often seeds that did not answer are tried again, and suspects probed. Too small: connection attempts
  /// without end. Too large: a late meeting.
  Duration reconnect_every = 1s;
  /// Silence after which a member is down when its death is not proven. Half of it fences a node itself. Too
  /// small: busy machines lose members. Too large: a late takeover.
  Duration tick_timeout = 8s;
  /// How long a view waits to be confirmed by every member before starts go on without the missing ones. Too
  /// small: a slow member may still decide by its former view. Too large: starts wait for a member that
  /// hangs.
  Duration view_wait = 5s;
  /// Of views that follow each other because more nodes are up, how many are said without a wait: those that
  /// make so many messages of this node. Too small: nodes that come together get children a moment later. Too
  /// large: very many that boot together tell each other of each one of them.
  std::size_t views_free = 64;
  /// How long a node that was lost is remembered and looked for. Too small: one that comes back later, of
  /// itself, is taken for new, and the copies of its children are sorted out then. Too large: names of nodes
  /// that never come back are kept (200 bytes each).
  Duration forget_after = 24h;
  /// A clock further ahead than this is not followed, and counted. Too small: complaints about small
  /// differences. Too large: one wrong clock moves those of all nodes.
  Duration clock_skew_max = 10s;

  // ---- children

  /// Children of this node that are on the move at once, at most; at least 1. Where moves take longer because
  /// the cluster has much to do, down to a fifth of that. Too small: a slow drain. Too large: as many callers
  /// wait at the same time.
  std::uint32_t moves_in_flight = 1000;
  /// How long a start waits for a live instance outside the placement before it says so in the log, and
  /// again.
  Duration handover_wait = 30s;

  /// Of a child with an active and passive instances, how long one that has just come waits with its claim
  /// for those before it in the order that have not come yet. 0: not at all. Too small: the role changes
  /// hands once more when they come. Too large: a child that starts is without an active instance as long
  /// when its first node is slow.
  Duration role_wait = 500ms;
  /// How long a start waits for the other instances of a child once one runs. 0: not at all. Too small: it is
  /// answered before what it promises is there. Too large: starts wait for a slow node.
  Duration replicas_wait = 2s;
  /// A state with more bytes is sent to nobody that follows it; as a hand-over has it. Too small: states that
  /// others could hold are lost with their node. Too large: one child's state holds up what all others of
  /// its node have to say, and the channel is cut where it is more than a channel may keep.
  std::size_t state_bytes_max = 64 * 1024 * 1024;
  /// How long a node that drains keeps an instance that does not run on every node where it should. Too
  /// small: fewer instances for a moment. Too large: a slow drain.
  Duration release_wait = 5s;

  /// Restart intensity of one child: more crashes than max_restarts within max_seconds on one node move it to
  /// the next node. 0 restarts: the first crash does. Too small: children wander for a fault of a moment. Too
  /// large: attempts_max alone moves them.
  std::uint32_t max_restarts = 100;
  Duration max_seconds = 1s;
  /// Pause before the second restart in a row; the first is at once. It doubles up to backoff_max. Zero:
  /// none. Too small: a child that cannot run keeps a processor busy. Too large: one that could run again
  /// waits as long.
  Duration backoff_first = 20ms;
  Duration backoff_max = 5s;
  /// Running this long ends a row of failures, and a suspicion. Too small: a child that crashes after some
  /// seconds is never moved. Too large: old failures count against it.
  Duration stable_after = 10s;
  /// Failures in a row on one node before the next node is tried; 0: it stays there (but for max_restarts).
  /// Too small: children wander for a fault that is theirs. Too large: one broken node holds them long.
  std::uint32_t attempts_max = 10;
  /// How often a child may fail on every node that may run it before it is `failed`, until `retry`; 0: it is
  /// tried for ever, with a pause between the rounds that doubles up to round_pause_max.
  std::uint32_t rounds_max = 0;
  /// The pause after the first round of all nodes; it doubles up to round_pause_max. Too small: rounds, each
  /// a change that all members are told, without end. Too large: a child that could run again waits as long.
  Duration round_pause = 5s;
  Duration round_pause_max = 60s;

  /// A child that started this shortly before its node was lost is a suspect for the loss: it is started
  /// suspect_delay later than the others, twice as much with each further loss, up to suspect_delay_max. Too
  /// small a window: a child that ends its node as it starts is not found. Too large: innocents wait when
  /// nodes are killed in a row.
  Duration suspect_window = 500ms;
  Duration suspect_delay = 500ms;
  Duration suspect_delay_max = 30s;
  /// Of more that had just started on one node only so many wait: they cannot be told apart, and the node
  /// that takes them over should not start with all of them late.
  std::uint32_t suspects_max = 16;
  /// How many nodes must have named a child as they died, each within poison_window of the one before, for it
  /// to be `failed`; 0: never, it only waits. Too small: a child is given up because a node was ended by hand
  /// in a handler of it. Too large: it takes as many nodes down.
  std::uint32_t poison_nodes = 2;
  Duration poison_window = 10min;
  /// Wanted children; a start beyond is refused (limit_exceeded). Too large: memory of every node.
  std::size_t children_max = 10'000'000;

  // ---- history

  /// How many happenings to children each node remembers, beside some of members. 0: none. Too small: `why`
  /// knows of nothing but the present. Too large: memory, some 250 bytes for each.
  std::size_t history_events = 10'000;
  /// And at most so many bytes of them; with 0 none are kept. Too small: long ids and reasons leave room for
  /// few. Too large: memory.
  std::size_t history_bytes = 4 * 1024 * 1024;

  // ---- load

  /// How much one step does before it lets others go between, in children looked at; at least 1. Too small:
  /// overhead. Too large: single requests wait behind bulk ones, about 10 us for each.
  std::size_t step_budget = 200;
  /// How many children of this node's clients' bulk requests are under way at once, at most; at least 1.
  /// Where answers come late because the cluster has much to do, down to a fifth of that. Too small: bulk
  /// requests wait for each round trip. Too large: memory, and a longer queue at the coordinators.
  std::size_t request_window = 500;
  /// The ids of one message of a bulk request; at least 1. Too small: more messages. Too large: other
  /// requests wait behind it at the coordinator.
  std::size_t request_portion = 100;
  /// Ids of requests that wait at this node, as coordinator, for the view or their turn; beyond it `busy`.
  /// Too small: busy while members come and go. Too large: memory.
  std::size_t inbox_max = 200'000;
  /// Changes that a peer has not acknowledged before it is no longer sent each, but only the differences of
  /// the tables once it has caught up. Too small: exchanges of tables under load. Too large: memory, some 300
  /// bytes for each.
  std::size_t lag_max = 200'000;
  /// Rows and instances of one portion of a table, but at least a whole bucket. Too small: more messages. Too
  /// large: longer steps of who takes them in.
  std::size_t table_portion = 500;

  /// Where members pass on each other's changes: how long one that others know of may be on its way before it
  /// is asked for. Too small: changes come twice. Too large: whoever was left out learns late.
  Duration spread_patience = 300ms;
  /// And how often, after a change, members tell some others how far they have got. Too small: traffic, some
  /// 30 bytes for each member that has changed something. Too large: whoever was left out learns late.
  Duration spread_round = 500ms;
  /// How long a request is tried whose client names no time, and how long its coordinator waits for the
  /// child. Too small: what a slow child was asked is told as a time-out. Too large: memory.
  Duration request_timeout = 30s;
  /// How often one request is passed on between nodes whose views differ before it is `busy`. 0: never.
  std::uint32_t forwards_max = 8;
};

}  // namespace brood::core
