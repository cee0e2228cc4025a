#include "core/placement/static_quorum.hpp"

#include <fmt/format.h>

#include "core/placement/built_in.hpp"
#include "core/placement/lock_times.hpp"

namespace brood::core {

std::string StaticQuorum::name() const {
  return fmt::format("static_quorum/1 quorum_size={} startup_confirm={}", settings_.quorum_size,
                     settings_.startup_confirm);
}

bool StaticQuorum::may_run(const Tally& tally) const {
  return tally.members.size() >= settings_.quorum_size;
}

std::string StaticQuorum::needs(const Tally& /*tally*/) const {
  return fmt::format("quorum_size is {}", settings_.quorum_size);
}

std::shared_ptr<const PartitionTolerance> make_static_quorum(SettingsReader& settings) {
  StaticQuorumSettings read;
  if (!settings.has("quorum_size"))
    settings.problem("quorum_size", "has to be given: how many nodes are needed");
  read.quorum_size = static_cast<std::size_t>(settings.integer("quorum_size", 1, 1, 100'000));
  read.startup_confirm = settings.boolean("startup_confirm", true);
  read.times = read_lock_times(settings);
  return std::make_shared<StaticQuorum>(read);
}

}  // namespace brood::core
