#include "core/strategies.hpp"

#include <algorithm>

#include "core/placement.hpp"

namespace brood::core {
namespace {

class Singularity final : public Redundancy {
 public:
  [[nodiscard]] std::size_t instances(std::size_t eligible) const override {
    return std::min<std::size_t>(eligible, 1);
  }
};

class ColdSwap final : public Migration {
 public:
  [[nodiscard]] bool stops_before_start() const override { return true; }
};

class PubSub final : public Synchronisation {
 public:
  [[nodiscard]] bool sends_to(const Member& /*member*/, std::uint64_t /*number*/) const override {
    return true;
  }
};

class Divergence final : public PartitionTolerance {
 public:
  [[nodiscard]] bool may_run(std::size_t /*up*/, std::size_t /*known*/) const override { return true; }
};

}  // namespace

Strategies built_in_strategies() {
  return {std::make_shared<WeightedRendezvous>(), std::make_shared<Singularity>(),
          std::make_shared<ColdSwap>(), std::make_shared<PubSub>(), std::make_shared<Divergence>()};
}

}  // namespace brood::core
