// WaitGraph: which process waits in its handler for which other, to find circles. A handler waits for one at
// a time.
//
// Each call that a handler waits for is noted here and taken out again, by whichever threads run the two: so
// it is many small tables, and a wait that closes no circle looks at one or two of them. A wait is noted
// before it is followed. Of those that close a circle the last one noted sees all others, then; what looks
// like a circle while others change it is looked at again with all tables locked.
//
// Thread rule: every function from any thread; a process's own waits follow each other.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <optional>

#include "base/hash.hpp"
#include "base/table_parts.hpp"
#include "process/runtime.hpp"
#include "process/table/identity.hpp"

namespace brood::process {

class WaitGraph {
 public:
  /// Whom the caller waited for before is forgotten. `far`: the callee, where it is of another node.
  WaitBegun add(const WaiterKey& caller, const WaiterKey& callee, std::optional<Pid> far = std::nullopt);
  /// Nothing when it waits for somebody else by now.
  void remove(const WaiterKey& caller, const WaiterKey& callee);
  /// From process to process, as far as this node knows.
  [[nodiscard]] WaitTrail follow(const WaiterKey& from);

 private:
  struct Wait {
    WaiterKey callee;
    std::optional<Pid> far;
    std::uint64_t number = 0;
  };
  struct Hash {
    using is_avalanching = void;
    std::size_t operator()(const WaiterKey& key) const { return mix64(key.node ^ key.process); }
  };
  struct alignas(64) Part {
    std::mutex mutex;
    boost::unordered_flat_map<WaiterKey, Wait, Hash> waits;
    std::uint64_t begun = 0;
  };
  static constexpr std::size_t part_count = 32;  // a thread sanitizer follows 64 locks that a thread holds
  /// Longer ones are followed with all tables locked.
  static constexpr std::size_t steps_unlocked = 32;

  [[nodiscard]] static std::size_t index_of(const WaiterKey& key) {
    return table_part(Hash{}(key)) % part_count;
  }
  [[nodiscard]] Part& part_of(const WaiterKey& key) { return parts_[index_of(key)]; }
  void note(const WaiterKey& caller, const WaiterKey& callee, std::optional<Pid> far);
  [[nodiscard]] std::optional<WaitBegun> follow_unlocked(const WaiterKey& caller, const WaiterKey& callee);
  [[nodiscard]] WaitBegun follow_locked(const WaiterKey& caller, const WaiterKey& callee) const;
  [[nodiscard]] std::array<std::unique_lock<std::mutex>, part_count> lock_all();
  /// With all tables locked.
  [[nodiscard]] const Wait* find(const WaiterKey& caller) const;
  [[nodiscard]] std::size_t size() const;

  std::array<Part, part_count> parts_;
};

}  // namespace brood::process
