#include "supervisor/node/seeds.hpp"

#include <algorithm>

namespace brood::supervisor {

namespace {
/// How long a node that was found and tried is not tried again, and how many such nodes are remembered.
constexpr std::chrono::milliseconds found_pause{1000};
constexpr std::size_t found_max = 4096;
constexpr std::chrono::minutes warning_pause{1};
}  // namespace

void Seeds::add(NodeName seed) {
  const std::lock_guard lock(mutex_);
  names_.push_back(std::move(seed));
}

std::vector<NodeName> Seeds::names() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

bool Seeds::has(const NodeName& node) const {
  const std::lock_guard lock(mutex_);
  return std::find(names_.begin(), names_.end(), node) != names_.end();
}

bool Seeds::may_try(const NodeName& found, Time now) {
  const std::lock_guard lock(mutex_);
  // Strategies repeat themselves, and a name on a list need not be there.
  if (tried_.size() >= found_max) tried_.clear();
  const auto [tried, first] = tried_.try_emplace(found, now);
  if (!first && now - tried->second < found_pause) return false;
  tried->second = now;
  return true;
}

bool Seeds::should_warn(const NodeName& node, node::ConnectFailure failure, Time now) {
  const std::lock_guard lock(mutex_);
  if (std::find(names_.begin(), names_.end(), node) == names_.end()) return false;
  const auto [warned, first] = warned_.try_emplace({node, failure}, now);
  if (!first && now - warned->second < warning_pause) return false;
  warned->second = now;
  return true;
}

}  // namespace brood::supervisor
