// What a seed stands for where the options leave it open: how many nodes and children, which faults, and how
// often things happen. Each seed draws its own mix, since faults that never come together hide other faults.
//
// Thread rule: plain data.
#pragma once

#include <brood/strategies.hpp>
#include <set>

#include "sim/options.hpp"

namespace brood::sim {

struct Profile {
  std::uint32_t nodes = 3;
  std::uint32_t children = 10;
  std::set<Fault> faults;
  Duration boot_spread{};    ///< The nodes boot within this time.
  Duration request_every{};  ///< Mean time between requests of all clients together.
  Duration fault_every{};    ///< Mean time between faults.
  bool portions = false;     ///< Nodes do so little in a step that nearly all is cut into portions.
  bool batches = false;      ///< The driver passes events that come together as one step.
  bool hot_swap = false;     ///< Children are handed over with what they hold.
  Duration gather = std::chrono::microseconds(200);  ///< With batches: what comes within this time at most.
  /// What a node takes for each event of a step, and for each message that it sends; nothing else goes on
  /// there meanwhile. 0: a step takes no time.
  Duration work{};
  Duration connect_max = std::chrono::milliseconds(10);  ///< An attempt to connect takes that long at most.
  std::uint32_t delayed = 0;                             ///< Of 1000 messages, how many take 200 ms.
  std::uint32_t connect_fails = 0;  ///< Of 1000 attempts to connect, how many fail for no good reason.
  bool plain = false;               ///< SimOptions::plain.
  std::uint32_t expect = 0;         ///< Settings::expect.
  StrategyChoice synchronisation{"pubsub"};
  Copies copies;
  std::string distribution = "weighted_rendezvous";
  bool moves = false;        ///< Clients move children by hand, and rebalance.
  std::uint32_t listed = 0;  ///< Settings::ring_nodes: the first so many nodes; 0: all.
  bool fixed_ring = false;   ///< Settings::fixed_ring.

  Partition partition = Partition::divergence;
  std::uint32_t quorum_size = 0;           ///< Of a static quorum: nodes; of a dynamic one: percent.
  bool grows = true;                       ///< track_max_size of a majority.
  Duration threshold{};                    ///< Of a dynamic one.
  std::optional<Duration> takeover_delay;  ///< nullopt: what the bound needs.
  Duration stop_max = std::chrono::seconds(5);

  [[nodiscard]] bool has(Fault fault) const { return faults.contains(fault); }
};

[[nodiscard]] Profile make_profile(const SimOptions& options, Random& random);

}  // namespace brood::sim
