// Replication: a child has as many instances as the factor says, or one on each node, on distinct nodes.
#include <fmt/format.h>

#include <algorithm>

#include "core/placement/built_in.hpp"

namespace brood::core {
namespace {

/// The factor of a child that runs on each node.
constexpr std::size_t on_each_node = 0;

class Replicated final : public Redundancy {
 public:
  Replicated(std::size_t factor, bool one_is_active, std::string signal)
      : factor_(factor), one_is_active_(one_is_active), signal_(std::move(signal)) {}

  [[nodiscard]] std::string name() const override {
    return fmt::format("replication/1 factor={} mode={} signal={}",
                       factor_ == on_each_node ? "cluster_size" : fmt::format("{}", factor_),
                       one_is_active_ ? "active_passive" : "active_active", signal_);
  }
  [[nodiscard]] std::size_t instances(std::size_t eligible) const override {
    return factor_ == on_each_node ? eligible : std::min(factor_, eligible);
  }
  [[nodiscard]] bool one_is_active() const override { return one_is_active_; }
  [[nodiscard]] bool tells(bool is_active) const override {
    return signal_ == "all" || signal_ == (is_active ? "active" : "passive");
  }

 private:
  std::size_t factor_;
  bool one_is_active_;
  std::string signal_;
};

std::size_t read_factor(SettingsReader& settings) {
  constexpr std::int64_t factor_max = 1000;
  const Setting* given = settings.any("factor");
  if (given == nullptr) return 2;
  if (const auto* text = std::get_if<std::string>(given); text != nullptr && *text == "cluster_size")
    return on_each_node;
  const auto* number = std::get_if<std::int64_t>(given);
  if (number != nullptr && *number >= 1 && *number <= factor_max) return static_cast<std::size_t>(*number);
  settings.problem("factor", fmt::format("must be 1 to {} or \"cluster_size\"", factor_max));
  return 2;
}

}  // namespace

std::shared_ptr<const Redundancy> make_replication(SettingsReader& settings) {
  const std::size_t factor = read_factor(settings);
  const std::string mode = settings.one_of("mode", "active_active", {"active_active", "active_passive"});
  std::string signal = settings.one_of("signal", "all", {"all", "none", "active", "passive"});
  return std::make_shared<Replicated>(factor, mode == "active_passive", std::move(signal));
}

}  // namespace brood::core
