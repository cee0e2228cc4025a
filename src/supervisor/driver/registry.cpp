#include "supervisor/driver/registry.hpp"

#include <algorithm>
#include <mutex>

namespace brood::supervisor {

namespace {

std::uint64_t pid_key(const core::ProcessId& pid, std::uint32_t creation) {
  const std::uint64_t number = std::uint64_t{pid.serial} << 32 | pid.id;
  return (number ^ std::uint64_t{creation} << 17) * 0x9e3779b97f4a7c15U;
}

/// The numbers of processes spread so evenly that shards of one kind are full at the same moment, and all of
/// them would grow within one step: a tenth of a second with a million children. So each is full at another
/// size.
float load_factor(std::size_t part, std::size_t parts) {
  return 0.7F + 0.6F * static_cast<float>(part) / static_cast<float>(parts);
}

bool is_at(const Place& place, const Pid& pid) {
  return place.has_pid() && place.pid.id == pid.id && place.pid.serial == pid.serial &&
         place.host->creation == pid.creation && place.host->node == pid.node;
}

bool has_place(const Entry* entry, const Place& place) {
  if (entry == nullptr) return false;
  return std::any_of(entry->places.begin(), entry->places.end(), [&](const Place& other) {
    return other.has_pid() && other.pid == place.pid &&
           (other.host == place.host || *other.host == *place.host);
  });
}

}  // namespace

const Place* Entry::running() const {
  auto it = std::find_if(places.begin(), places.end(),
                         [](const Place& place) { return place.is_running() && place.is_active(); });
  // Handed over, and not heard of at its new place yet: what is sent to the old pid goes on to there.
  if (it == places.end())
    it = std::find_if(places.begin(), places.end(), [](const Place& place) {
      return place.has_pid() && place.phase == core::Phase::moved;
    });
  return it == places.end() ? nullptr : &*it;
}

const Place* Entry::nearest(const std::function<bool(const NodeName&)>& is_here) const {
  if (places.size() > 1)
    for (const Place& place : places)
      if (place.is_running() && place.is_active() && is_here(place.host->node)) return &place;
  return running();
}

std::size_t Registry::part_of(const ChildId& id) {
  // The highest bits, so that the parts come in the order of the hash; the map inside a shard uses the low
  // ones.
  return static_cast<std::size_t>(id.hash64() / (UINT64_MAX / part_count + 1));
}

bool Registry::follows(const ChildId& id, const ChildId& after) {
  const std::uint64_t a = id.hash64();
  const std::uint64_t b = after.hash64();
  return a != b ? a > b : id > after;
}

void Registry::put(const ChildId& id, Entry entry) {
  Shard& home = shards_[part_of(id)];
  auto made = std::make_shared<const Entry>(std::move(entry));
  EntryPtr old;
  const ChildId* key = nullptr;
  {
    std::unique_lock lock(home.mutex);
    const auto it = home.entries.try_emplace(id).first;
    key = &it->first;
    old = std::exchange(it->second, made);
  }
  index(key, old.get(), made.get());
}

void Registry::erase(const ChildId& id) {
  Shard& home = shards_[part_of(id)];
  decltype(home.entries)::node_type node;
  {
    std::unique_lock lock(home.mutex);
    node = home.entries.extract(id);
  }
  if (!node.empty()) index(&node.key(), node.mapped().get(), nullptr);
}

// What is derived from the entries. A reader may see the one changed and the other not yet: whois() looks at
// the entry too.
void Registry::index(const ChildId* id, const Entry* old, const Entry* now) {
  if (old == nullptr) size_.fetch_add(1, std::memory_order_relaxed);
  if (now == nullptr) size_.fetch_sub(1, std::memory_order_relaxed);
  const bool was_wanted = old != nullptr && old->wanted;
  const bool is_wanted = now != nullptr && now->wanted;
  if (is_wanted && !was_wanted) wanted_.fetch_add(1, std::memory_order_relaxed);
  if (was_wanted && !is_wanted) wanted_.fetch_sub(1, std::memory_order_relaxed);
  const auto count = [&](const Place& place, std::int64_t by) {
    std::lock_guard lock(counts_mutex_);
    const auto it = counts_.try_emplace(place.host->node, 0).first;
    it->second += by;
    if (it->second == 0) counts_.erase(it);
  };
  if (now != nullptr) {
    for (const Place& place : now->places) {
      if (!place.has_pid() || has_place(old, place)) continue;
      const std::uint64_t key = pid_key(place.pid, place.host->creation);
      const std::size_t part = key >> 58;
      PidShard& shard = pids_[part];
      std::unique_lock lock(shard.mutex);
      if (shard.ids.empty()) shard.ids.max_load_factor(load_factor(part, pids_.size()));
      shard.ids.emplace(key, id);
      count(place, 1);
    }
  }
  if (old == nullptr) return;
  for (const Place& place : old->places) {
    if (!place.has_pid() || has_place(now, place)) continue;
    const std::uint64_t key = pid_key(place.pid, place.host->creation);
    PidShard& shard = pids_[key >> 58];
    std::unique_lock lock(shard.mutex);
    auto [begin, end] = shard.ids.equal_range(key);
    const auto mine = std::find_if(begin, end, [&](const auto& item) { return item.second == id; });
    if (mine != end) shard.ids.erase(mine);
    count(place, -1);
  }
}

EntryPtr Registry::find(const ChildId& id) const {
  Shard& home = shards_[part_of(id)];
  std::shared_lock lock(home.mutex);
  auto it = home.entries.find(id);
  return it == home.entries.end() ? nullptr : it->second;
}

std::optional<Place> Registry::running(const ChildId& id) const {
  const EntryPtr entry = find(id);
  const Place* place = entry ? entry->running() : nullptr;
  return place ? std::optional<Place>(*place) : std::nullopt;
}

std::optional<ChildId> Registry::whois(const Pid& pid) const {
  std::vector<ChildId> candidates;
  {
    const std::uint64_t key = pid_key({pid.id, pid.serial}, pid.creation);
    PidShard& shard = pids_[key >> 58];
    std::shared_lock lock(shard.mutex);
    auto [begin, end] = shard.ids.equal_range(key);
    for (auto it = begin; it != end; ++it) candidates.push_back(*it->second);
  }
  for (ChildId& id : candidates) {
    const EntryPtr entry = find(id);
    if (!entry) continue;
    if (std::any_of(entry->places.begin(), entry->places.end(),
                    [&](const Place& place) { return is_at(place, pid); })) {
      return std::move(id);
    }
  }
  return std::nullopt;
}

std::vector<Registry::Item> Registry::part(std::size_t index, const ChildId* after,
                                           const std::function<bool(const Entry&)>& keep) const {
  std::vector<Item> items;
  const Shard& shard = shards_[index];
  std::shared_lock lock(shard.mutex);
  items.reserve(shard.entries.size());
  for (const auto& [id, entry] : shard.entries) {
    if (after != nullptr && !follows(id, *after)) continue;
    if (!keep || keep(*entry)) items.emplace_back(id, entry);
  }
  return items;
}

void Registry::for_each(const std::function<void(const ChildId&, const Entry&)>& visit) const {
  for (std::size_t index = 0; index < part_count; ++index) {
    for (const auto& [id, entry] : part(index, nullptr, nullptr)) visit(id, *entry);
  }
}

std::map<NodeName, std::int64_t> Registry::counts_by_node() const {
  std::lock_guard lock(counts_mutex_);
  return counts_;
}

}  // namespace brood::supervisor
