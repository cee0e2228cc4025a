// Seeds: whom this node was told to look for, by `join` and by discovery.
//
// Owns: the list, when a found node was tried last, and when a warning about a seed was given last; both
// bounded. Calls nobody; the time is an argument. Thread rule: any thread.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <vector>

#include "node/distribution.hpp"

namespace brood::supervisor {

class Seeds {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void add(NodeName seed);
  [[nodiscard]] std::vector<NodeName> names() const;
  [[nodiscard]] bool has(const NodeName& node) const;

  /// A strategy has named a node that is not connected. True: try it; it was not tried just now.
  [[nodiscard]] bool may_try(const NodeName& found, Time now);
  /// A connection could not be made. True: it is a seed, and people should hear of it (again).
  [[nodiscard]] bool should_warn(const NodeName& node, node::ConnectFailure failure, Time now);

 private:
  mutable std::mutex mutex_;
  std::vector<NodeName> names_;
  std::map<NodeName, Time> tried_;
  std::map<std::pair<NodeName, node::ConnectFailure>, Time> warned_;
};

}  // namespace brood::supervisor
