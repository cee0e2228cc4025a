// Guided placement: the starter of a child says on which nodes it runs (its spec's `mapping`), and it runs
// nowhere else. While none of them is there, it waits for them. Requests about a child are coordinated by the
// node to which weighted rendezvous gives its id.
//
// Thread rule: pure functions.
#pragma once

#include <brood/strategies.hpp>

namespace brood::core {

class Guided final : public Distribution {
 public:
  [[nodiscard]] std::string name() const override { return "guided/1"; }
  [[nodiscard]] std::shared_ptr<const Ring> prepare(std::vector<RingNode> nodes) const override;
  /// invalid_argument, and as its detail the atom missing_child_mapping (it has no mapping) or
  /// child_replication_mismatch (it names more nodes, or fewer, than it has instances).
  [[nodiscard]] Result<void> accepts(const RingKey& child, std::size_t instances) const override;
};

}  // namespace brood::core
