// The strategies that come with brood: one function each, which reads the settings that it has. The caller
// looks at SettingsReader::finish() afterwards, so a strategy that is made from wrong settings is never used.
//
// Thread rule: pure functions.
#pragma once

#include <brood/strategies.hpp>

#include "core/placement/settings_reader.hpp"

namespace brood::core {

[[nodiscard]] std::shared_ptr<const Distribution> make_weighted_rendezvous(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Distribution> make_libring(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Distribution> make_guided(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Distribution> make_load_balancer(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Redundancy> make_singularity(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Redundancy> make_replication(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Migration> make_cold_swap(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Migration> make_hot_swap(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Synchronisation> make_pubsub(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const Synchronisation> make_gossip(SettingsReader& settings);
/// What both kinds of synchronisation have.
[[nodiscard]] std::chrono::milliseconds read_sync_interval(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const PartitionTolerance> make_divergence(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const PartitionTolerance> make_static_quorum(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const PartitionTolerance> make_dynamic_quorum(SettingsReader& settings);
[[nodiscard]] std::shared_ptr<const PartitionTolerance> make_majority_quorum(SettingsReader& settings);

}  // namespace brood::core
