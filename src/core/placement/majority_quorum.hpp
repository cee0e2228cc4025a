// MajorityQuorum: a part of the cluster runs children while it has more than half of the cluster, which is as
// large as it has ever been, less the nodes that left in good order.
//
// Thread rule: const and stateless.
#pragma once

#include <brood/strategies.hpp>

namespace brood::core {

struct MajorityQuorumSettings {
  std::size_t initial_cluster_size = 1;  ///< At least 1.
  bool track_max_size = true;            ///< false: the size is initial_cluster_size until it is reset.
  LockTimes times;
};

class MajorityQuorum final : public PartitionTolerance {
 public:
  explicit MajorityQuorum(const MajorityQuorumSettings& settings) : settings_(settings) {}
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] bool may_run(const Tally& tally) const override;
  [[nodiscard]] std::optional<CensusRule> census() const override;
  [[nodiscard]] LockTimes times() const override { return settings_.times; }
  [[nodiscard]] std::string needs(const Tally& tally) const override;

 private:
  MajorityQuorumSettings settings_;
};

}  // namespace brood::core
