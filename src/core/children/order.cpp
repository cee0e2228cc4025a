#include "core/children/order.hpp"

#include <algorithm>

namespace brood::core {

bool Order::holds_up(const ChildId& id, const Spec& spec) const {
  const Child* child = children_.find(id);
  if (!child || !child->row()) return spec.is_static;
  if (!child->wanted()) return false;
  bool ready = false;
  instances_.each(*child, [&](const Hosted& hosted) { ready = ready || hosted.instance.is_ready(); });
  return !ready;
}

bool Order::waits(const Child& child) {
  for (const ChildId& id : child.row()->spec->extras->after) {
    if (!holds_up(id, *child.row()->spec)) continue;
    auto& others = waiting_[id];
    if (std::find(others.begin(), others.end(), child.ref) == others.end()) others.push_back(child.ref);
    return true;
  }
  return false;
}

std::vector<ChildRef> Order::changed(const ChildId& id) {
  if (waiting_.empty()) return {};
  auto found = waiting_.extract(id);
  return found.empty() ? std::vector<ChildRef>{} : std::move(found.mapped());
}

}  // namespace brood::core
