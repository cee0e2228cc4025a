// DynamicQuorum: a part of the cluster runs children while it has at least so many percent of the nodes that
// were there threshold_time ago. Nodes that are lost one after the other, each later than that, are no longer
// counted; those that are lost together are.
//
// Thread rule: const and stateless.
#pragma once

#include <brood/strategies.hpp>

namespace brood::core {

struct DynamicQuorumSettings {
  double quorum_size = 0;  ///< Percent, above 0 and at most 100.
  std::chrono::nanoseconds threshold_time = std::chrono::seconds(30);
  LockTimes times;
};

class DynamicQuorum final : public PartitionTolerance {
 public:
  explicit DynamicQuorum(const DynamicQuorumSettings& settings) : settings_(settings) {}
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] bool may_run(const Tally& tally) const override;
  [[nodiscard]] std::optional<CensusRule> census() const override;
  [[nodiscard]] LockTimes times() const override { return settings_.times; }
  [[nodiscard]] std::string needs(const Tally& tally) const override;

 private:
  DynamicQuorumSettings settings_;
};

}  // namespace brood::core
