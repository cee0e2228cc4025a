#include "supervisor/driver/registry_writer.hpp"

#include <algorithm>

#include "supervisor/driver/uptime.hpp"
#include "supervisor/node/clock.hpp"

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
      entry.failed = row->trouble->failed;
      entry.failure = row->trouble->failure;
      entry.not_before = row->trouble->not_before;
    } else {
      // Stopped, and something of it is still there: what it is can be shown until that has ended.
      if (const EntryPtr old = registry_.find(id)) entry.spec = old->spec;
      entry.wanted = false;
    }
    entry.places.reserve(instances.size());
    for (auto& [host, instance] : instances) {
      entry.places.push_back({shared(host), instance.pid, instance.phase, instance.os_pid, instance.restarts,
                              instance.epoch.clock, instance.since, std::move(instance.reason),
                              instance.retry_at});
      entry.places.back().role = instance.role;
      entry.places.back().health = instance.health;
      if (entry.places.back().is_running()) note_uptime(id, entry.places.back());
    }
    registry_.put(id, std::move(entry));
  }
}

void RegistryWriter::note_uptime(const ChildId& id, Place& place) const {
  const EntryPtr old = registry_.find(id);
  const Place* before = nullptr;
  if (old)
    for (const Place& other : old->places)
      if (*other.host == *place.host && other.is_running()) before = &other;
  // The same process, also where it has a new epoch since it is the active one.
  if (before && before->pid == place.pid) {
    place.up_since = before->up_since;
    return;
  }
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(read_clocks().wall);
  place.up_since =
      up_since(place, before, tables_.is_here(*place.host), {std::chrono::steady_clock::now(), wall});
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
