#include "core/placement/load_balancer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/placement/built_in.hpp"
#include "core/placement/rendezvous.hpp"

namespace brood::core {
namespace {

// Where each of these counts as a whole.
constexpr std::uint64_t run_queue_full = 100;
constexpr std::uint64_t processes_full = 10'000;
constexpr std::uint64_t memory_full = std::uint64_t{1} << 30;
constexpr Ppm capacity_least = whole_ppm / 10;

Ppm share_of(std::uint64_t value, std::uint64_t full) {
  return value >= full ? whole_ppm : static_cast<Ppm>(value * whole_ppm / full);
}

}  // namespace

Ppm score_of(const Load& load, const BalancingSettings& settings) {
  if (load.own_ppm) return std::min(*load.own_ppm, whole_ppm);
  const std::uint64_t weights = std::uint64_t{settings.scheduler_weight} + settings.run_queue_weight +
                                settings.process_weight + settings.memory_weight;
  const std::uint64_t sum =
      std::uint64_t{std::min(load.scheduler_ppm, whole_ppm)} * settings.scheduler_weight +
      std::uint64_t{share_of(load.run_queue, run_queue_full)} * settings.run_queue_weight +
      std::uint64_t{share_of(load.processes, processes_full)} * settings.process_weight +
      std::uint64_t{share_of(load.memory_bytes, memory_full)} * settings.memory_weight;
  return weights == 0 ? 0 : static_cast<Ppm>(sum / weights);
}

Ppm mean_of(const std::deque<Ppm>& newest_first, const BalancingSettings& settings) {
  std::uint64_t weight = whole_ppm, weights = 0, sum = 0;
  for (const Ppm score : newest_first) {
    sum += score * weight / whole_ppm;
    weights += weight;
    weight = weight * settings.decay_ppm / whole_ppm;
  }
  return weights == 0 ? 0 : static_cast<Ppm>(sum * whole_ppm / weights);
}

Ppm capacity_of(Ppm score) {
  return std::max(whole_ppm - std::min(score, whole_ppm), capacity_least);
}

// How often a node measures is its own affair.
std::string LoadBalancer::name() const {
  return fmt::format(
      "load_balancer/1 max_history_size={} weight_decay_factor={:.6f} weights={},{},{},{} "
      "nodeup_redistribution={}",
      settings_.history, settings_.decay_ppm / 1e6, settings_.scheduler_weight, settings_.run_queue_weight,
      settings_.process_weight, settings_.memory_weight, settings_.redistributes);
}

std::shared_ptr<const Ring> LoadBalancer::prepare(std::vector<RingNode> nodes) const {
  return rendezvous_ring(std::move(nodes));
}

std::shared_ptr<const Distribution> make_load_balancer(SettingsReader& settings) {
  BalancingSettings made;
  const auto percent = [&](std::string_view key, std::uint32_t otherwise) {
    return static_cast<std::uint32_t>(settings.integer(key, otherwise, 0, 100));
  };
  made.history = static_cast<std::uint32_t>(settings.integer("max_history_size", made.history, 1, 1000));
  made.decay_ppm =
      static_cast<std::uint32_t>(settings.number("weight_decay_factor", 0.9, 0.0, 1.0) * whole_ppm + 0.5);
  made.push_interval = settings.milliseconds("push_interval_ms", made.push_interval,
                                             std::chrono::milliseconds(100), std::chrono::hours(1));
  made.redistributes = settings.boolean("nodeup_redistribution", made.redistributes);
  made.scheduler_weight = percent("scheduler_weight", made.scheduler_weight);
  made.run_queue_weight = percent("run_queue_weight", made.run_queue_weight);
  made.process_weight = percent("process_weight", made.process_weight);
  made.memory_weight = percent("memory_weight", made.memory_weight);
  return std::make_shared<LoadBalancer>(made);
}

}  // namespace brood::core
