#include "sim/clients.hpp"

#include "sim/driver.hpp"
#include "sim/ledger.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

Clients::Clients(World& world)
    : world_(world),
      random_(world.random.fork()),
      mover_(world.options.seed ^ 0x6d6f7665),
      undrainer_(world.options.seed ^ 0x756e6472),
      changer_(world.options.seed ^ 0x6368616e) {}

void Clients::work_until(Duration end) {
  end_ = end;
  next();
}

void Clients::next() {
  const Duration mean = world_.profile.request_every;
  world_.timeline.after(random_.between(Duration(0), 2 * mean), [this] {
    if (world_.now() >= end_) return;
    act();
    next();
  });
}

std::vector<std::size_t> Clients::awake() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < world_.nodes.size(); ++i)
    if (world_.nodes[i].running()) out.push_back(i);
  return out;
}

std::optional<std::size_t> Clients::any_node() {
  const auto nodes = awake();
  if (nodes.empty()) return std::nullopt;
  return random_.pick(nodes);
}

void Clients::act() {
  const auto node = any_node();
  if (!node) return;
  if (changer_.chance(50)) change(*node, changer_.pick(world_.catalog.ids()));
  if (world_.profile.moves && mover_.chance(80)) move(*node, mover_.pick(world_.catalog.ids()));
  const std::uint64_t dice = random_.below(100);
  if (dice < 32) return start_one();
  if (dice < 42) return start_everywhere();
  if (dice < 60) return stop(*node, {any_id()});
  if (dice < 70) return race();
  if (dice < 84) return lookup(*node, any_id());
  if (dice < 88) return retry(*node, any_id());
  if (dice < 92) return start(*node, {any_id()}, Asked::apply, static_cast<std::uint32_t>(random_.below(3)));
  bulk(dice < 97);
}

void Clients::start_one() {
  const auto node = any_node();
  std::optional<NodeName> on;
  if (random_.chance(100)) on = random_.pick(world_.nodes).name;
  start(*node, {any_id()}, Asked::start, random_.chance(50) ? 1 : 0, on);
}

void Clients::start_everywhere() {
  const ChildId id = any_id();
  const Duration spread = random_.chance(500) ? Duration(0) : Duration(5ms);
  for (const std::size_t node : awake())
    world_.timeline.after(random_.between(Duration(0), spread),
                          [=, this] { start(node, {id}, Asked::start); });
}

void Clients::race() {
  const ChildId id = any_id();
  const std::uint64_t rounds = random_.between(1, 4);
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const Duration delay = random_.between(Duration(0), Duration(30ms));
    const std::size_t starter = *any_node();
    const std::size_t stopper = *any_node();
    world_.timeline.after(delay, [=, this] { start(starter, {id}, Asked::start); });
    world_.timeline.after(random_.between(Duration(0), Duration(30ms)), [=, this] { stop(stopper, {id}); });
  }
}

void Clients::bulk(bool starting) {
  std::vector<ChildId> ids;
  for (const ChildId& id : world_.catalog.ids())
    if (random_.chance(500)) ids.push_back(id);
  if (ids.empty()) return;
  if (starting)
    start(*any_node(), ids, Asked::start);
  else if (random_.chance(300))
    stop(*any_node(), ids);
}

// ---- single requests -----------------------------------------------------------------------------------

void Clients::node_booted(std::size_t node) {
  if (!world_.catalog.static_ids().empty()) start(node, world_.catalog.static_ids(), Asked::ensure);
}

void Clients::start(std::size_t node, const std::vector<ChildId>& ids, Asked mode, std::uint32_t version,
                    std::optional<NodeName> on) {
  if (!world_.nodes[node].running()) return;
  maybe_give_up(node, ask(node, ids, mode, version, std::move(on)));
}

core::ClientId Clients::ask(std::size_t node, const std::vector<ChildId>& ids, Asked mode,
                            std::uint32_t version, std::optional<NodeName> on) {
  core::ClientStart event;
  event.client = world_.ledger->opened(node, mode, ids);
  event.mode = mode == Asked::ensure    ? core::StartMode::ensure
               : mode == Asked::apply   ? core::StartMode::apply
               : mode == Asked::restart ? core::StartMode::restart
                                        : core::StartMode::start;
  event.on = std::move(on);
  for (const ChildId& id : ids) event.specs.push_back(world_.catalog.spec(id, version));
  const core::ClientId client = event.client;
  if (world_.has(Plant::early_answer) && mode == Asked::start) answer_early(node, event);
  world_.driver->post(node, std::move(event));
  return client;
}

