// Outbox: where this node's own changes go, to be sent to the others at the end of the step. Implemented by
// replication.hpp; an interface, so that who writes rows knows nothing of how they spread.
//
// Thread rule: none; owned by one core.
#pragma once

#include "core/base/messages.hpp"

namespace brood::core {

class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void add(SpecChange change) = 0;
  virtual void add(InstanceChange change) = 0;
  virtual void set_member(const Member& self) = 0;
  /// The number of the Delta that will have all that was added up to now: what waits for the others to hold
  /// it waits for the acknowledgement of that one.
  [[nodiscard]] virtual std::uint64_t newest() const = 0;
};

}  // namespace brood::core
