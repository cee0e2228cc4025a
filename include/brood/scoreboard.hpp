// Scoreboard: by what the distribution `load_balancer` goes (docs/guide/strategies.md).
//
// Thread rule: plain data.
#pragma once

#include <brood/node_name.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// A node as the distribution `load_balancer` sees it.
struct NodeScore {
  NodeName node;
  std::uint32_t weight = 0;
  std::uint32_t told = 0;  ///< How many of its scores count; 0: it has told none.
  double score = 0;        ///< Their mean, the newest most; of a node that has told none, that of the others.
  double share = 0;        ///< Its part of the children, of 1, by weight and by what it has to spare.
  std::uint64_t children = 0;  ///< That it was given.
  double scheduler = 0;        ///< What it told last: its processors in use, of 1, ...
  std::uint32_t run_queue = 0;
  std::uint32_t processes = 0;
  std::uint64_t memory_bytes = 0;
};
/// Only on the leader all have told.
struct Scoreboard {
  std::optional<NodeName> leader;  ///< Who gives children to nodes; none under another distribution.
  std::vector<NodeScore> nodes;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
