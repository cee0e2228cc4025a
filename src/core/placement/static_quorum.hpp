// StaticQuorum: a part of the cluster runs children while it has at least so many members. It is safe where
// that number is more than half of all nodes that there may ever be at the same time.
//
// Thread rule: const and stateless.
#pragma once

#include <brood/strategies.hpp>

namespace brood::core {

struct StaticQuorumSettings {
  std::size_t quorum_size = 0;  ///< Members. At least 1.
  /// false: a node runs children from its start on, until the quorum was there for the first time.
  bool startup_confirm = true;
  LockTimes times;
};

class StaticQuorum final : public PartitionTolerance {
 public:
  explicit StaticQuorum(const StaticQuorumSettings& settings) : settings_(settings) {}
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] bool may_run(const Tally& tally) const override;
  [[nodiscard]] bool free_at_first() const override { return !settings_.startup_confirm; }
  [[nodiscard]] LockTimes times() const override { return settings_.times; }
  [[nodiscard]] std::string needs(const Tally& tally) const override;

 private:
  StaticQuorumSettings settings_;
};

}  // namespace brood::core
