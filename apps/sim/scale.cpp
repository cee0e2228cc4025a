// brood-scale: what a cluster of very many nodes costs each of them, in virtual time and without faults: the
// cores are real, the network has delays of 0.05 to 0.5 ms, and no core takes time. Prints a line of JSON.
//
// Measured are the messages of a node and the time until all agree: after the nodes boot, after children
// start, after one change, in quiet, and after nodes are lost; and what a node's core keeps.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "sim/clients.hpp"
#include "sim/driver.hpp"
#include "sim/ledger.hpp"
#include "sim/processes.hpp"
#include "sim/simulation.hpp"

namespace {

using namespace brood;  // NOLINT(google-build-using-namespace): a program
using namespace std::chrono_literals;
using sim::Duration;

struct Arguments {
  sim::SimOptions options;
  std::uint32_t lose_percent = 10;
  double gather_ms = 2;
};

struct Phase {
  std::string name;
  double seconds = 0;  ///< Virtual, until all agree; below 0: they did not.
  double mean = 0;     ///< Messages sent by a node.
  std::uint64_t most = 0;
  std::uint64_t received_most = 0;
};

double in_seconds(Duration time) {
  return static_cast<double>(time.count()) / 1e9;
}

/// Of this process, in bytes.
std::uint64_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0, pages = 0;
  statm >> all >> pages;
  return pages * 4096;
}

class Scale {
 public:
  explicit Scale(const Arguments& arguments)
      : world_(arguments.options), lose_percent_(arguments.lose_percent) {
    world_.healed = true;  // steady children, a calm network
    world_.profile.batches = true;
    world_.profile.portions = false;
    world_.profile.gather = Duration(static_cast<std::int64_t>(arguments.gather_ms * 1e6));
    world_.profile.expect = world_.profile.nodes;
    world_.profile.synchronisation.settings.clear();
  }

  void run() {
    const std::uint64_t before = resident();
    phase("boot", 300s, [&] {
      for (std::size_t i = 0; i < world_.nodes.size(); ++i) world_.driver->boot(i);
    });
    const std::uint64_t empty = resident();
    std::vector<ChildId> ids = world_.catalog.ids();
    const ChildId last = ids.back();
    ids.pop_back();
    phase("start", 300s, [&] {
      wanted_ = ids.size();
      world_.clients->start(0, ids, sim::Asked::start);
    });
    world_.run_until(world_.now() + 5s);
    phase("change", 120s, [&] {
      wanted_ += 1;
      world_.clients->start(world_.nodes.size() / 2, {last}, sim::Asked::start);
    });
    world_.run_until(world_.now() + 40s);  // what is kept for a while only is gone
    quiet(60s);
    const std::uint64_t full = resident();
    phase("loss", 300s, [&] {
      const std::size_t lost = std::max<std::size_t>(1, world_.nodes.size() * lose_percent_ / 100);
      for (std::size_t i = 0; i < lost; ++i) {
        const std::size_t node = (i * world_.nodes.size()) / lost;
        world_.driver->kill(node, true, "lost");
        ++world_.nodes[node].incarnation;  // nobody boots it again
      }
    });
    print(empty - before, full - empty);
  }

 private:
  [[nodiscard]] bool agree() const {
    const core::Core* first = nullptr;
    std::size_t up = 0;
    for (const sim::SimNode& node : world_.nodes) up += node.core ? 1 : 0;
    for (const sim::SimNode& node : world_.nodes) {
      if (!node.core) continue;
      const core::Core& core = *node.core;
      if (core.self().state != core::MemberState::up || !core.view_confirmed()) return false;
      if (first == nullptr) {
        first = &core;
        if (core.up_nodes().size() != up) return false;
      }
      if (core.view_hash() != first->view_hash() || core.table_digest() != first->table_digest())
        return false;
      if (core.size() != wanted_) return false;
    }
    return first != nullptr && world_.processes->count() == wanted_ && instances_agree();
  }

  /// Of some children, on every node.
  [[nodiscard]] bool instances_agree() const {
    const auto& ids = world_.catalog.ids();
    for (const sim::SimNode& node : world_.nodes)
      for (std::size_t at = ids.size() - 1, left = 50; node.core && left > 0;
           at -= std::min(at, ids.size() / 50 + 1), --left)
        if (node.core->spec(ids[at]) != nullptr && node.core->instances(ids[at]).size() != 1) return false;
    return true;
  }

