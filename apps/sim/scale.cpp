// brood-scale: what a cluster of very many nodes costs each of them, in virtual time and without faults: the
// cores are real, the network has delays of 0.05 to 0.5 ms, and no core takes time. Prints a line of JSON.
//
// Measured are, of a node, the messages, their bytes and the time until all agree: when the last node joins,
// when children start, after one change, at rest, and after nodes are lost; and what a node's core keeps.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "sim/clients.hpp"
#include "sim/driver.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
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
  bool at_once = false;
  double work_us = 0;
  double connect_ms = 10;
};

struct Phase {
  std::string name;
  double seconds = 0;  ///< Virtual, until all agree; below 0: they did not.
  double mean = 0;     ///< Messages sent by a node.
  std::uint64_t most = 0;
  std::uint64_t received_most = 0;
  double bytes = 0;  ///< Sent by a node, as messages would be encoded.
};

double in_seconds(Duration time) {
  return static_cast<double>(time.count()) / 1e9;
}

/// Of this process, in bytes: what is allocated and not freed.
std::uint64_t allocated() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// Of a message, as its type is called.
std::string_view kind_name(std::size_t kind) {
  constexpr std::array names{"Hello",        "Refusal",       "SyncRequest", "Sync",         "SyncAck",
                             "Behind",       "Delta",         "DeltaAck",    "View",         "Probe",
                             "ProbeAck",     "Obituary",      "Goodbye",     "StartRequest", "StopRequest",
                             "RetryRequest", "LookupRequest", "Answer",      "Handovers",    "CensusNews",
                             "Through",      "Taken",         "Have",        "Want",         "Follow",
                             "FollowAnswer", "StateAsk",      "StateTell",   "MoveRequest",  "LoadReport"};
  static_assert(names.size() == std::tuple_size_v<decltype(sim::SimNode::sent_kinds)>);
  return names.at(kind);
}

class Scale {
 public:
  explicit Scale(const Arguments& arguments)
      : world_(arguments.options),
        lose_percent_(arguments.lose_percent),
        gather_(static_cast<std::int64_t>(arguments.gather_ms * 1e6)) {
    world_.profile.connect_max = Duration(static_cast<std::int64_t>(arguments.connect_ms * 1e6));
    world_.profile.work = Duration(static_cast<std::int64_t>(arguments.work_us * 1e3));
    world_.healed = true;  // steady children, a calm network
    world_.profile.batches = true;
    world_.profile.portions = false;
    world_.profile.expect = static_cast<std::uint32_t>(std::min(world_.nodes.size() - 1, first_nodes));
    world_.profile.synchronisation.settings.clear();
    world_.network->weigh(true);
  }

  /// All nodes boot at the same time, and wait for each other.
  void boot_at_once() {
    world_.profile.expect = static_cast<std::uint32_t>(world_.nodes.size());
    world_.profile.gather = gather_;
    phase("boot", 600s, 5ms, [&] { boot_until(world_.nodes.size()); });
    say_kinds();
    print(0, 0);
  }

  void run() {
    const std::uint64_t before = allocated();
    form();
    phase("join", 60s, 1ms, [&] { boot_until(world_.nodes.size()); });
    world_.run_until(world_.now() + 40s);  // what is kept for a while only is gone
    const std::uint64_t empty = allocated();
    std::vector<ChildId> ids = world_.catalog.ids();
    const ChildId last = ids.back();
    ids.pop_back();
    phase("start", 300s, 5ms, [&] {
      wanted_ = ids.size();
      world_.clients->start(0, ids, sim::Asked::start);
    });
    world_.run_until(world_.now() + 5s);
    phase("change", 120s, 1ms, [&] {
      wanted_ += 1;
      world_.clients->start(world_.nodes.size() / 2, {last}, sim::Asked::start);
    });
    world_.run_until(world_.now() + 40s);
    rest(60s);
    const std::uint64_t full = allocated();
    phase("loss", 300s, 1ms, [&] {
      const std::size_t lost = std::max<std::size_t>(1, world_.nodes.size() * lose_percent_ / 100);
      for (std::size_t i = 0; i < lost; ++i) {
        const std::size_t node = (i * world_.nodes.size()) / lost;
        world_.driver->kill(node, true, "lost");
        ++world_.nodes[node].incarnation;  // nobody boots it again
      }
    });
    print(static_cast<double>(empty - before), static_cast<double>(full - empty));
  }

 private:
  static constexpr std::size_t first_nodes = 20;

  /// All but the last node, a few first and then some more each time that all agree, each of which takes in
  /// one step what comes within 20 ms: if all booted at once, the messages under way would name each node to
  /// each other by each third one.
  void form() {
    const auto clock = std::chrono::steady_clock::now();
    const Duration begin = world_.now();
    const auto since = count();
    const std::size_t all = world_.nodes.size() - 1;
    world_.network->weigh(false);
    world_.profile.gather = 20ms;
    while (booted_ < all && !world_.violation) {
      boot_until(std::min(all, booted_ + std::clamp(booted_ / 10, first_nodes, std::size_t{50})));
      run_until_agreed(60s, 5ms);
    }
    world_.profile.gather = gather_;
    world_.network->weigh(true);
    report(since_then("form", since, begin), clock);
  }

