#include "sim/profile.hpp"

#include "base/hash.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

namespace {
void draw_synchronisation(Profile& profile, const SimOptions& options, Random& random) {
  const bool gossip = random.chance(500);
  StrategyChoice choice{gossip ? "gossip" : "pubsub"};
  if (!options.synchronisation.empty()) choice.name = options.synchronisation;
  const auto interval = static_cast<std::int64_t>(random.between(1, 15));
  const auto recipients = static_cast<std::int64_t>(random.between(1, 4));
  const bool restricted = random.chance(500);
  choice.settings["sync_interval_ms"] = interval * 1000;
  if (choice.name == "gossip") {
    choice.settings["recipients"] = recipients;
    choice.settings["restricted_init"] = restricted;
  }
  profile.synchronisation = std::move(choice);
}
}  // namespace

Profile make_profile(const SimOptions& options, Random& random) {
  Profile profile;
  // Every number is drawn in any case, so that an option changes only what it names.
  const auto nodes =
      static_cast<std::uint32_t>(random.chance(100) ? random.between(1, 2) : random.between(3, 6));
  const auto children = static_cast<std::uint32_t>(random.between(3, 40));
  const std::uint64_t chosen = random.next();
  const auto likely = static_cast<std::uint32_t>(random.between(1, 7));
  for (std::size_t i = 0; i < fault_count; ++i)
    if (i < 12 && ((chosen >> (4 * i)) & 7) < likely) profile.faults.insert(static_cast<Fault>(i));
  // From a stream of its own: what a seed stood for before these were there it still does.
  Random more(options.seed ^ 0x5eed'5eed'5eed'5eedULL);
  for (std::size_t i = 12; i < fault_count; ++i)
    if (more.below(8) < likely / 2) profile.faults.insert(static_cast<Fault>(i));
  draw_synchronisation(profile, options, more);
  profile.plain = options.plain;
  profile.nodes = options.nodes != 0 ? options.nodes : nodes;
  profile.children = options.children != 0 ? options.children : children;
  if (options.faults) profile.faults = *options.faults;
  profile.boot_spread = random.chance(300) ? Duration(0) : random.between(Duration(0), 5s);
  profile.request_every = random.between(50ms, 600ms);
  profile.fault_every = random.between(2s, 15s);
  profile.batches = random.chance(500);
  profile.delayed = profile.has(Fault::delay) ? static_cast<std::uint32_t>(random.between(1, 30)) : 0;
  profile.connect_fails = profile.has(Fault::broken) ? 150 : 0;
  profile.portions = options.children == 0 && random.chance(667);
  profile.expect = random.chance(300) ? profile.nodes : 0;
  // Not from `random`: what is drawn after it stays what it was.
  profile.hot_swap = (mix64(options.seed ^ 0x686f74) & 1) != 0;
  Random placing(mix64(options.seed ^ 0x72696e67));
  const std::uint64_t kind = placing.below(10);
  if (kind < 2) profile.distribution = "libring";
  if (kind == 2 || kind == 3) profile.distribution = "guided";
  const auto listed = static_cast<std::uint32_t>(placing.between(1, profile.nodes));
  // A mapping may name any node.
  if (placing.chance(150) && profile.distribution != "guided") profile.listed = listed;
  profile.fixed_ring = placing.chance(100);
  if (options.plain) {
    profile.distribution = "weighted_rendezvous";
    profile.listed = 0;
    profile.fixed_ring = profile.hot_swap = false;
  }
  return profile;
}

}  // namespace brood::sim
