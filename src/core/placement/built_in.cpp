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
  explicit PubSub(std::chrono::milliseconds sync_interval) : sync_interval_(sync_interval) {}
  [[nodiscard]] std::string name() const override { return "pubsub/1"; }
  [[nodiscard]] bool passes_on() const override { return false; }
  void recipients(const Spreading& batch, std::vector<std::size_t>& to) const override {
    for (std::size_t place = 0; place < batch.members; ++place)
      if (place != batch.self) to.push_back(place);
  }
  [[nodiscard]] std::chrono::milliseconds sync_interval() const override { return sync_interval_; }

 private:
  std::chrono::milliseconds sync_interval_;
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

std::shared_ptr<const Synchronisation> make_pubsub(SettingsReader& settings) {
  return std::make_shared<PubSub>(read_sync_interval(settings));
}

std::chrono::milliseconds read_sync_interval(SettingsReader& settings) {
  using namespace std::chrono_literals;
  return settings.milliseconds("sync_interval_ms", 15s, 100ms, 24h);
}

std::shared_ptr<const PartitionTolerance> make_divergence(SettingsReader& /*settings*/) {
  return std::make_shared<Divergence>();
}

}  // namespace brood::core