  void boot_until(std::size_t end) {
    for (; booted_ < end; ++booted_) world_.driver->boot(booted_);
  }

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
      if (core.view_hash() != first->view_hash() || core.size() != wanted_) return false;
    }
    return first != nullptr && world_.processes->count() == wanted_ && tables_agree(*first) &&
           instances_agree();
  }

  [[nodiscard]] bool tables_agree(const core::Core& first) const {
    const std::uint64_t digest = first.table_digest();
    return std::all_of(world_.nodes.begin(), world_.nodes.end(), [&](const sim::SimNode& node) {
      return !node.core || node.core->table_digest() == digest;
    });
  }

  /// Of some children, the last among them, on every node.
  [[nodiscard]] bool instances_agree() const {
    const auto& ids = world_.catalog.ids();
    for (const sim::SimNode& node : world_.nodes)
      for (std::size_t at = ids.size() - 1, left = 50; node.core && left > 0;
           at -= std::min(at, ids.size() / 50 + 1), --left)
        if (node.core->spec(ids[at]) != nullptr && node.core->instances(ids[at]).size() != 1) return false;
    return true;
  }

  bool run_until_agreed(Duration bound, Duration look_every) {
    const Duration end = world_.now() + bound;
    do {
      world_.run_until(world_.now() + look_every);
      if (!world_.violation && agree()) return true;
    } while (!world_.violation && world_.now() < end);
    return false;
  }

  template <typename Do>
  void phase(const std::string& name, Duration bound, Duration look_every, Do&& act) {
    const auto clock = std::chrono::steady_clock::now();
    const auto since = count();
    const Duration begin = world_.now();
    act();
    const bool agreed = run_until_agreed(bound, look_every);
    Phase phase = since_then(name, since, begin);
    if (!agreed) phase.seconds = -1;
    report(phase, clock);
  }

  void rest(Duration time) {
    const auto clock = std::chrono::steady_clock::now();
    const auto since = count();
    const Duration begin = world_.now();
    world_.run_until(world_.now() + time);
    report(since_then("rest", since, begin), clock);
  }

  /// Messages of each kind that the mean node has sent.
  void say_kinds() const {
    constexpr std::size_t kinds = std::tuple_size_v<decltype(sim::SimNode::sent_kinds)>;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      std::uint64_t sum = 0;
      for (const sim::SimNode& node : world_.nodes) sum += node.sent_kinds[kind];
      if (sum > 0)
        fmt::print(stderr, "  {}: {:.0f} a node\n", kind_name(kind),
                   static_cast<double>(sum) / static_cast<double>(world_.nodes.size()));
    }
  }

  void report(const Phase& phase, std::chrono::steady_clock::time_point clock) {
    phases_.push_back(phase);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - clock;
    fmt::print(stderr, "{}: {:.3f} s, {:.0f} messages a node (most {}), {:.0f} KiB a node; took {:.1f} s\n",
               phase.name, phase.seconds, phase.mean, phase.most, phase.bytes / 1024, took.count());
  }

  struct Count {
    std::uint64_t sent, received, bytes;
  };
  [[nodiscard]] std::vector<Count> count() const {
    std::vector<Count> all;
    for (const sim::SimNode& node : world_.nodes) all.push_back({node.sent, node.received, node.sent_bytes});
    return all;
  }
  [[nodiscard]] Phase since_then(const std::string& name, const std::vector<Count>& since,
                                 Duration begin) const {
    Phase phase{name};
    std::uint64_t sum = 0, bytes = 0, nodes = 0;
    for (std::size_t i = 0; i < world_.nodes.size(); ++i) {
      const sim::SimNode& node = world_.nodes[i];
      if (!node.core) continue;
      const std::uint64_t sent = node.sent - since[i].sent;
      sum += sent;
      bytes += node.sent_bytes - since[i].bytes;
      ++nodes;
      phase.most = std::max(phase.most, sent);
      phase.received_most = std::max(phase.received_most, node.received - since[i].received);
    }
    phase.mean = static_cast<double>(sum) / static_cast<double>(nodes);
    phase.bytes = static_cast<double>(bytes) / static_cast<double>(nodes);
    phase.seconds = in_seconds(world_.now() - begin);
    return phase;
  }

  void print(double empty, double children) const {
    const auto nodes = static_cast<double>(world_.nodes.size());
    std::string phases;
    for (const Phase& phase : phases_)
      phases += fmt::format(
          R"(,"{}":{{"seconds":{:.3f},"mean":{:.1f},"most":{},"received_most":{},"bytes":{:.0f}}})",
          phase.name, phase.seconds, phase.mean, phase.most, phase.received_most, phase.bytes);
    fmt::print(
        R"({{"nodes":{},"children":{},"synchronisation":"{}","empty_kib":{:.0f},"child_bytes":{:.0f}{}}})"
        "\n",
        world_.nodes.size(), wanted_, world_.profile.synchronisation.name, empty / nodes / 1024,
        children / nodes / static_cast<double>(wanted_), phases);
    if (world_.violation) fmt::print(stderr, "{}: {}\n", world_.violation->rule, world_.violation->words);
  }

  sim::World world_;
  std::uint32_t lose_percent_;
  Duration gather_;
  std::size_t booted_ = 0;
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
  arguments.options.children = 1000;
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
  app.add_flag("--boot", arguments.at_once,
               "Only boots all of them at the same time, and says what was sent");
  app.add_option("--work", arguments.work_us,
                 "Microseconds that a node takes for each event, and for each message that it sends")
      ->capture_default_str();
  app.add_option("--connect", arguments.connect_ms, "Milliseconds that an attempt to connect takes at most")
      ->capture_default_str();
  app.add_option("--seed", arguments.options.seed)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Scale scale(arguments);
  arguments.at_once ? scale.boot_at_once() : scale.run();
  return 0;
}
