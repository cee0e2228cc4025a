#include "supervisor/driver/pg_feed.hpp"

namespace brood::supervisor {

void PgFeed::publish(const std::vector<ChildId>& changed, const NodeName& self, std::uint32_t creation) {
  std::vector<PgChange> changes;
  changes.reserve(changed.size());
  for (const ChildId& id : changed) {
    std::optional<Pid> here;
    for (const auto& [host, instance] : tables_.instances(id)) {
      if (host.node != self || host.creation != creation) continue;
      if (instance.phase != core::Phase::running && instance.phase != core::Phase::stuck) continue;
      here = Pid{host.node, instance.pid.id, instance.pid.serial, host.creation};
    }
    changes.push_back({id, std::move(here)});
  }
  handle_.changed(std::move(changes));
}

}  // namespace brood::supervisor
