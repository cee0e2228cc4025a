#include "supervisor/node/node_watch.hpp"

#include <vector>

#include "process/callback.hpp"

namespace brood::supervisor {

namespace {

/// Of a user, on the network's thread.
void run(const NodeWatch::Told& told, const NodeStatus& node) {
  process::run_callback("a monitor_nodes callback", [&] { told(node); });
}

}  // namespace

std::uint64_t NodeWatch::add(Told told) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t watcher = ++last_;
  const auto now_up = up_;  // it may remove itself, and others may be added by it
  watchers_.emplace(watcher, told);
  for (const auto& [name, node] : now_up) {
    if (watchers_.contains(watcher)) run(told, node);
  }
  return watcher;
}

void NodeWatch::remove(std::uint64_t watcher) {
  const std::lock_guard lock(mutex_);
  watchers_.erase(watcher);
}

void NodeWatch::up(NodeStatus node) {
  const std::lock_guard lock(mutex_);
  node.up = true;
  up_[node.name] = node;
  tell(node);
}

void NodeWatch::down(const NodeName& name, NodeDownReason reason, const std::string& words) {
  const std::lock_guard lock(mutex_);
  auto found = up_.extract(name);
  if (found.empty()) return;
  NodeStatus& node = found.mapped();
  node.up = false;
  node.reason = reason;
  node.words = words;
  tell(node);
}

void NodeWatch::tell(const NodeStatus& node) {
  std::vector<std::uint64_t> all;
  for (const auto& [watcher, told] : watchers_) all.push_back(watcher);
  for (const std::uint64_t watcher : all) {
    const auto found = watchers_.find(watcher);
    if (found == watchers_.end()) continue;
    const Told told = found->second;  // lives on if it removes itself
    run(told, node);
  }
}

}  // namespace brood::supervisor

namespace brood::inline v0 {

std::string_view to_string(NodeDownReason reason) noexcept {
  switch (reason) {
    case NodeDownReason::connection_closed:
      return "connection_closed";
    case NodeDownReason::net_tick_timeout:
      return "net_tick_timeout";
    case NodeDownReason::disconnect:
      return "disconnect";
    case NodeDownReason::replaced:
      return "replaced";
    case NodeDownReason::protocol_error:
      return "protocol_error";
    case NodeDownReason::overflow:
      return "overflow";
  }
  return "unknown";
}

}  // namespace brood::inline v0
