// Settings of one supervisor on one node. Each says its unit, what zero means, and the cost of too small and
// too large.
#pragma once

#include "core/types.hpp"

namespace brood::core {

using namespace std::chrono_literals;

struct Settings {
  std::string supervisor;
  NodeName self;
  std::uint32_t creation = 0;
  std::vector<NodeName> join;  ///< Seeds. Empty: this node is a cluster by itself until others come to it.

  bool discovers = false;  ///< Others may be found without being named: form as if there were seeds.

  std::uint32_t weight = 100;    ///< Relative share of children; 0: runs none.
  std::set<std::string> offers;  ///< Worker names known here, and exec tokens.
  std::map<std::string, std::string> labels;
  std::string address;
  bool participates = true;  ///< false: knows the cluster and calls, runs no children (D12).

  /// With `join` or `discovers`: how long to wait for other nodes that boot at the same time before forming a
  /// cluster. Too small: nodes that boot together start everything twice and sort it out. Too large: a slow
  /// boot.
  Duration form_wait = 3s;
  std::uint32_t expect = 0;  ///< Form as soon as that many nodes are there; 0: by form_wait alone.
  /// How often seeds that did not answer are tried again, and suspects probed.
  Duration reconnect_every = 1s;
  /// Silence after which a member is down when its death is not proven. Half of it fences a node itself.
  Duration tick_timeout = 8s;
  /// How long a view waits to be confirmed by every member before starts go on without the missing ones.
  Duration view_wait = 5s;

  std::uint32_t moves_in_flight = 1000;  ///< Children of this node that are on the move at once.
  /// How long a start waits for a live instance outside the placement to be handed over; from the offer on.
  Duration handover_wait = 30s;

  std::uint32_t max_restarts = 100;  ///< Restart intensity of one child: more than this many ...
  Duration max_seconds = 1s;         ///< ... within this time on one node moves it to the next node.
  Duration backoff_first = 20ms;     ///< Pause before the second restart in a row; the first is at once.
  Duration backoff_max = 5s;         ///< The pause doubles up to this.
  Duration stable_after = 10s;       ///< Running this long ends a row of failures.
  std::uint32_t attempts_max = 10;   ///< Failures in a row on one node before the next node is tried.

  /// A child that started this shortly before its node was lost is a suspect for the loss. Too large: nodes
  /// that somebody kills one after the other make what moves between them `failed`.
  Duration suspect_window = 500ms;
  std::uint32_t poison_nodes = 2;   ///< Nodes a child may take down before it is `failed`.
  std::uint32_t suspects_max = 16;  ///< More suspects than this cannot be told apart: none is blamed.
  Duration suspect_delay = 500ms;   ///< How much later than others a suspect is started again.

  Duration clock_skew_max = 10s;   ///< A clock further ahead than this is refused.
  Duration sync_interval = 15s;    ///< Digests are compared with one peer in turn this often.
  Duration request_timeout = 30s;  ///< A request whose coordinator is lost is tried again until then.
  std::uint32_t forwards_max = 8;  ///< How often one request is passed on before it is refused.
  std::size_t children_max = 10'000'000;
};

}  // namespace brood::core