  template <typename Do>
  void phase(const std::string& name, Duration bound, Do&& act) {
    const auto since = count();
    const Duration begin = world_.now();
    const auto clock = std::chrono::steady_clock::now();
    act();
    do {
      world_.run_until(world_.now() + 5ms);
    } while (!world_.violation && !agree() && world_.now() < begin + bound);
    Phase phase = since_then(name, since);
    phase.seconds = agree() ? in_seconds(world_.now() - begin) : -1;
    phases_.push_back(phase);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - clock;
    fmt::print(stderr, "{}: {:.2f} s, {:.0f} messages a node (most {}); took {:.0f} s\n", name, phase.seconds,
               phase.mean, phase.most, took.count());
  }

  void quiet(Duration time) {
    const auto since = count();
    world_.run_until(world_.now() + time);
    Phase phase = since_then("quiet", since);
    phase.seconds = in_seconds(time);
    phases_.push_back(phase);
  }

  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> count() const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
    for (const sim::SimNode& node : world_.nodes) all.emplace_back(node.sent, node.received);
    return all;
  }
  [[nodiscard]] Phase since_then(const std::string& name,
                                 const std::vector<std::pair<std::uint64_t, std::uint64_t>>& since) const {
    Phase phase{name};
    std::uint64_t sum = 0, nodes = 0;
    for (std::size_t i = 0; i < world_.nodes.size(); ++i) {
      if (!world_.nodes[i].core) continue;
      const std::uint64_t sent = world_.nodes[i].sent - since[i].first;
      sum += sent;
      ++nodes;
      phase.most = std::max(phase.most, sent);
      phase.received_most = std::max(phase.received_most, world_.nodes[i].received - since[i].second);
    }
    phase.mean = static_cast<double>(sum) / static_cast<double>(nodes);
    return phase;
  }

  void print(std::uint64_t empty, std::uint64_t children) const {
    const auto nodes = static_cast<double>(world_.nodes.size());
    std::string phases;
    for (const Phase& phase : phases_)
      phases += fmt::format(R"({}"{}":{{"seconds":{:.3f},"mean":{:.1f},"most":{},"received_most":{}}})",
                            phases.empty() ? "" : ",", phase.name, phase.seconds, phase.mean, phase.most,
                            phase.received_most);
    fmt::print(
        R"({{"nodes":{},"children":{},"synchronisation":"{}","empty_kib":{:.0f},"child_bytes":{:.0f},{}}})"
        "\n",
        world_.nodes.size(), wanted_, world_.profile.synchronisation.name,
        static_cast<double>(empty) / nodes / 1024,
        static_cast<double>(children) / nodes / static_cast<double>(wanted_), phases);
    if (world_.violation) fmt::print(stderr, "{}: {}\n", world_.violation->rule, world_.violation->words);
  }

  sim::World world_;
  std::uint32_t lose_percent_;
  std::size_t wanted_ = 0;
  std::vector<Phase> phases_;
};

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  arguments.options.faults = std::set<sim::Fault>{};
  arguments.options.wire = false;
  arguments.options.seeds = 3;
  arguments.options.plain = true;
  arguments.options.nodes = 100;
  arguments.options.children = 300;
  arguments.options.synchronisation = "gossip";
  CLI::App app("Measures what a simulated cluster costs each of its nodes.");
  app.add_option("--nodes", arguments.options.nodes)->check(CLI::Range(2, 5000))->capture_default_str();
  app.add_option("--children", arguments.options.children)
      ->check(CLI::Range(2, 1000000))
      ->capture_default_str();
  app.add_option("--synchronisation", arguments.options.synchronisation)
      ->check(CLI::IsMember({"pubsub", "gossip"}))
      ->capture_default_str();
  app.add_option("--lose", arguments.lose_percent, "Of 100 nodes, how many are lost at once")
      ->capture_default_str();
  app.add_option("--gather", arguments.gather_ms, "A node takes what comes within so many ms as one step")
      ->capture_default_str();
  app.add_option("--seed", arguments.options.seed)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Scale(arguments).run();
  return 0;
}
