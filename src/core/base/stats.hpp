// Stats: what one core has counted since it began. Only grows.
//
// Thread rule: plain data.
#pragma once

#include <cstdint>

namespace brood::core {

struct Stats {
  std::uint64_t steps = 0;
  std::uint64_t portions = 0;          ///< Steps that left work for the next one.
  std::uint64_t refused_messages = 0;  ///< Of peers that had no business to send them.
  std::uint64_t stale_rows = 0;        ///< Of sessions that are over, or that came out of order.
  std::uint64_t clock_refusals = 0;    ///< Rows whose clock was further ahead than clock_skew_max.
  std::uint64_t conflicts = 0;         ///< Children found on two nodes.
  std::uint64_t moves = 0;
  std::uint64_t locks = 0;  ///< How often this node's part lost its quorum, and had it again:
  std::uint64_t unlocks = 0;
  std::uint64_t census_changes = 0;    ///< Made by this node.
  std::uint64_t held_takeovers = 0;    ///< Starts that waited because a node was lost without proof.
  std::uint64_t handovers = 0;         ///< Children that went elsewhere with what they held.
  std::uint64_t handovers_failed = 0;  ///< Attempts; the child stayed, and is tried again.
  std::uint64_t states_saved = 0;      ///< By active instances here, for others to follow.
  std::uint64_t states_held = 0;       ///< Of others, that this node took in.
  std::uint64_t states_unheld = 0;     ///< Answered without another node that holds the state.
  std::uint64_t states_stale = 0;      ///< Of a former active instance, refused.
  std::uint64_t states_restored = 0;   ///< With which an active instance here went on.
  std::uint64_t syncs_sent = 0;        ///< Portions of tables.
  std::uint64_t deltas_sent = 0;
  std::uint64_t deltas_passed_on = 0;  ///< Of others.
  std::uint64_t deltas_twice = 0;      ///< That were here already.
  std::uint64_t deltas_asked_for = 0;  ///< Requests for one that was missing.
  std::uint64_t kept_back = 0;         ///< Messages that waited for what their sender had changed before.
  std::uint64_t busy = 0;              ///< Requests refused because too many wait.
  std::uint64_t fell_behind = 0;       ///< Peers that no longer got each change, but the tables' differences.
};

}  // namespace brood::core
