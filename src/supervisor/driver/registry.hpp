// Registry: this node's copy of the supervisor's tables for readers on any thread. Written by the driver only
// (control thread), after each step, before any reply of that step: so whoever got an answer reads what it
// says.
//
// An entry is immutable: a change replaces it. A reader holds a share of it and no lock, so that nothing is
// sorted, encoded or copied while a shard is locked.
//
// Thread rule: reading functions from any thread; put() and erase() from the control thread. Readers share a
// lock with the writer of the same shard only.
#pragma once

#include <array>
#include <atomic>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "base/rarely.hpp"
#include "base/table_parts.hpp"
#include "core/base/types.hpp"

namespace brood::supervisor {

/// Where an instance runs. The session is shared by all instances of that node.
struct Place {
  std::shared_ptr<const core::SessionId> host;
  core::ProcessId pid;
  core::Phase phase = core::Phase::starting;
  core::Role role = core::Role::active;
  core::Health health = core::Health::none;
  std::int32_t os_pid = 0;
  std::uint32_t restarts = 0;
  core::Hlc epoch_clock;
  core::Hlc since;
  Rarely<std::string> reason;
  core::Hlc retry_at{};  ///< While it is restarting: the wall time of the next try.
  std::chrono::steady_clock::time_point up_since{};  ///< See uptime.hpp; of what runs.

  /// Zero process ids belong to instances that do not run (yet, or just now).
  [[nodiscard]] bool has_pid() const { return pid.id != 0 || pid.serial != 0; }
  [[nodiscard]] bool is_running() const {
    return has_pid() && (phase == core::Phase::running || phase == core::Phase::stuck);
  }
  [[nodiscard]] bool is_active() const { return role == core::Role::active; }
  [[nodiscard]] Pid full_pid() const { return {host->node, pid.id, pid.serial, host->creation}; }
};

/// Mostly one, which then lies in the entry.
using Places = boost::container::small_vector<Place, 1>;

struct Entry {
  core::SpecPtr spec;  ///< Null where this node has never seen a row of it.
  bool wanted = true;
  bool failed = false;
  bool held = false;            ///< SpecRow::held: it begins anew once nothing of the former one is left.
  Rarely<std::string> failure;  ///< Why it is failed, or why it waits for not_before.
  core::Hlc not_before{};  ///< While it runs nowhere: the wall time of the next try; 0: none is waited for.
  Places places;           ///< Active ones first, each kind in the order of the placement.

  /// The first that runs and is active.
  [[nodiscard]] const Place* running() const;
  /// The same, on this node if there is one here.
  [[nodiscard]] const Place* nearest(const std::function<bool(const NodeName&)>& is_here) const;
  /// It was stopped, and something of it is still there.
  [[nodiscard]] bool is_stopping() const { return !wanted && !places.empty() && spec != nullptr; }
  /// To be shown among the children: wanted, or on its way out.
  [[nodiscard]] bool is_shown() const { return wanted || is_stopping(); }
};
using EntryPtr = std::shared_ptr<const Entry>;

class Registry {
 public:
  void put(const ChildId& id, Entry entry);
  void erase(const ChildId& id);

  /// What was put last, for the thread that puts: without a lock. Until it puts the next for that id.
  [[nodiscard]] const Entry* written(const ChildId& id) const;

  /// nullptr: there is none.
  [[nodiscard]] EntryPtr find(const brood::detail::IdKey& id) const;
  /// The process of Entry::running(); nullopt when there is none. Takes no share of the entry.
  [[nodiscard]] std::optional<Pid> running(const brood::detail::IdKey& id) const;
  /// The child with that process, whether it is wanted or not.
  [[nodiscard]] std::optional<ChildId> whois(const Pid& pid) const;

  using Item = std::pair<ChildId, EntryPtr>;
  /// The tables are divided into this many parts, each as large as the others by chance, in the order of
  /// follows().
  static constexpr std::size_t part_count = 256;
  /// The entries of one part that follow `after` (all, if there is none) and `keep` wants, as of one moment,
  /// in no order. `keep` must be quick and must not call back.
  [[nodiscard]] std::vector<Item> part(std::size_t index, const ChildId* after,
                                       const std::function<bool(const Entry&)>& keep) const;
  [[nodiscard]] static std::size_t part_of(const brood::detail::IdKey& id) { return part_of(id.hash()); }
  /// The order of the pages: by hash, then by id. The same on every node, and known without an index.
  [[nodiscard]] static bool follows(const ChildId& id, const ChildId& after);
  /// Every entry, part by part: each part as of one moment; no lock is held while `visit` runs.
  void for_each(const std::function<void(const ChildId&, const Entry&)>& visit) const;
  [[nodiscard]] std::size_t wanted_count() const { return wanted_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// How many instances with a process each node has.
  [[nodiscard]] std::map<NodeName, std::int64_t> counts_by_node() const;

 private:
  /// What is known of an id, and for running() the one thing that is asked for most: a cache line in all.
  struct Row {
    EntryPtr entry;
    const core::SessionId* host = nullptr;  ///< The entry's; null: it does not run.
    core::ProcessId pid;
  };
  struct OfHash {
    std::uint64_t hash = 0;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const brood::detail::IdKey& id) const { return table_hash(id.hash()); }
    std::size_t operator()(const OfHash& any) const { return table_hash(any.hash); }
  };
  struct Equal {
    using is_transparent = void;
    using Key = brood::detail::IdKey;
    bool operator()(const Key& a, const Key& b) const { return a == b; }
    bool operator()(const OfHash& any, const Key& id) const { return any.hash == id.hash(); }
    bool operator()(const Key& id, const OfHash& any) const { return any.hash == id.hash(); }
  };
  struct Shard {
    mutable std::shared_mutex mutex;
    boost::unordered_flat_map<ChildId, Row, Hash, Equal> rows;
  };
  /// The hashes of the children with a process of that key: one, but for chance and malice.
  struct Owners {
    std::uint64_t first = 0;
    std::unique_ptr<std::vector<std::uint64_t>> more;
  };
  struct Mixed {
    using is_avalanching = void;
    std::size_t operator()(std::uint64_t key) const { return table_hash(key); }
  };
  struct PidShard {
    mutable std::shared_mutex mutex;
    boost::unordered_flat_map<std::uint64_t, Owners, Mixed> owners;
  };
  [[nodiscard]] static std::size_t part_of(std::uint64_t hash);
  void index(const ChildId& id, const Entry* old, const Entry* now);
  void own(std::uint64_t key, std::uint64_t id_hash);
  void disown(std::uint64_t key, std::uint64_t id_hash);

  mutable std::array<Shard, part_count> shards_;
  mutable std::array<PidShard, 64> pids_;
  std::atomic<std::size_t> wanted_{0};
  std::atomic<std::size_t> size_{0};
  mutable std::mutex counts_mutex_;
  std::map<NodeName, std::int64_t> counts_;
};

}  // namespace brood::supervisor
