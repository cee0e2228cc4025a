#include "sim/driver.hpp"

#include "sim/callers.hpp"
#include "sim/clients.hpp"
#include "sim/faults.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/processes.hpp"
#include "sim/promise.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

namespace {
// How much a node does at once: as much as a real one, or so little that nearly everything is cut into
// portions.
void draw_load(core::Settings& settings, Random& random) {
  settings.step_budget = random.between(std::uint64_t{1}, std::uint64_t{30});
  settings.table_portion = random.between(std::uint64_t{1}, std::uint64_t{20});
  settings.request_window = random.between(std::uint64_t{1}, std::uint64_t{20});
  settings.request_portion = random.between(std::uint64_t{1}, std::uint64_t{5});
  if (random.below(2) == 0) settings.lag_max = random.between(std::uint64_t{1}, std::uint64_t{40});
}

void draw_queues(core::Settings& settings, Random& random) {
  settings.inbox_max = random.between(std::uint64_t{1}, std::uint64_t{10});
  settings.lag_max = random.between(std::uint64_t{1}, std::uint64_t{20});
}

core::Strategies strategies_of(const World& world) {
  const Profile& profile = world.profile;
  StrategyChoice choice{std::string(to_string(profile.partition))};
  const auto ms = [](Duration time) { return Setting(static_cast<std::int64_t>(time / 1ms)); };
  if (profile.partition == Partition::static_quorum)
    choice.settings["quorum_size"] =
        static_cast<std::int64_t>(world.has(Plant::no_quorum) ? 1 : profile.quorum_size);
  if (profile.partition == Partition::dynamic_quorum) {
    choice.settings["quorum_size"] =
        static_cast<std::int64_t>(world.has(Plant::no_quorum) ? 1 : profile.quorum_size);
    choice.settings["threshold_time"] = static_cast<double>(profile.threshold.count()) / 1e9;
  }
  if (profile.partition == Partition::majority_quorum) {
    choice.settings["initial_cluster_size"] =
        static_cast<std::int64_t>(world.has(Plant::no_quorum) ? 1 : world.nodes.size());
    choice.settings["track_max_size"] = profile.grows && !world.has(Plant::no_quorum);
  }
  if (profile.partition != Partition::divergence) {
    if (profile.takeover_delay) choice.settings["takeover_delay_ms"] = ms(*profile.takeover_delay);
    if (world.has(Plant::hasty_takeover)) choice.settings["takeover_delay_ms"] = std::int64_t{0};
    choice.settings["locked_stop_ms"] = ms(profile.stop_max);
  }
  brood::Strategies chosen{.synchronisation = profile.synchronisation, .partition = choice};
  chosen.distribution = profile.distribution;
  if (profile.hot_swap) chosen.migration = "hot_swap";
  const Copies& copies = profile.copies;
  if (copies.several() || copies.roles) {
    Setting factor = static_cast<std::int64_t>(copies.factor);
    if (copies.factor == 0) factor = std::string("cluster_size");
    StrategyChoice redundancy{
        "replication",
        {{"factor", factor}, {"mode", std::string(copies.roles ? "active_passive" : "active_active")}}};
    if (copies.follow == Copies::Follow::each_call) redundancy.settings["follow"] = std::string("each_call");
    if (copies.follow == Copies::Follow::every) redundancy.settings["follow_every_ms"] = std::int64_t{500};
    chosen.redundancy = std::move(redundancy);
  }
  auto made = core::make_strategies(chosen);
  BROOD_CHECK(made.has_value(), "a profile chooses what there is");
  return *std::move(made);
}

core::Settings settings_of(const World& world, std::size_t index) {
  core::Settings settings;
  settings.supervisor = "sim";
  settings.self = world.nodes[index].name;
  settings.creation = world.nodes[index].creation;
  settings.offers = world.catalog.offers(index);
  settings.expect = world.profile.expect;
  settings.strategies = strategies_of(world);
  for (std::uint32_t i = 0; i < world.profile.listed; ++i)
    settings.ring_nodes.push_back(Catalog::node_name(i));
  settings.fixed_ring = world.profile.fixed_ring;
  // Which nodes are up when the first of them acts is for chance to say.
  if (settings.fixed_ring && settings.ring_nodes.empty()) settings.expect = world.profile.nodes;
  for (const SimNode& node : world.nodes) {
    if (world.options.seeds != 0 && settings.join.size() >= world.options.seeds) break;
    if (node.name != settings.self) settings.join.push_back(node.name);
  }
  return settings;
}
}  // namespace

