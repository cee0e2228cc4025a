// Registry: this node's copy of the supervisor's tables for readers on any thread. Written by the driver only
// (control thread), after each step, before any reply of that step: so whoever got an answer reads what it
// says.
//
// Thread rule: reading functions from any thread; put() and erase() from the control thread. Readers share a
// lock with the writer of the same shard only.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "core/types.hpp"

namespace brood::supervisor {

/// Where an instance runs. The session is shared by all instances of that node.
struct Place {
  std::shared_ptr<const core::SessionId> host;
  core::ProcessId pid;
  core::Phase phase = core::Phase::starting;
  std::int32_t os_pid = 0;
  std::uint32_t restarts = 0;
  core::Hlc epoch_clock;
  core::Hlc since;
  std::string reason;
  std::chrono::steady_clock::time_point up_since{};  ///< See uptime.hpp; of what runs.

  /// Zero process ids belong to instances that do not run (yet, or just now).
  [[nodiscard]] bool has_pid() const { return pid.id != 0 || pid.serial != 0; }
  [[nodiscard]] bool is_running() const {
    return has_pid() && (phase == core::Phase::running || phase == core::Phase::stuck);
  }
  [[nodiscard]] Pid full_pid() const { return {host->node, pid.id, pid.serial, host->creation}; }
};

struct Entry {
  core::SpecPtr spec;
  bool wanted = true;
  bool failed = false;
  std::string failure;
  std::vector<Place> places;  ///< The one in the placement first.

  [[nodiscard]] const Place* running() const;
};

class Registry {
 public:
  void put(const ChildId& id, Entry entry);
  void erase(const ChildId& id);

  [[nodiscard]] std::optional<Entry> find(const ChildId& id) const;
  /// The place of the running instance; nullopt when there is none.
  [[nodiscard]] std::optional<Place> running(const ChildId& id) const;
  [[nodiscard]] std::optional<ChildId> whois(const Pid& pid) const;
  /// Every entry, shard by shard: each shard as of one moment. `visit` must be quick and must not call back.
  void for_each(const std::function<void(const ChildId&, const Entry&)>& visit) const;
  [[nodiscard]] std::size_t wanted_count() const;

 private:
  struct Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<ChildId, Entry> entries;
  };
  [[nodiscard]] Shard& shard(const ChildId& id) const;

  static constexpr std::size_t shard_count = 64;
  mutable std::array<Shard, shard_count> shards_;
};

}  // namespace brood::supervisor
