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

// From a chance of its own, so that all else of a seed is as without it.
Copies draw_copies(std::uint64_t seed) {
  Random random(seed ^ 0x0c0f1e5ULL);
  Copies copies;
  if (random.chance(550)) return copies;
  copies.factor = random.chance(250) ? 0 : static_cast<std::uint32_t>(random.between(2, 3));
  copies.roles = random.chance(650);
  const bool follow = random.chance(650);
  const bool every = random.chance(200);
  if (copies.roles && copies.several() && follow)
    copies.follow = every ? Copies::Follow::every : Copies::Follow::each_call;
  return copies;
}

// Drawn from a chance of its own, so that the other numbers of a seed are what they were without it.
void draw_partition(const SimOptions& options, Profile& profile) {
  Random random(options.seed * 31 + 7);
  const bool any = profile.has(Fault::split) ? random.chance(800) : random.chance(200);
  const auto drawn =
      static_cast<Partition>(random.between(1, static_cast<std::int64_t>(partition_count) - 1));
  profile.partition = options.partition.value_or(any ? drawn : Partition::divergence);
  const std::uint32_t most = profile.nodes / 2 + 1;
  const auto percent = static_cast<std::uint32_t>(random.between(51, 75));
  const bool more = random.chance(200) && most < profile.nodes;
  profile.quorum_size = profile.partition == Partition::dynamic_quorum ? percent : most + (more ? 1 : 0);
  profile.grows = random.chance(500);
  profile.threshold = random.between(5s, 40s);
  const Duration delay = random.between(Duration(0), Duration(20s));
  if (random.chance(300)) profile.takeover_delay = delay;
  const Duration stop = random.between(4s, 8s);
  if (random.chance(500)) profile.stop_max = stop;
  // A node that starts anew behind a split knows of no others; nothing is promised of it then.
  if (profile.partition == Partition::dynamic_quorum && profile.has(Fault::split))
    for (const Fault fault : {Fault::crash, Fault::poison, Fault::leave}) profile.faults.erase(fault);
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
    if (i <= 12 && ((chosen >> (4 * i)) & 7) < likely) profile.faults.insert(static_cast<Fault>(i));
  // From a stream of its own: what a seed stood for before these were there it still does.
  Random more(options.seed ^ 0x5eed'5eed'5eed'5eedULL);
  for (std::size_t i = 13; i < fault_count; ++i)
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
  profile.copies = options.copies ? *options.copies : draw_copies(options.seed);
  // Not from `random`: what is drawn after it stays what it was.
  profile.hot_swap = (mix64(options.seed ^ 0x686f74) & 1) != 0;
  Random placing(mix64(options.seed ^ 0x72696e67));
  const std::uint64_t kind = placing.below(10);
  if (kind < 2) profile.distribution = "libring";
  if (kind == 2 || kind == 3) profile.distribution = "guided";
  if (kind == 4 || kind == 5) profile.distribution = "load_balancer";
  profile.moves = mix64(options.seed ^ 0x6d6f7665) % 2 == 0;
  const auto listed = static_cast<std::uint32_t>(placing.between(1, profile.nodes));
  // A mapping may name any node.
  if (placing.chance(150) && profile.distribution != "guided") profile.listed = listed;
  profile.fixed_ring = placing.chance(100);
  draw_partition(options, profile);
  if (options.plain) {
    profile.distribution = "weighted_rendezvous";
    profile.listed = 0;
    profile.fixed_ring = profile.hot_swap = false;
    if (!options.copies) profile.copies = {};
    if (!options.partition) profile.partition = Partition::divergence;
  }
  return profile;
}

}  // namespace brood::sim