Driver::Driver(World& world) : world_(world), random_(world.random.fork()) {}

std::size_t Driver::up_count() const {
  std::size_t count = 0;
  for (const SimNode& node : world_.nodes)
    if (node.running() && node.core->self().state != core::MemberState::joining) ++count;
  return count;
}

std::size_t Driver::count(SimNode::State state) const {
  return static_cast<std::size_t>(std::count_if(world_.nodes.begin(), world_.nodes.end(),
                                                [&](const SimNode& node) { return node.state == state; }));
}

// ---- the life of a node --------------------------------------------------------------------------------

void Driver::boot(std::size_t index) {
  SimNode& node = world_.nodes[index];
  BROOD_CHECK(node.state == SimNode::State::off, "only a node that is off can boot");
  ++world_.counts.boots;
  node.state = SimNode::State::running;
  ++node.incarnation;
  node.creation += static_cast<std::uint32_t>(random_.between(1, 3));
  node.fenced = node.draining = node.gathering = false;
  node.slept = {};
  node.slow_until = node.busy_until = {};
  node.inbox.clear();
  node.gathered.clear();
  node.tick_at = Duration::max();
  node.next_pid = static_cast<std::uint32_t>(random_.between(50, 150));
  node.boot_origin = random_.between(Duration(1s), Duration(1000000s));
  node.monotonic_origin = node.boot_origin;
  // Some clocks are further ahead than the others follow.
  if (world_.profile.has(Fault::clock))
    node.wall_skew = random_.between(Duration(0), Duration(random_.below(4) == 0 ? 25s : 4s));
  core::Settings settings = settings_of(world_, index);
  // So few nodes would never be paced. Not drawn, which would make another run of every seed.
  if (world_.options.seed % 3 == 0) settings.views_free = 0;
  if (world_.profile.portions) draw_load(settings, random_);
  if (world_.profile.has(Fault::full)) draw_queues(settings, random_);
  node.core = std::make_unique<core::Core>(std::move(settings));
  node.marked = {};
  world_.trace.line("{} BOOTS, creation {}", node.name.text(), node.creation);
  step(index, core::Boot{});
  if (world_.profile.distribution == "load_balancer") measure(index);
  world_.clients->node_booted(index);
}

// What a node measures is for chance to say.
void Driver::measure(std::size_t index) {
  const std::uint64_t incarnation = world_.nodes[index].incarnation;
  world_.timeline.after(random_.between(Duration(1s), Duration(20s)), [this, index, incarnation] {
    when_awake(index, incarnation, [this, index] {
      core::Load load;
      load.own_ppm = static_cast<std::uint32_t>(random_.below(1'000'000));
      post(index, core::LoadMeasured{load});
      measure(index);
    });
  });
}

void Driver::kill(std::size_t index, bool flushed, std::string_view why) {
  SimNode& node = world_.nodes[index];
  if (node.state == SimNode::State::off) return;
  world_.trace.line("{} IS KILLED: {}", node.name.text(), why);
  node.state = SimNode::State::off;
  world_.processes->node_gone(index);
  world_.callers->node_gone(index);
  world_.network->node_gone(index, flushed);
  world_.ledger->node_gone(index);
  world_.count_of(*node.core);
  node.core.reset();
  world_.faults->node_down(index);
}

void Driver::leave(std::size_t index) {
  SimNode& node = world_.nodes[index];
  if (world_.processes->count_on(index) != 0)
    world_.violate("leave", nullptr,
                   node.name.text() + " has left with processes of its children still alive");
  ++world_.counts.leaves;
  world_.promise->node_left();
  kill(index, true, "it has left");
}

void Driver::pause(std::size_t index) {
  SimNode& node = world_.nodes[index];
  if (!node.running()) return;
  ++world_.counts.pauses;
  world_.trace.line("{} IS STOPPED", node.name.text());
  node.state = SimNode::State::paused;
  node.paused_at = world_.now();
  ++node.pauses;
  world_.network->node_paused(index);
  world_.processes->node_hurt();
  world_.ledger->node_paused(index);
}

