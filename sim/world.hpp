// World: one simulated cluster and all that acts on it. The parts reach each other through it.
//
// Thread rule: one thread. A violation ends the simulation: the first one counts.
#pragma once

#include <memory>
#include <unordered_map>

#include "sim/catalog.hpp"
#include "sim/marks.hpp"
#include "sim/node.hpp"
#include "sim/timeline.hpp"
#include "sim/trace.hpp"

namespace brood::sim {

enum class Asked : std::uint8_t;
class Callers;
class Clients;
class Driver;
class Faults;
class Ledger;
class Network;
class Processes;
class Promise;
class Splits;

/// A rule was broken.
struct Violation {
  std::string rule;
  std::string id;  ///< The child it is about; empty: none.
  std::string words;
  Duration at{};
};

struct Counts {
  std::uint64_t steps = 0, messages = 0, bytes = 0, requests = 0, starts = 0, stops = 0;
  std::uint64_t crashes = 0, pauses = 0, breaks = 0, leaves = 0, boots = 0, voided = 0, handovers = 0;
  std::uint64_t splits = 0, locks = 0, unlocks = 0, census_changes = 0, held_takeovers = 0, partitioned = 0;
};

struct World {
  explicit World(SimOptions wanted);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] Duration now() const { return timeline.now(); }
  /// What that core has counted, before it is gone.
  void count_of(const core::Core& core);
  void violate(std::string rule, const ChildId* id, std::string words);
  [[nodiscard]] bool passes_on() const { return profile.synchronisation.name == "gossip"; }
  [[nodiscard]] bool has(Plant plant) const { return options.plant == plant; }
  [[nodiscard]] std::size_t index_of(const NodeName& name) const { return node_index.at(name); }
  /// Runs until that time or the first violation.
  void run_until(Duration time);

  SimOptions options;
  Random random;
  Profile profile;
  Timeline timeline;
  Trace trace;
  Catalog catalog;
  std::vector<SimNode> nodes;
  std::unordered_map<NodeName, std::size_t> node_index;  ///< By name; only looked up.
  Counts counts;
  Marks marks;
  bool healed = false;  ///< No faults any more, and every worker behaves.
  std::optional<Violation> violation;

  std::unique_ptr<Splits> splits;
  std::unique_ptr<Network> network;
  std::unique_ptr<Processes> processes;
  std::unique_ptr<Promise> promise;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Driver> driver;
  std::unique_ptr<Clients> clients;
  std::unique_ptr<Callers> callers;
  std::unique_ptr<Faults> faults;
};

}  // namespace brood::sim
