// brood-sim: runs the deterministic simulator from the command line. A seed is a bug report.
//
// Exit status: 0 all seeds in order, 1 a rule is broken, 2 usage.
#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>

#include "sim/simulation.hpp"

namespace {

using namespace brood;  // NOLINT(google-build-using-namespace): a program

struct Arguments {
  sim::SimOptions options;
  std::uint64_t seeds = 1;
  double minutes = 2;
  std::string faults = "seed";
  std::string plant = "none";
  std::string copies = "seed";
  std::string partition = "seed";
  bool trace = false;
  bool keep_going = false;
  bool each = false;
  bool marks = false;
  std::size_t lines = 60;
};

struct Totals {
  std::uint64_t failed = 0, steps = 0, messages = 0, requests = 0, starts = 0, crashes = 0, pauses = 0,
                leaves = 0, breaks = 0;
  std::uint64_t voided = 0, locks = 0, unlocks = 0, census_changes = 0, held_takeovers = 0, partitioned = 0;
  std::array<std::uint64_t, sim::split_count> splits{};
  std::chrono::nanoseconds longest_overlap{};
  sim::Marks marks;
  std::uint64_t handovers = 0;
  std::chrono::nanoseconds virtual_time{};
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("--seed", arguments.options.seed, "First seed")->capture_default_str();
  app.add_option("--seeds", arguments.seeds, "How many seeds, counting up from the first")
      ->capture_default_str();
  app.add_option("--nodes", arguments.options.nodes, "Nodes; 0: by the seed")->check(CLI::Range(0, 64));
  app.add_option("--children", arguments.options.children, "Size of the id space; 0: by the seed")
      ->check(CLI::Range(0, 1000000));
  app.add_option("--minutes", arguments.minutes,
                 "Virtual minutes with faults and clients at work, before all is healed")
      ->check(CLI::Range(0.0, 100000.0))
      ->capture_default_str();
  app.add_option("--faults", arguments.faults,
                 "Names with commas between (crash, pause, break, leave, delay, clock, slow, fail, loop, "
                 "finish, poison, "
                 "stuck, split, twice, chaos, busy, full), or all, none, seed (a mix by the seed)")
      ->capture_default_str();
  app.add_option("--partition", arguments.partition,
                 "What parts of a split cluster may do: divergence, static_quorum, dynamic_quorum, "
                 "majority_quorum, or seed (by the seed, with its settings)")
      ->capture_default_str();
  app.add_option(
         "--copies", arguments.copies,
         "Instances of each child: 1 to 9 or all, with +roles for one active among passive ones, or seed")
      ->capture_default_str();
  app.add_option("--synchronisation", arguments.options.synchronisation,
                 "How changes reach the members; empty: by the seed")
      ->check(CLI::IsMember({"", "pubsub", "gossip"}));
  app.add_flag("--marks", arguments.marks, "Print how often each thing worth reaching has happened");
  app.add_option("--plant", arguments.plant, "Plant this bug, to see a checker notice it")
      ->capture_default_str();
  app.add_flag("!--no-wire", arguments.options.wire,
               "Pass messages as they are instead of encoding and decoding them");
  app.add_flag("--trace", arguments.trace, "Print every event and effect");
  app.add_option("--trace-id", arguments.options.trace_id,
                 "With --trace: only this child, and nodes as a whole");
  app.add_option("--lines", arguments.lines, "Lines of trace to show for a broken rule")
      ->capture_default_str();
  app.add_flag("--keep-going", arguments.keep_going, "Go on with the next seed after a broken rule");
  app.add_flag("--each", arguments.each, "A line for each seed");
}

Result<void> interpret(Arguments& arguments) {
  arguments.options.busy = std::chrono::milliseconds(static_cast<std::int64_t>(arguments.minutes * 60000));
  if (arguments.faults != "seed") {
    auto faults = sim::parse_faults(arguments.faults);
    if (!faults) return faults.error();
    arguments.options.faults = std::move(*faults);
  }
  if (arguments.copies != "seed") {
    auto copies = sim::parse_copies(arguments.copies);
    if (!copies) return copies.error();
    arguments.options.copies = *copies;
  }
  if (arguments.partition != "seed") {
    arguments.options.partition = sim::parse_partition(arguments.partition);
    if (!arguments.options.partition)
      return Error{Errc::invalid_argument, "no partition strategy is called '" + arguments.partition + "'"};
  }
  const auto plant = sim::parse_plant(arguments.plant);
  if (!plant) return Error{Errc::invalid_argument, "no bug is called '" + arguments.plant + "'"};
  arguments.options.plant = *plant;
  if (arguments.trace) arguments.options.trace = [](const std::string& line) { fmt::print("{}\n", line); };
  return {};
}

void add(Totals& totals, const sim::Report& report) {
  totals.steps += report.counts.steps;
  totals.messages += report.counts.messages;
  totals.requests += report.counts.requests;
  totals.starts += report.counts.starts;
  totals.crashes += report.counts.crashes;
  totals.pauses += report.counts.pauses;
  totals.leaves += report.counts.leaves;
  totals.breaks += report.counts.breaks;
  totals.voided += report.counts.voided;
  totals.locks += report.counts.locks;
  totals.unlocks += report.counts.unlocks;
  totals.census_changes += report.counts.census_changes;
  totals.held_takeovers += report.counts.held_takeovers;
  totals.partitioned += report.counts.partitioned;
  for (std::size_t i = 0; i < totals.splits.size(); ++i) totals.splits[i] += report.splits[i];
  totals.longest_overlap = std::max(totals.longest_overlap, report.longest_overlap);
  totals.handovers += report.counts.handovers;
  totals.virtual_time += report.virtual_time;
  totals.marks.add(report.marks);
}

void print_seed(const sim::Report& report) {
  fmt::print(
      "seed {} {} nodes={} children={} partition={} copies={} {} steps={} requests={} settled_after={:.1f}s "
      "trace={:016x} faults={}\n",
      report.seed, report.violation ? report.violation->rule : "ok", report.profile.nodes,
      report.profile.children, sim::to_string(report.profile.partition),
      sim::to_string(report.profile.copies), report.profile.synchronisation.name, report.counts.steps,
      report.counts.requests, static_cast<double>(report.settled_after.count()) / 1e9, report.trace_hash,
      sim::to_string(report.profile.faults));
}

void print_summary(const Arguments& arguments, const Totals& totals, double seconds) {
  const double virtual_hours = static_cast<double>(totals.virtual_time.count()) / 3.6e12;
  fmt::print(
      "{} seeds, {} broken; {:.2f} virtual hours in {:.1f} s ({:.0f} times real time); {} events ({:.0f}/s), "
      "{} messages, "
      "{} requests, {} starts, {} crashes, {} pauses, {} leaves, {} breaks, {} hand-overs, {} promises "
      "void\n",
      arguments.seeds, totals.failed, virtual_hours, seconds, virtual_hours * 3600 / seconds, totals.steps,
      static_cast<double>(totals.steps) / seconds, totals.messages, totals.requests, totals.starts,
      totals.crashes, totals.pauses, totals.leaves, totals.breaks, totals.handovers, totals.voided);
  std::string splits;
  for (std::size_t i = 0; i < totals.splits.size(); ++i)
    splits += fmt::format("{}{} {}", i == 0 ? "" : ", ", totals.splits[i],
                          sim::to_string(static_cast<sim::SplitKind>(i)));
  fmt::print(
      "splits: {}; {} locks, {} unlocks, {} changes of a census, {} takeovers held, {} answers "
      "partitioned, longest overlap under a quorum {:.1f} s\n",
      splits, totals.locks, totals.unlocks, totals.census_changes, totals.held_takeovers, totals.partitioned,
      static_cast<double>(totals.longest_overlap.count()) / 1e9);
}

int run(Arguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  Totals totals;
  const std::uint64_t first = arguments.options.seed;
  for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
    arguments.options.seed = first + i;
    const sim::Report report = sim::simulate(arguments.options);
    add(totals, report);
    if (arguments.each) print_seed(report);
    if (report.violation) {
      ++totals.failed;
      fmt::print("{}\n", sim::explain(arguments.options, report, arguments.trace ? 0 : arguments.lines));
      std::fflush(stdout);
      if (!arguments.keep_going) {
        arguments.seeds = i + 1;
        break;
      }
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  print_summary(arguments, totals, took.count());
  if (arguments.marks)
    for (const auto& [name, times] : totals.marks.all()) fmt::print("{:>12} {}\n", times, name);
  return totals.failed == 0 ? 0 : 1;
}
}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(
      "Runs many cores of brood in one thread and virtual time, with faults from a seed, and checks that "
      "what is "
      "promised holds.");
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (const auto good = interpret(arguments); !good) {
    fmt::print(stderr, "brood-sim: {}\n", good.error().message);
    return 2;
  }
  return run(arguments);
}
