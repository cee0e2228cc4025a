#include "supervisor/driver/registry_writer.hpp"

#include <algorithm>

#include "supervisor/driver/uptime.hpp"
#include "supervisor/node/clock.hpp"

namespace brood::supervisor {

Published RegistryWriter::publish(const std::vector<ChildId>& changed) {
  Published all;
  std::optional<UptimeClocks> now;
  for (const ChildId& id : changed) {
    tables_.look_up(id, known_);
    const core::SpecRow* const row = known_.row;
    const Entry* const old = registry_.written(id);
    const auto before = process_here(old);
    if (!row && known_.instances.empty()) {
      if (before) all.moved.push_back({id, std::nullopt});
      registry_.erase(id);
      continue;
    }
    Entry entry;
    if (row) {
      entry.spec = row->spec;
      entry.wanted = row->wanted;
      entry.held = row->held;
      entry.failed = row->trouble->failed;
      entry.failure = row->trouble->failure;
      entry.not_before = row->trouble->not_before;
    } else {
      // Stopped, and something of it is still there: what it is can be shown until that has ended.
      if (old) entry.spec = old->spec;
      entry.wanted = false;
    }
    entry.places.reserve(known_.instances.size());
    for (const auto& [host, instance] : known_.instances) {
      entry.places.push_back({shared(*host), instance->pid, instance->phase, instance->role, instance->health,
                              instance->os_pid, instance->restarts, instance->epoch.clock, instance->since,
                              instance->reason, instance->retry_at});
      Place& place = entry.places.back();
      if (place.is_running()) note_uptime(old, place, now);
    }
    auto here = process_here(&entry);
    // What has no entry yet has no process either.
    if (here != before || (old && old->spec != entry.spec)) all.to_follow.push_back(id);
    if (here != before) all.moved.push_back({id, std::move(here)});
    registry_.put(id, std::move(entry));
  }
  return all;
}

std::vector<MovedHere> RegistryWriter::all_here(const std::vector<ChildId>& ids) const {
  std::vector<MovedHere> all;
  for (const ChildId& id : ids)
    if (auto here = process_here(registry_.written(id))) all.push_back({id, std::move(here)});
  return all;
}

std::optional<Pid> RegistryWriter::process_here(const Entry* entry) const {
  if (!entry) return std::nullopt;
  for (const Place& place : entry->places)
    if (place.is_running() && tables_.is_here(*place.host)) return place.full_pid();
  return std::nullopt;
}

void RegistryWriter::note_uptime(const Entry* old, Place& place, std::optional<UptimeClocks>& now) const {
  const Place* before = nullptr;
  if (old)
    for (const Place& other : old->places)
      if (other.is_running() && *other.host == *place.host) before = &other;
  // The same process, also where it has a new epoch since it is the active one.
  if (before && before->pid == place.pid) {
    place.up_since = before->up_since;
    return;
  }
  if (!now)
    now = UptimeClocks{std::chrono::steady_clock::now(),
                       std::chrono::duration_cast<std::chrono::milliseconds>(read_clocks().wall)};
  place.up_since = up_since(place, before, tables_.is_here(*place.host), *now);
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