void Driver::resume(std::size_t index, bool slept) {
  SimNode& node = world_.nodes[index];
  if (node.state != SimNode::State::paused) return;
  world_.trace.line("{} WAKES{}", node.name.text(), slept ? ", its machine slept" : "");
  node.state = SimNode::State::running;
  if (slept) node.monotonic_origin -= world_.now() - node.paused_at;
  node.slept = world_.now() - node.paused_at;
  step(index, core::Tick{});
  world_.processes->check_node(index);
  node.busy_until = {};
  work_off(index);
  world_.network->node_resumed(index);
}

// ---- events --------------------------------------------------------------------------------------------

void Driver::when_awake(std::size_t index, std::uint64_t incarnation, Job job) {
  SimNode& node = world_.nodes[index];
  if (node.state == SimNode::State::off || node.incarnation != incarnation) return;
  if (node.state == SimNode::State::paused || world_.now() < node.busy_until)
    node.inbox.push_back(std::move(job));
  else
    job();
}

// All that waited is one piece of work, as a driver that was busy takes all that is in its queue.
void Driver::work_off(std::size_t index) {
  SimNode& node = world_.nodes[index];
  std::deque<Job> waiting;
  waiting.swap(node.inbox);
  const Duration slow_until = std::exchange(node.slow_until, Duration{});
  for (const Job& job : waiting) {
    if (world_.violation) return;
    if (node.state == SimNode::State::running) job();
  }
  node.slow_until = slow_until;
}

// The step that was just made takes so long, to the clock on the wall: what comes meanwhile waits. Nothing of
// the machine sleeps.
void Driver::maybe_take_long(SimNode& node, std::size_t index) {
  if (world_.healed || world_.now() >= node.slow_until || !node.running() || world_.now() < node.busy_until)
    return;
  world_.marks.hit("busy: a long step");
  node.busy_until = world_.now() + random_.between(Duration(1ms), Duration(700ms));
  const std::uint64_t incarnation = node.incarnation;
  world_.timeline.at(node.busy_until, [this, index, incarnation] {
    SimNode& then = world_.nodes[index];
    if (then.incarnation != incarnation || !then.running() || world_.now() < then.busy_until) return;
    work_off(index);
    maybe_take_long(then, index);
  });
}

// A machine that is too small for its nodes: what comes while a node is at work waits, and is one step then.
void Driver::take_time(SimNode& node, std::size_t index, std::size_t pieces) {
  if (world_.profile.work == Duration{} || !node.running()) return;
  node.busy_until =
      std::max(node.busy_until, world_.now()) + static_cast<std::int64_t>(pieces) * world_.profile.work;
  const std::uint64_t incarnation = node.incarnation;
  world_.timeline.at(node.busy_until, [this, index, incarnation] {
    SimNode& then = world_.nodes[index];
    if (then.incarnation == incarnation && then.running() && world_.now() >= then.busy_until) work_off(index);
  });
}

// What a core refuses is counted by it; the fault that brings it about is then known to have been met.
void Driver::mark_refusals(SimNode& node) {
  const core::Stats& stats = node.core->stats();
  world_.marks.hit("clock: further ahead than is followed",
                   stats.clock_refusals - node.marked.clock_refusals);
  world_.marks.hit("full: a request is refused", stats.busy - node.marked.busy);
  world_.marks.hit("full: a member falls behind", stats.fell_behind - node.marked.fell_behind);
  world_.marks.hit("gossip: a change is passed on", stats.deltas_passed_on - node.marked.deltas_passed_on);
  world_.marks.hit("gossip: a change comes twice", stats.deltas_twice - node.marked.deltas_twice);
  world_.marks.hit("gossip: a missing change is asked for",
                   stats.deltas_asked_for - node.marked.deltas_asked_for);
  world_.marks.hit("gossip: a message waits for changes", stats.kept_back - node.marked.kept_back);
  node.marked = stats;
}

void Driver::post(std::size_t index, core::Event event) {
  SimNode& node = world_.nodes[index];
  if (node.running() && world_.now() < node.busy_until) {
    node.inbox.push_back([this, index, event = std::move(event)] { post(index, event); });
    return;
  }
  if (!world_.profile.batches) {
    step(index, event);
    return;
  }
  node.gathered.push_back(std::move(event));
  if (node.gathering) return;
  node.gathering = true;
  const std::uint64_t incarnation = node.incarnation;
  world_.timeline.after(random_.between(Duration(1us), world_.profile.gather), [this, index, incarnation] {
    when_awake(index, incarnation, [this, index] { flush(index); });
  });
}

