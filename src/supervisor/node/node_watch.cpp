#include "supervisor/node/node_watch.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <vector>

namespace brood::supervisor {

namespace {

/// It is the program's own code, on a thread of the node.
void tell_one(const NodeWatch::Told& told, const NodeStatus& node) {
  try {
    told(node);
  } catch (const std::exception& error) {
    spdlog::error("a function given to monitor_nodes threw: {}", error.what());
  } catch (...) {
    spdlog::error("a function given to monitor_nodes threw what is no std::exception");
  }
}

}  // namespace

std::uint64_t NodeWatch::add(Told told) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t watcher = ++last_;
  const auto now_up = up_;  // it may remove itself, and others may be added by it
  watchers_.emplace(watcher, told);
  for (const auto& [name, node] : now_up) {
    if (watchers_.contains(watcher)) tell_one(told, node);
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

void NodeWatch::down(const std::string& name, NodeDownReason reason, const std::string& words) {
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
    tell_one(told, node);
  }
}

}  // namespace brood::supervisor

namespace brood {

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

}  // namespace brood
