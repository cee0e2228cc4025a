// RegistryWriter: copies what a core has decided into the registry, where other threads read it.
//
// Owns: the sessions that registry entries share. Reads: the core's tables. Writes: the registry, alone.
//
// Thread rule: control thread only.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/core.hpp"
#include "supervisor/driver/registry.hpp"
#include "supervisor/driver/uptime.hpp"

namespace brood::supervisor {

/// What of a core is copied; a seam for tests.
class CoreTables {
 public:
  virtual ~CoreTables() = default;
  virtual void look_up(const ChildId& id, core::Known& into) const = 0;
  /// Of this start of this node.
  [[nodiscard]] virtual bool is_here(const core::SessionId& session) const = 0;
};

/// A child whose process on this node is another one now; no pid: it has none here any more.
struct MovedHere {
  ChildId id;
  std::optional<Pid> pid;
};

struct Published {
  std::vector<MovedHere> moved;
  /// Those of which a process here may have another spec to follow than it has: the spec is another one now,
  /// or the process is.
  std::vector<ChildId> to_follow;
};

class RegistryWriter {
 public:
  RegistryWriter(const CoreTables& tables, Registry& registry) : tables_(tables), registry_(registry) {}

  /// O(1) for each changed child.
  [[nodiscard]] Published publish(const std::vector<ChildId>& changed);
  /// Those that have a process on this node, of these.
  [[nodiscard]] std::vector<MovedHere> all_here(const std::vector<ChildId>& ids) const;
  /// Sessions that are kept; those to which no entry points any more are dropped now and then.
  [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }

 private:
  void note_uptime(const Entry* old, Place& place, std::optional<UptimeClocks>& now) const;
  [[nodiscard]] std::optional<Pid> process_here(const Entry* entry) const;
  std::shared_ptr<const core::SessionId> shared(const core::SessionId& session);

  const CoreTables& tables_;
  Registry& registry_;
  std::map<core::SessionId, std::weak_ptr<const core::SessionId>> sessions_;
  core::Known known_;         ///< Of the child that is copied.
  std::size_t reap_at_ = 64;  ///< Number of sessions at which the unused ones are dropped next.
};

}  // namespace brood::supervisor
