#include "sim/simulation.hpp"

#include <deque>

#include "sim/bounds.hpp"
#include "sim/callers.hpp"
#include "sim/clients.hpp"
#include "sim/driver.hpp"
#include "sim/faults.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/processes.hpp"
#include "sim/promise.hpp"
#include "sim/settle.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

namespace {
/// How long a healed cluster may take to settle: the longest of what it may have to wait for (a silent
/// member, a request's time-out, a digest with each member, a back-off) and then some.
constexpr Duration settle_bound = 180s;
constexpr Duration quiet_time = 20s;

void boot_all(World& world) {
  for (std::size_t i = 0; i < world.nodes.size(); ++i)
    world.timeline.after(world.random.between(Duration(0), world.profile.boot_spread), [&world, i] {
      if (world.nodes[i].state == SimNode::State::off) world.driver->boot(i);
    });
}

void watch_leaders(World& world) {
  world.timeline.after(500ms, [&world] {
    world.processes->look_for_leaders();
    watch_leaders(world);
  });
}

void watch_agreement(World& world) {
  world.timeline.after(1s, [&world] {
    world.ledger->look_for_agreement();
    if (auto wrong = keeps_too_much(world)) world.violate(wrong->rule, nullptr, wrong->words);
    watch_agreement(world);
  });
}

void watch_calls(World& world) {
  world.timeline.after(100ms, [&world] {
    world.processes->call_some();
    if (!world.healed) world.callers->call_some();
    watch_calls(world);
  });
}

/// Runs until settled, looking every half second; a violation when the bound is over.
void settle(World& world) {
  const Duration bound = world.now() + settle_bound;
  while (!world.violation) {
    world.run_until(world.now() + 500ms);
    if (world.violation) return;
    auto wrong = not_settled(world);
    if (!wrong) return;
    if (world.now() < bound) continue;
    wrong->at = world.now();
    wrong->words += fmt::format(" ({} s after all was healed)", settle_bound / 1s);
    world.violation = std::move(wrong);
  }
}

void check_promises(World& world) {
  if (world.violation) return;
  // All nodes agree: whatever splits there were, nothing of them is left.
  world.ledger->clouds_are_over();
  if (auto broken = broken_promise(world)) {
    broken->at = world.now();
    world.violation = std::move(broken);
  }
}

/// Children that failed for good are tried once more; now that all is well they must run.
void retry_failed(World& world) {
  if (world.violation) return;
  // With short queues some are told `busy`, and ask again.
  for (int tried = 0; tried < 50 && !failed_children(world).empty(); ++tried) {
    for (const ChildId& id : failed_children(world)) world.clients->retry(0, id);
    settle(world);
    if (world.violation || !world.profile.has(Fault::full)) break;
  }
  if (world.violation) return;
  const auto failed = failed_children(world);
  if (!failed.empty())
    world.violate("lost", &failed.front(),
                  "it is failed again after a retry, though nothing is wrong with it");
}

void keep_still(World& world) {
  if (world.violation) return;
  world.processes->hush();
  const std::uint64_t before = world.processes->moves();
  world.run_until(world.now() + quiet_time);
  if (!world.violation && world.processes->moves() != before)
    world.violate("quiet", nullptr, "children start or stop though nothing happens");
  if (world.violation) return;
  auto wrong = not_settled(world);
  if (!wrong) wrong = keeps_for_nothing(world);
  if (wrong) {
    wrong->at = world.now();
    world.violation = std::move(wrong);
  }
}

/// Now that nothing happens every child answers, whoever calls it.
void call_all(World& world) {
  for (std::size_t node = 0; node < world.nodes.size(); ++node)
    if (world.nodes[node].running()) world.callers->call_all(node);
  world.run_until(world.now() + 11s);
  if (!world.violation && world.callers->open() != 0)
    world.violate("calls", nullptr, fmt::format("{} calls are never answered", world.callers->open()));
}

void run(World& world, Report& report) {
  boot_all(world);
  watch_agreement(world);
  if (world.profile.copies.roles) watch_leaders(world);
  if (world.profile.has(Fault::split)) world.promise->watch();
  watch_calls(world);
  if (world.options.clients) world.clients->work_until(world.options.busy);
  world.faults->work_until(world.options.busy);
  world.run_until(world.options.busy);
  if (world.violation) return;
  world.trace.line("ALL IS HEALED");
  world.healed = true;
  world.splits->heal();
  world.processes->heal();
  world.faults->heal();
  const Duration healed_at = world.now();
  settle(world);
  report.settled_after = world.now() - healed_at;
  check_promises(world);
  retry_failed(world);
  keep_still(world);
  check_promises(world);
  if (!world.violation) call_all(world);
}
}  // namespace

