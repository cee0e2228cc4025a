#include "core/placement/dynamic_quorum.hpp"

#include <fmt/format.h>

#include "core/placement/built_in.hpp"
#include "core/placement/lock_times.hpp"

namespace brood::core {

std::string DynamicQuorum::name() const {
  return fmt::format("dynamic_quorum/1 quorum_size={} threshold_time={}", settings_.quorum_size,
                     std::chrono::duration<double>(settings_.threshold_time).count());
}

bool DynamicQuorum::may_run(const Tally& tally) const {
  return static_cast<double>(tally.here) * 100 >= settings_.quorum_size * static_cast<double>(tally.size);
}

std::optional<CensusRule> DynamicQuorum::census() const {
  return CensusRule{1, true, settings_.threshold_time};
}

std::string DynamicQuorum::needs(const Tally& /*tally*/) const {
  return fmt::format("{} % are needed", settings_.quorum_size);
}

std::shared_ptr<const PartitionTolerance> make_dynamic_quorum(SettingsReader& settings) {
  DynamicQuorumSettings read;
  if (!settings.has("quorum_size"))
    settings.problem("quorum_size", "has to be given: how many percent of the nodes are needed");
  read.quorum_size = settings.number("quorum_size", 100, 0.001, 100);
  const std::chrono::duration<double> threshold(settings.number("threshold_time", 30, 0.001, 1e7));
  read.threshold_time = std::chrono::duration_cast<std::chrono::nanoseconds>(threshold);
  read.times = read_lock_times(settings);
  return std::make_shared<DynamicQuorum>(read);
}

}  // namespace brood::core
