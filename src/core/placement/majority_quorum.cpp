#include "core/placement/majority_quorum.hpp"

#include <fmt/format.h>

#include "core/placement/built_in.hpp"
#include "core/placement/lock_times.hpp"

namespace brood::core {

std::string MajorityQuorum::name() const {
  return fmt::format("majority_quorum/1 initial_cluster_size={} track_max_size={}",
                     settings_.initial_cluster_size, settings_.track_max_size);
}

bool MajorityQuorum::may_run(const Tally& tally) const {
  return tally.here >= tally.size / 2 + 1;
}

std::optional<CensusRule> MajorityQuorum::census() const {
  CensusRule rule;
  rule.first_size = settings_.initial_cluster_size;
  rule.grows = settings_.track_max_size;
  return rule;
}

std::string MajorityQuorum::needs(const Tally& tally) const {
  return fmt::format("{} are needed", tally.size / 2 + 1);
}

std::shared_ptr<const PartitionTolerance> make_majority_quorum(SettingsReader& settings) {
  MajorityQuorumSettings read;
  read.initial_cluster_size =
      static_cast<std::size_t>(settings.integer("initial_cluster_size", 1, 1, 100'000));
  read.track_max_size = settings.boolean("track_max_size", true);
  read.times = read_lock_times(settings);
  return std::make_shared<MajorityQuorum>(read);
}

}  // namespace brood::core
