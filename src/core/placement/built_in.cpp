// The strategies that are chosen where nothing is said, but for the distribution (rendezvous.cpp).
#include "core/placement/built_in.hpp"

#include <algorithm>

namespace brood::core {
namespace {

class Singularity final : public Redundancy {
 public:
  [[nodiscard]] std::string name() const override { return "singularity/1"; }
  [[nodiscard]] std::size_t instances(std::size_t eligible) const override {
    return std::min<std::size_t>(eligible, 1);
  }
};

class ColdSwap final : public Migration {
 public:
  [[nodiscard]] std::string name() const override { return "cold_swap/1"; }
  [[nodiscard]] bool keeps_state() const override { return true; }
  [[nodiscard]] bool stops_before_start() const override { return true; }
};

class PubSub final : public Synchronisation {
 public:
  [[nodiscard]] std::string name() const override { return "pubsub/1"; }
  [[nodiscard]] bool sends_to(std::size_t /*place*/, std::size_t /*members*/,
                              std::uint64_t /*number*/) const override {
    return true;
  }
};

class Divergence final : public PartitionTolerance {
 public:
  [[nodiscard]] std::string name() const override { return "divergence/1"; }
  [[nodiscard]] bool may_run(const Tally& /*tally*/) const override { return true; }
  [[nodiscard]] bool locks() const override { return false; }
  [[nodiscard]] std::string needs(const Tally& /*tally*/) const override { return "nothing is needed"; }
};

}  // namespace

std::shared_ptr<const Redundancy> make_singularity(SettingsReader& /*settings*/) {
  return std::make_shared<Singularity>();
}

std::shared_ptr<const Migration> make_cold_swap(SettingsReader& /*settings*/) {
  return std::make_shared<ColdSwap>();
}

std::shared_ptr<const Synchronisation> make_pubsub(SettingsReader& /*settings*/) {
  return std::make_shared<PubSub>();
}

std::shared_ptr<const PartitionTolerance> make_divergence(SettingsReader& /*settings*/) {
  return std::make_shared<Divergence>();
}

}  // namespace brood::core
