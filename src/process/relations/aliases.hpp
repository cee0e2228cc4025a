// Aliases: which process of this node an alias leads to. Whether it still is one its process knows
// (Relations), and drops what comes too late.
//
// Thread rule: every function from any thread.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "process/runtime.hpp"

namespace brood::process {

/// When an alias ends; AliasUntil and MonitorAliasUntil in one.
enum class AliasKind : std::uint8_t { explicit_unalias, reply, demonitor, reply_demonitor };

class Aliases {
 public:
  /// The numbers of aliases have it, those of other references never: an answer to a call of ours, which
  /// comes by its reference too, is not looked up here.
  static constexpr std::uint64_t mark = std::uint64_t{1} << 63;
  [[nodiscard]] static bool is_alias(std::uint64_t id) { return (id & mark) != 0; }

  void add(std::uint64_t id, LocalPid owner) {
    Shard& part = shard(id);
    const std::lock_guard lock(part.mutex);
    part.owners.emplace(id, owner);
  }
  void remove(std::uint64_t id) {
    Shard& part = shard(id);
    const std::lock_guard lock(part.mutex);
    part.owners.erase(id);
  }
  [[nodiscard]] std::optional<LocalPid> owner(std::uint64_t id) {
    Shard& part = shard(id);
    const std::lock_guard lock(part.mutex);
    const auto found = part.owners.find(id);
    return found == part.owners.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, LocalPid> owners;
  };
  Shard& shard(std::uint64_t id) { return shards_[id % shards_.size()]; }
  std::array<Shard, 16> shards_;
};

}  // namespace brood::process
