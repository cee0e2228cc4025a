#include "supervisor/driver/registry.hpp"

#include <algorithm>
#include <mutex>

#include "base/hash.hpp"
#include "flow/meant_instance.hpp"

namespace brood::supervisor {

namespace {

std::uint64_t pid_key(const core::ProcessId& pid, std::uint32_t creation) {
  return mix64((std::uint64_t{pid.serial} << 32 | pid.id) ^ std::uint64_t{creation} << 17);
}

bool is_at(const Place& place, const Pid& pid) {
  return place.has_pid() && place.pid.id == pid.id && place.pid.serial == pid.serial &&
         place.host->creation == pid.creation && place.host->node == pid.node;
}

bool has_process(const Entry& entry, const Pid& pid) {
  return std::any_of(entry.places.begin(), entry.places.end(),
                     [&](const Place& place) { return is_at(place, pid); });
}

bool has_place(const Entry* entry, const Place& place) {
  if (entry == nullptr) return false;
  return std::any_of(entry->places.begin(), entry->places.end(), [&](const Place& other) {
    return other.has_pid() && other.pid == place.pid &&
           (other.host == place.host || *other.host == *place.host);
  });
}

flow::InstanceSight sight_of(const Place& place) {
  return {place.has_pid(), place.is_running(), place.is_active(), place.phase == core::Phase::moved};
}

}  // namespace

const Place* Entry::running() const {
  return flow::running_instance(places, sight_of);
}

const Place* Entry::nearest(const std::function<bool(const NodeName&)>& is_here) const {
  return flow::nearest_instance(places, sight_of,
                                [&](const Place& place) { return is_here(place.host->node); });
}

std::size_t Registry::part_of(std::uint64_t hash) {
  // The highest bits, so that the parts come in the order of the hash.
  return static_cast<std::size_t>(hash / (UINT64_MAX / part_count + 1));
}

bool Registry::follows(const ChildId& id, const ChildId& after) {
  const std::uint64_t a = id.hash();
  const std::uint64_t b = after.hash();
  return a != b ? a > b : id > after;
}

void Registry::put(const ChildId& id, Entry entry) {
  Shard& home = shards_[part_of(id)];
  auto made = std::make_shared<const Entry>(std::move(entry));
  Row row{made, nullptr, {}};
  if (const Place* const place = made->running()) {
    row.host = place->host.get();
    row.pid = place->pid;
  }
  {
    std::unique_lock lock(home.mutex);
    std::swap(home.rows[id], row);
  }
  index(id, row.entry.get(), made.get());
}

void Registry::erase(const ChildId& id) {
  Shard& home = shards_[part_of(id)];
  EntryPtr old;
  {
    std::unique_lock lock(home.mutex);
    const auto it = home.rows.find(id);
    if (it == home.rows.end()) return;
    old = std::move(it->second.entry);
    home.rows.erase(it);
  }
  index(id, old.get(), nullptr);
}

// What is derived from the entries. A reader may see the one changed and the other not yet: whois() looks at
// the entry too.
void Registry::index(const ChildId& id, const Entry* old, const Entry* now) {
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
      own(pid_key(place.pid, place.host->creation), id.hash());
      count(place, 1);
    }
  }
  if (old == nullptr) return;
  for (const Place& place : old->places) {
    if (!place.has_pid() || has_place(now, place)) continue;
    disown(pid_key(place.pid, place.host->creation), id.hash());
    count(place, -1);
  }
}

void Registry::own(std::uint64_t key, std::uint64_t id_hash) {
  PidShard& shard = pids_[key >> 58];
  std::unique_lock lock(shard.mutex);
  const auto [it, is_new] = shard.owners.try_emplace(key, Owners{id_hash, nullptr});
  if (is_new) return;
  if (!it->second.more) it->second.more = std::make_unique<std::vector<std::uint64_t>>();
  it->second.more->push_back(id_hash);
}

void Registry::disown(std::uint64_t key, std::uint64_t id_hash) {
  PidShard& shard = pids_[key >> 58];
  std::unique_lock lock(shard.mutex);
  const auto it = shard.owners.find(key);
  if (it == shard.owners.end()) return;
  Owners& owners = it->second;
  if (owners.more) {
    if (const auto at = std::find(owners.more->begin(), owners.more->end(), id_hash);
        at != owners.more->end()) {
      owners.more->erase(at);
    } else if (owners.first == id_hash) {
      owners.first = owners.more->back();
      owners.more->pop_back();
    }
    if (owners.more->empty()) owners.more.reset();
  } else if (owners.first == id_hash) {
    shard.owners.erase(it);
  }
}

const Entry* Registry::written(const ChildId& id) const {
  const auto& rows = shards_[part_of(id)].rows;
  const auto it = rows.find(id);
  return it == rows.end() ? nullptr : it->second.entry.get();
}

EntryPtr Registry::find(const brood::detail::IdKey& id) const {
  const Shard& home = shards_[part_of(id)];
  std::shared_lock lock(home.mutex);
  const auto it = home.rows.find(id);
  return it == home.rows.end() ? nullptr : it->second.entry;
}

std::optional<Pid> Registry::running(const brood::detail::IdKey& id) const {
  const Shard& home = shards_[part_of(id)];
  std::shared_lock lock(home.mutex);
  const auto it = home.rows.find(id);
  if (it == home.rows.end() || it->second.host == nullptr) return std::nullopt;
  const Row& row = it->second;
  return Pid{row.host->node, row.pid.id, row.pid.serial, row.host->creation};
}

std::optional<ChildId> Registry::whois(const Pid& pid) const {
  const std::uint64_t key = pid_key({pid.id, pid.serial}, pid.creation);
  std::vector<std::uint64_t> hashes;
  {
    const PidShard& shard = pids_[key >> 58];
    std::shared_lock lock(shard.mutex);
    const auto it = shard.owners.find(key);
    if (it == shard.owners.end()) return std::nullopt;
    if (it->second.more) hashes = *it->second.more;
    hashes.push_back(it->second.first);
  }
  for (const std::uint64_t hash : hashes) {
    const Shard& home = shards_[part_of(hash)];
    std::shared_lock lock(home.mutex);
    const auto it = home.rows.find(OfHash{hash});
    if (it == home.rows.end()) continue;
    if (has_process(*it->second.entry, pid)) return it->first;
    // Two ids of one hash: somebody has taken pains.
    for (const auto& [id, row] : home.rows)
      if (id.hash() == hash && has_process(*row.entry, pid)) return id;
  }
  return std::nullopt;
}

std::vector<Registry::Item> Registry::part(std::size_t index, const ChildId* after,
                                           const std::function<bool(const Entry&)>& keep) const {
  std::vector<Item> items;
  const Shard& shard = shards_[index];
  std::shared_lock lock(shard.mutex);
  items.reserve(shard.rows.size());
  for (const auto& [id, row] : shard.rows) {
    if (after != nullptr && !follows(id, *after)) continue;
    if (!keep || keep(*row.entry)) items.emplace_back(id, row.entry);
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