void Driver::flush(std::size_t index) {
  SimNode& node = world_.nodes[index];
  node.gathering = false;
  std::vector<core::Event> events;
  events.swap(node.gathered);
  if (!events.empty()) step_all(index, events);
}

void Driver::step(std::size_t index, core::Event event) {
  step_all(index, {&event, 1});
}

void Driver::step_all(std::size_t index, std::span<core::Event> events) {
  SimNode& node = world_.nodes[index];
  if (world_.violation || !node.core) return;
  world_.counts.steps += events.size();
  node.step_size = events.size() + (node.stepped_at == world_.now() ? node.step_size : 0);
  node.stepped_at = world_.now();
  world_.trace.mix(static_cast<std::uint64_t>(world_.now().count()));
  for (const core::Event& event : events) {
    world_.trace.mix(index * 64 + event.index());
    world_.trace.event(node.name.text(), event);
  }
  const core::Effects& effects = node.core->step_all(events, node.clocks(world_.now()));
  node.slept = {};
  world_.trace.mix(effects);
  world_.trace.effects(node.name.text(), effects);
  mark_refusals(node);
  std::size_t pieces = events.size();
  for (const core::Send& send : effects.sends) pieces += send.to.size();
  carry_out(index, effects);
  schedule_tick(index);
  take_time(node, index, pieces);
  maybe_take_long(node, index);
}

void Driver::carry_out(std::size_t index, const core::Effects& effects) {
  SimNode& node = world_.nodes[index];
  if (effects.fence == true) set_fence(node, true);
  for (const core::SetRole& change : effects.roles) {
    for (const core::Start& start : effects.starts)
      if (start.id == change.id && start.epoch == change.epoch)
        world_.violate("role", &change.id, "it is told its role in the step that starts it, and before that");
    world_.processes->set_role(index, change);
  }
  for (const core::HandoverStep& step : effects.handovers)
    std::visit([&](const auto& one) { world_.processes->carry_out(index, one); }, step);
  for (const core::Start& start : effects.starts) world_.processes->start(index, start);
  for (const core::Stop& stop : effects.stops) world_.processes->stop(index, stop);
  for (const core::Send& send : effects.sends) world_.network->send(index, send);
  for (const core::Connect& connect : effects.connects)
    world_.network->connect(index, world_.index_of(connect.node));
  for (const core::Disconnect& disconnect : effects.disconnects)
    world_.network->disconnect(index, world_.index_of(disconnect.node));
  for (const core::Reply& reply : effects.replies) world_.ledger->replied(index, reply);
  world_.callers->changed(index, effects.changed);
  if (effects.fence == false) {
    set_fence(node, false);
    world_.processes->check_node(index);
  }
  if (effects.refused)
    world_.violate("refused", nullptr,
                   node.name.text() + " is refused, though all are of one kind: " + *effects.refused);
  if (effects.left) {
    const std::uint64_t incarnation = node.incarnation;
    world_.timeline.after(random_.between(Duration(0), Duration(3ms)), [this, index, incarnation] {
      when_awake(index, incarnation, [this, index] { leave(index); });
    });
  }
}

void Driver::set_fence(SimNode& node, bool fenced) {
  if (!world_.has(Plant::unfaithful_fence)) node.fenced = fenced;
}

void Driver::schedule_tick(std::size_t index) {
  SimNode& node = world_.nodes[index];
  const Duration deadline = node.core->next_deadline();
  if (deadline == Duration::max()) return;
  // A timer is late, never early.
  const Duration due = std::max(deadline - node.monotonic_origin, world_.now()) +
                       random_.between(Duration(1us), Duration(1ms));
  if (node.tick_at <= due) return;
  node.tick_at = due;
  const std::uint64_t serial = ++node.tick_serial;
  const std::uint64_t incarnation = node.incarnation;
  world_.timeline.at(due, [this, index, serial, incarnation] {
    when_awake(index, incarnation, [this, index, serial] {
      SimNode& ticking = world_.nodes[index];
      if (ticking.tick_serial != serial) return;
      ticking.tick_at = Duration::max();
      step(index, core::Tick{});
    });
  });
}

}  // namespace brood::sim
