// NodeWatch: who wants to know of nodes that come and go, and the nodes that are connected now.
//
// Thread rule: every function from any thread; calls of watchers are one at a time, on the thread that told
// of the change. A watcher may add and remove watchers. What it throws is logged and counted; the others are
// told all the same.
#pragma once

#include <brood/node.hpp>
#include <map>
#include <mutex>

namespace brood::supervisor {

class NodeWatch {
 public:
  using Told = std::function<void(const NodeStatus&)>;

  /// Tells of all that are up, then of every change.
  std::uint64_t add(Told told);
  void remove(std::uint64_t watcher);

  void up(NodeStatus node);
  /// Nothing when it was not up.
  void down(const NodeName& name, NodeDownReason reason, const std::string& words);

 private:
  void tell(const NodeStatus& node);

  std::recursive_mutex mutex_;  // held while watchers run
  std::map<NodeName, NodeStatus> up_;
  std::map<std::uint64_t, Told> watchers_;
  std::uint64_t last_ = 0;
};

}  // namespace brood::supervisor
