// Order: a child that is to start after others waits on its node until these run, and are healthy where they
// have a check. One that was stopped, or has ended for good, is waited for by nobody. One that is not known
// has ended, for a child that somebody started; for one of a file it is another of that file, which is still
// to come. What runs already, and what is started again where it ran, waits for nothing.
//
// Owns: who waits for whom. Reads: rows, instances. Thread rule: none; owned by one core.
#pragma once

#include <map>
#include <vector>

#include "core/rows/instances.hpp"

namespace brood::core {

class Order {
 public:
  Order(const ChildTable& children, const Instances& instances)
      : children_(children), instances_(instances) {}

  /// The child, which is to start here, has to wait; changed() will name it.
  [[nodiscard]] bool waits(const Child& child);
  /// Something about that child has changed: those that wait for it, who have to be looked at. O(log of the
  /// waits).
  [[nodiscard]] std::vector<ChildRef> changed(const ChildId& id);

 private:
  [[nodiscard]] bool holds_up(const ChildId& id, const Spec& spec) const;

  const ChildTable& children_;
  const Instances& instances_;
  std::map<ChildId, std::vector<ChildRef>> waiting_;
};

}  // namespace brood::core
