#include "sim/faults.hpp"

#include "sim/clients.hpp"
#include "sim/driver.hpp"
#include "sim/ledger.hpp"
#include "sim/network.hpp"
#include "sim/processes.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

namespace {
/// An operator's patience with a node that shall leave.
constexpr Duration drain_patience = 60s;
}  // namespace

Faults::Faults(World& world) : world_(world), random_(world.random.fork()) {}

void Faults::work_until(Duration end) {
  end_ = end;
  next();
}

void Faults::next() {
  const Duration mean = world_.profile.fault_every;
  world_.timeline.after(random_.between(Duration(0), 2 * mean), [this] {
    if (world_.now() >= end_) return;
    act();
    next();
  });
}

void Faults::act() {
  std::vector<Fault> enabled;
  for (const Fault fault : {Fault::crash, Fault::pause, Fault::broken, Fault::leave, Fault::clock,
                            Fault::loop, Fault::split, Fault::busy})
    if (world_.profile.has(fault)) enabled.push_back(fault);
  if (enabled.empty()) return;
  const Fault fault = random_.pick(enabled);
  if (fault == Fault::broken) return break_some();
  if (fault == Fault::clock) return jump_clock();
  if (fault == Fault::busy) return slow_down();
  if (fault == Fault::split) return world_.splits->begin();
  if (fault == Fault::loop)
    return world_.processes->crash(random_.pick(world_.catalog.ids()), "crashed once");
  const auto node = any(SimNode::State::running);
  if (!node || !may_lose(*node)) return;
  if (fault == Fault::crash) crash(*node);
  if (fault == Fault::pause) pause(*node, pause_length(), random_.chance(200));
  if (fault == Fault::leave) leave(*node);
}

std::optional<std::size_t> Faults::any(SimNode::State state) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < world_.nodes.size(); ++i)
    if (world_.nodes[i].state == state) found.push_back(i);
  if (found.empty()) return std::nullopt;
  return random_.pick(found);
}

bool Faults::may_lose(std::size_t node) const {
  if (world_.nodes.size() == 1) return true;
  std::size_t others_up = 0;
  for (std::size_t i = 0; i < world_.nodes.size(); ++i) {
    const SimNode& other = world_.nodes[i];
    if (i != node && other.running() && !other.draining && other.core->self().state == core::MemberState::up)
      ++others_up;
  }
  return others_up > 0;
}

// ---- the faults ----------------------------------------------------------------------------------------

void Faults::crash(std::size_t node) {
  ++world_.counts.crashes;
  world_.marks.hit("crash");
  world_.driver->kill(node, random_.chance(300), "kill -9");
}

void Faults::maybe_crash(std::size_t node) {
  if (may_lose(node)) crash(node);
}

Duration Faults::pause_length() {
  switch (random_.below(3)) {
    case 0:
      return random_.between(100ms, 3900ms);
    case 1:
      return random_.between(4s, 8s);
    default:
      return random_.between(8s, 20s);
  }
}

void Faults::pause(std::size_t node, Duration length, bool slept) {
  world_.driver->pause(node);
  const auto start = std::pair(world_.nodes[node].incarnation, world_.nodes[node].pauses);
  world_.timeline.after(length, [=, this] {
    const SimNode& paused = world_.nodes[node];
    if (start == std::pair(paused.incarnation, paused.pauses)) world_.driver->resume(node, slept);
  });
}

void Faults::leave(std::size_t node) {
  if (world_.nodes[node].draining) return;
  const std::uint64_t incarnation = world_.nodes[node].incarnation;
  world_.clients->drain(node);
  world_.timeline.after(drain_patience, [=, this] {
    const SimNode& leaving = world_.nodes[node];
    if (leaving.incarnation == incarnation && leaving.running() && leaving.draining && !world_.healed)
      world_.driver->kill(node, false, "it takes too long to leave");
  });
}

void Faults::break_some() {
  const std::size_t a = random_.below(world_.nodes.size());
  const bool all = random_.chance(200);
  ++world_.counts.breaks;
  for (std::size_t b = 0; b < world_.nodes.size(); ++b) {
    if (b == a || (!all && !random_.chance(400))) continue;
    world_.trace.line("CONNECTION BREAKS {} - {}", world_.nodes[a].name.text(), world_.nodes[b].name.text());
    world_.network->break_connection(a, b);
  }
}

void Faults::jump_clock() {
  SimNode& node = world_.nodes[random_.below(world_.nodes.size())];
  const bool beyond = random_.chance(250);
  node.wall_skew =
      beyond ? random_.between(Duration(-30s), Duration(60s)) : random_.between(Duration(0), Duration(5s));
  world_.marks.hit(beyond ? "clock: jumps far" : "clock: jumps");
  world_.trace.line("{} CLOCK JUMPS to {:.3f} s ahead", node.name.text(),
                    static_cast<double>(node.wall_skew.count()) / 1e9);
}

void Faults::slow_down() {
  SimNode& node = world_.nodes[random_.below(world_.nodes.size())];
  node.slow_until = world_.now() + random_.between(2s, 20s);
  world_.marks.hit("busy: a node becomes slow");
  world_.trace.line("{} BECOMES SLOW", node.name.text());
}

// ---- coming back ---------------------------------------------------------------------------------------

void Faults::node_down(std::size_t node) {
  if (world_.healed)
    boot_later(node, random_.between(Duration(100ms), Duration(2s)));
  else
    boot_later(node, random_.chance(250) ? random_.between(Duration(5ms), Duration(300ms))
                                         : random_.between(1s, 20s));
}

void Faults::boot_later(std::size_t node, Duration delay) {
  const std::uint64_t incarnation = world_.nodes[node].incarnation;
  world_.timeline.after(delay, [=, this] {
    const SimNode& off = world_.nodes[node];
    if (off.state == SimNode::State::off && off.incarnation == incarnation) world_.driver->boot(node);
  });
}

void Faults::heal() {
  for (std::size_t i = 0; i < world_.nodes.size(); ++i) {
    if (world_.nodes[i].state == SimNode::State::paused) world_.driver->resume(i, false);
    if (world_.nodes[i].state == SimNode::State::off)
      boot_later(i, random_.between(Duration(0), Duration(3s)));
  }
}

}  // namespace brood::sim