World::World(SimOptions wanted)
    : options(std::move(wanted)),
      random(options.seed),
      profile(make_profile(options, random)),
      trace(options, timeline),
      catalog(profile, random.fork()),
      nodes(profile.nodes) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].name = Catalog::node_name(i);
    node_index.emplace(nodes[i].name, i);
  }
  splits = std::make_unique<Splits>(*this);
  network = std::make_unique<Network>(*this);
  processes = std::make_unique<Processes>(*this);
  promise = std::make_unique<Promise>(*this);
  ledger = std::make_unique<Ledger>(*this);
  driver = std::make_unique<Driver>(*this);
  clients = std::make_unique<Clients>(*this);
  callers = std::make_unique<Callers>(*this);
  faults = std::make_unique<Faults>(*this);
}

World::~World() = default;

void World::count_of(const core::Core& core) {
  const core::Stats& stats = core.stats();
  counts.locks += stats.locks;
  counts.unlocks += stats.unlocks;
  counts.census_changes += stats.census_changes;
  counts.held_takeovers += stats.held_takeovers;
}

void World::violate(std::string rule, const ChildId* id, std::string words) {
  if (violation) return;
  trace.line("VIOLATION of {}: {} {}", rule, id != nullptr ? id->text() : "", words);
  violation = Violation{std::move(rule), id != nullptr ? id->text() : "", std::move(words), now()};
}

void World::run_until(Duration time) {
  while (!violation && timeline.run_one(time)) {
  }
}

Report simulate(const SimOptions& options) {
  World world(options);
  Report report;
  report.seed = options.seed;
  report.profile = world.profile;
  run(world, report);
  for (const SimNode& node : world.nodes)
    if (node.core) world.count_of(*node.core);
  for (const std::uint64_t count : world.splits->counts()) world.counts.splits += count;
  report.splits = world.splits->counts();
  report.longest_overlap = world.promise->longest_overlap();
  report.violation = world.violation;
  report.trace_hash = world.trace.hash();
  report.counts = world.counts;
  report.marks = world.marks;
  report.virtual_time = world.now();
  return report;
}

std::vector<std::string> last_lines(const SimOptions& options, const Violation& violation,
                                    std::size_t count) {
  std::deque<std::string> kept;
  SimOptions traced = options;
  traced.trace_id = violation.id;
  traced.trace = [&](const std::string& line) {
    kept.push_back(line);
    if (kept.size() > count) kept.pop_front();
  };
  (void)simulate(traced);
  return {kept.begin(), kept.end()};
}

std::string replay_arguments(const SimOptions& options) {
  std::string out = fmt::format("--seed {}", options.seed);
  if (options.nodes != 0) out += fmt::format(" --nodes {}", options.nodes);
  if (options.children != 0) out += fmt::format(" --children {}", options.children);
  if (options.busy != SimOptions{}.busy)
    out += fmt::format(" --minutes {}", static_cast<double>(options.busy / 1s) / 60.0);
  if (options.faults) out += " --faults " + to_string(*options.faults);
  if (options.partition) out += fmt::format(" --partition {}", to_string(*options.partition));
  if (options.copies) out += " --copies " + to_string(*options.copies);
  if (!options.wire) out += " --no-wire";
  if (!options.synchronisation.empty()) out += " --synchronisation " + options.synchronisation;
  if (options.plant != Plant::none) out += fmt::format(" --plant {}", to_string(options.plant));
  return out;
}

std::string explain(const SimOptions& options, const Report& report, std::size_t lines) {
  if (!report.violation) return fmt::format("seed {}: in order", report.seed);
  const Violation& violation = *report.violation;
  std::string out = fmt::format(
      "seed {} ({} nodes, {} children, {}, copies {}, {}, faults {}): rule '{}' is broken at {:.6f} s\n  "
      "{}{}\n",
      report.seed, report.profile.nodes, report.profile.children, to_string(report.profile.partition),
      to_string(report.profile.copies), report.profile.synchronisation.name, to_string(report.profile.faults),
      violation.rule, static_cast<double>(violation.at.count()) / 1e9,
      violation.id.empty() ? "" : violation.id + ": ", violation.words);
  if (lines > 0)
    for (const std::string& line : last_lines(options, violation, lines)) out += "    " + line + "\n";
  out += fmt::format("  replay: brood-sim {} --trace", replay_arguments(options));
  if (!violation.id.empty()) out += fmt::format(" --trace-id '{}'", violation.id);
  return out + "\n";
}

}  // namespace brood::sim
