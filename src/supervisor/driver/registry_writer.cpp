#include "supervisor/driver/registry_writer.hpp"

#include <algorithm>

namespace brood::supervisor {

void RegistryWriter::publish(const std::vector<ChildId>& changed) {
  for (const ChildId& id : changed) {
    const core::SpecRow* row = tables_.spec(id);
    auto instances = tables_.instances(id);
    if (!row && instances.empty()) {
      registry_.erase(id);
      continue;
    }
    Entry entry;
    if (row) {
      entry.spec = row->spec;
      entry.wanted = row->wanted;
      entry.failed = row->failed;
      entry.failure = row->failure;
    } else {
      entry.wanted = false;
    }
    entry.places.reserve(instances.size());
    for (auto& [host, instance] : instances) {
      entry.places.push_back({shared(host), instance.pid, instance.phase, instance.os_pid, instance.restarts,
                              instance.epoch.clock, instance.since, std::move(instance.reason)});
    }
    registry_.put(id, std::move(entry));
  }
}

std::shared_ptr<const core::SessionId> RegistryWriter::shared(const core::SessionId& session) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end())
    if (auto alive = found->second.lock()) return alive;
  if (sessions_.size() >= reap_at_) {
    std::erase_if(sessions_, [](const auto& item) { return item.second.expired(); });
    reap_at_ = std::max<std::size_t>(64, 2 * sessions_.size());
  }
  auto made = std::make_shared<const core::SessionId>(session);
  sessions_[session] = made;
  return made;
}

}  // namespace brood::supervisor