// Begun anew, perhaps on other nodes; and many who ask for that do not wait for it.
void Clients::change(std::size_t node, const ChildId& id) {
  const std::uint64_t dice = changer_.below(10);
  const auto client = ask(node, {id}, dice < 4 ? Asked::restart : Asked::apply,
                          dice < 8 ? Catalog::elsewhere : 0, std::nullopt);
  if (changer_.chance(300)) give_up(node, client, changer_.between(Duration(0), Duration(100ms)));
}

void Clients::answer_early(std::size_t node, const core::ClientStart& event) {
  core::Reply reply{event.client, {}, true};
  for (const core::NamedSpec& child : event.specs) {
    core::Outcome outcome;
    outcome.id = child.id;
    reply.outcomes.push_back(std::move(outcome));
  }
  world_.ledger->replied(node, reply);
}

void Clients::stop(std::size_t node, const std::vector<ChildId>& ids) {
  if (!world_.nodes[node].running()) return;
  const core::ClientId client = world_.ledger->opened(node, Asked::stop, ids);
  maybe_give_up(node, client);
  world_.driver->post(node, core::ClientStop{client, ids});
}

void Clients::lookup(std::size_t node, const ChildId& id) {
  if (!world_.nodes[node].running()) return;
  world_.driver->post(node, core::ClientLookup{world_.ledger->opened(node, Asked::lookup, {id}), id});
}

void Clients::retry(std::size_t node, const ChildId& id) {
  if (!world_.nodes[node].running()) return;
  world_.driver->post(node, core::ClientRetry{world_.ledger->opened(node, Asked::retry, {id}), id});
}

// To any node, which may be away or unable, or back; and now and then all are given anew.
void Clients::move(std::size_t node, const ChildId& id) {
  if (!world_.nodes[node].running()) return;
  const std::uint64_t dice = mover_.below(10);
  const core::MoveKind kind = dice < 6   ? core::MoveKind::to_node
                              : dice < 9 ? core::MoveKind::by_itself
                                         : core::MoveKind::rebalance;
  world_.driver->post(node, core::ClientMove{world_.ledger->opened(node, Asked::move, {id}), kind, id,
                                             mover_.pick(world_.nodes).name});
}

void Clients::drain(std::size_t node) {
  if (!world_.nodes[node].running()) return;
  world_.nodes[node].draining = true;
  world_.trace.line("{} IS TO LEAVE", world_.nodes[node].name.text());
  world_.driver->post(node, core::ClientDrain{world_.ledger->opened_drain(node)});
  maybe_undrain(node);
}

// While it drains, as it has just left, or when it is up again.
void Clients::maybe_undrain(std::size_t node) {
  if (!world_.options.take_back || !undrainer_.chance(600)) return;
  const std::uint64_t incarnation = world_.nodes[node].incarnation;
  const Duration most = undrainer_.chance(500) ? Duration(50ms) : Duration(5s);
  world_.timeline.after(undrainer_.between(Duration(0), most), [=, this] {
    const SimNode& at = world_.nodes[node];
    if (!at.running() || at.incarnation != incarnation) return;
    world_.driver->post(node, core::ClientDrain{world_.ledger->opened_drain(node), false, true});
  });
}

void Clients::maybe_give_up(std::size_t node, core::ClientId client) {
  if (random_.chance(100)) give_up(node, client, random_.between(Duration(200ms), Duration(10s)));
}

void Clients::give_up(std::size_t node, core::ClientId client, Duration after) {
  const std::uint64_t incarnation = world_.nodes[node].incarnation;
  world_.timeline.after(after, [=, this] {
    const SimNode& at = world_.nodes[node];
    if (!at.running() || at.incarnation != incarnation) return;
    world_.driver->when_awake(node, incarnation, [=, this] {
      // What was asked may be gathered still, where the node was busy meanwhile.
      world_.driver->flush(node);
      if (world_.ledger->gone(client)) world_.driver->step(node, core::ClientGone{client});
    });
  });
}

}  // namespace brood::sim
