#include "supervisor/driver/registry.hpp"

#include <algorithm>
#include <mutex>

namespace brood::supervisor {

const Place* Entry::running() const {
  auto it = std::find_if(places.begin(), places.end(), [](const Place& place) { return place.is_running(); });
  return it == places.end() ? nullptr : &*it;
}

Registry::Shard& Registry::shard(const ChildId& id) const {
  // The high bits: the map inside the shard uses the low ones.
  return shards_[(id.hash64() >> 32) % shard_count];
}

void Registry::put(const ChildId& id, Entry entry) {
  Shard& home = shard(id);
  std::unique_lock lock(home.mutex);
  home.entries.insert_or_assign(id, std::move(entry));
}

void Registry::erase(const ChildId& id) {
  Shard& home = shard(id);
  std::unique_lock lock(home.mutex);
  home.entries.erase(id);
}

std::optional<Entry> Registry::find(const ChildId& id) const {
  Shard& home = shard(id);
  std::shared_lock lock(home.mutex);
  auto it = home.entries.find(id);
  if (it == home.entries.end()) return std::nullopt;
  return it->second;
}

std::optional<Place> Registry::running(const ChildId& id) const {
  Shard& home = shard(id);
  std::shared_lock lock(home.mutex);
  auto it = home.entries.find(id);
  if (it == home.entries.end()) return std::nullopt;
  const Place* place = it->second.running();
  return place ? std::optional<Place>(*place) : std::nullopt;
}

std::optional<ChildId> Registry::whois(const Pid& pid) const {
  std::optional<ChildId> found;
  for (Shard& each : shards_) {
    std::shared_lock lock(each.mutex);
    for (const auto& [id, entry] : each.entries) {
      for (const Place& place : entry.places) {
        if (place.pid.id == pid.id && place.pid.serial == pid.serial && place.has_pid() &&
            place.host->node == pid.node && place.host->creation == pid.creation) {
          return id;
        }
      }
    }
  }
  return found;
}

void Registry::for_each(const std::function<void(const ChildId&, const Entry&)>& visit) const {
  for (Shard& each : shards_) {
    std::shared_lock lock(each.mutex);
    for (const auto& [id, entry] : each.entries) visit(id, entry);
  }
}

std::size_t Registry::wanted_count() const {
  std::size_t count = 0;
  for_each([&](const ChildId&, const Entry& entry) { count += entry.wanted ? 1 : 0; });
  return count;
}

}  // namespace brood::supervisor
