// The strategies that come with brood, but for the distribution (placement/rendezvous.cpp).
#include <algorithm>
#include <array>

#include "core/placement/rendezvous.hpp"
#include "core/placement/strategies.hpp"

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
  [[nodiscard]] bool stops_before_start() const override { return true; }
};

class PubSub final : public Synchronisation {
 public:
  [[nodiscard]] std::string name() const override { return "pubsub/1"; }
  [[nodiscard]] bool passes_on() const override { return false; }
  void recipients(const Spreading& batch, std::vector<std::size_t>& to) const override {
    for (std::size_t place = 0; place < batch.members; ++place)
      if (place != batch.self) to.push_back(place);
  }
};

class Divergence final : public PartitionTolerance {
 public:
  [[nodiscard]] std::string name() const override { return "divergence/1"; }
  [[nodiscard]] bool may_run(std::size_t /*up*/, std::size_t /*known*/) const override { return true; }
};

struct Choice {
  std::string_view kind;
  std::string_view name;
  void (*choose)(Strategies&);
};

constexpr std::array<Choice, 5> choices{{
    {"distribution", "weighted_rendezvous",
     [](Strategies& all) { all.distribution = std::make_shared<WeightedRendezvous>(); }},
    {"redundancy", "singularity", [](Strategies& all) { all.redundancy = std::make_shared<Singularity>(); }},
    {"migration", "cold_swap", [](Strategies& all) { all.migration = std::make_shared<ColdSwap>(); }},
    {"synchronisation", "pubsub", [](Strategies& all) { all.synchronisation = std::make_shared<PubSub>(); }},
    {"partition", "divergence", [](Strategies& all) { all.partition = std::make_shared<Divergence>(); }},
}};

}  // namespace

Strategies built_in_strategies() {
  return {std::make_shared<WeightedRendezvous>(), std::make_shared<Singularity>(),
          std::make_shared<ColdSwap>(), std::make_shared<PubSub>(), std::make_shared<Divergence>()};
}

bool choose_strategy(Strategies& strategies, std::string_view kind, std::string_view name) {
  for (const Choice& choice : choices) {
    if (choice.kind != kind || choice.name != name) continue;
    choice.choose(strategies);
    return true;
  }
  return false;
}

std::vector<std::string_view> strategy_names(std::string_view kind) {
  std::vector<std::string_view> names;
  for (const Choice& choice : choices)
    if (choice.kind == kind) names.push_back(choice.name);
  return names;
}

}  // namespace brood::core
