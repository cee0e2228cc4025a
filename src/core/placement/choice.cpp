#include "core/placement/choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "core/placement/built_in.hpp"

namespace brood::core {
namespace {

template <typename Kind>
struct BuiltIn {
  std::string_view name;
  std::shared_ptr<const Kind> (*make)(SettingsReader&);
};

// The built-in strategies of each kind. The first of a kind is what is chosen where nothing is said.
constexpr std::array distributions{BuiltIn<Distribution>{"weighted_rendezvous", make_weighted_rendezvous},
                                   BuiltIn<Distribution>{"libring", make_libring},
                                   BuiltIn<Distribution>{"guided", make_guided},
                                   BuiltIn<Distribution>{"load_balancer", make_load_balancer}};
constexpr std::array redundancies{BuiltIn<Redundancy>{"singularity", make_singularity},
                                  BuiltIn<Redundancy>{"replication", make_replication}};
constexpr std::array migrations{BuiltIn<Migration>{"cold_swap", make_cold_swap},
                                BuiltIn<Migration>{"hot_swap", make_hot_swap}};
constexpr std::array synchronisations{BuiltIn<Synchronisation>{"pubsub", make_pubsub},
                                      BuiltIn<Synchronisation>{"gossip", make_gossip}};
constexpr std::array partitions{BuiltIn<PartitionTolerance>{"divergence", make_divergence},
                                BuiltIn<PartitionTolerance>{"static_quorum", make_static_quorum},
                                BuiltIn<PartitionTolerance>{"dynamic_quorum", make_dynamic_quorum},
                                BuiltIn<PartitionTolerance>{"majority_quorum", make_majority_quorum}};

template <typename Kind>
Result<std::shared_ptr<const Kind>> make(std::string_view kind, std::span<const BuiltIn<Kind>> all,
                                         const StrategyChoice& choice) {
  for (const auto& built_in : all) {
    if (built_in.name != choice.name) continue;
    SettingsReader settings(choice.settings, fmt::format("{} strategy '{}'", kind, choice.name));
    auto made = built_in.make(settings);
    if (auto fine = settings.finish(); !fine) return tl::unexpected(fine.error());
    return made;
  }
  std::vector<std::string_view> names;
  for (const auto& built_in : all) names.push_back(built_in.name);
  return Error{Errc::invalid_argument, fmt::format("there is no {} strategy '{}'; there are: {}", kind,
                                                   choice.name, fmt::join(names, ", "))};
}

template <typename Kind>
Result<void> take(std::string_view kind, std::span<const BuiltIn<Kind>> all, const Chosen<Kind>& chosen,
                  std::shared_ptr<const Kind>& into) {
  if (const StrategyChoice* choice = chosen.choice()) {
    auto made = make<Kind>(kind, all, *choice);
    if (!made) return tl::unexpected(made.error());
    into = *std::move(made);
    return {};
  }
  into = chosen.own();
  if (!into) return Error{Errc::invalid_argument, fmt::format("the {} strategy is an empty pointer", kind)};
  if (into->name().empty())
    return Error{Errc::invalid_argument, fmt::format("the {} strategy has no name", kind)};
  return {};
}

template <typename Kind>
Result<void> check(std::string_view kind, std::span<const BuiltIn<Kind>> all, const StrategyChoice& choice) {
  auto made = make<Kind>(kind, all, choice);
  if (!made) return tl::unexpected(made.error());
  return {};
}

}  // namespace

Strategies built_in_strategies() {
  return *make_strategies({});
}

Result<Strategies> make_strategies(const brood::Strategies& chosen) {
  Strategies made;
  auto done = take<Distribution>("distribution", distributions, chosen.distribution, made.distribution);
  if (done) done = take<Redundancy>("redundancy", redundancies, chosen.redundancy, made.redundancy);
  if (done) done = take<Migration>("migration", migrations, chosen.migration, made.migration);
  if (done)
    done = take<Synchronisation>("synchronisation", synchronisations, chosen.synchronisation,
                                 made.synchronisation);
  if (done) done = take<PartitionTolerance>("partition", partitions, chosen.partition, made.partition);
  if (!done) return tl::unexpected(done.error());
  return made;
}

}  // namespace brood::core

namespace brood::inline v0 {

Result<void> check_strategy(std::string_view kind, const StrategyChoice& choice) {
  if (kind == "distribution") return core::check<Distribution>(kind, core::distributions, choice);
  if (kind == "redundancy") return core::check<Redundancy>(kind, core::redundancies, choice);
  if (kind == "migration") return core::check<Migration>(kind, core::migrations, choice);
  if (kind == "synchronisation") return core::check<Synchronisation>(kind, core::synchronisations, choice);
  if (kind == "partition") return core::check<PartitionTolerance>(kind, core::partitions, choice);
  return Error{Errc::invalid_argument, fmt::format("there is no kind of strategy '{}'", kind)};
}

}  // namespace brood::inline v0
