#include "sim/settle.hpp"

#include "sim/describe.hpp"
#include "sim/ledger.hpp"
#include "sim/processes.hpp"

namespace brood::sim {
namespace {

using namespace std::chrono_literals;
using core::Core;

/// Replies wait for other nodes so long at most: by Following::wait, and what makes these slow.
constexpr Duration reply_bound = 15s;

Violation wrong(std::string rule, const ChildId* id, std::string words) {
  return {std::move(rule), id != nullptr ? id->text() : "", std::move(words), {}};
}

std::optional<Violation> members_wrong(const World& world) {
  const Core& first = *world.nodes.front().core;
  for (const SimNode& node : world.nodes) {
    const Core& core = *node.core;
    if (core.self().state != core::MemberState::up)
      return wrong("members", nullptr, node.name.text() + " is " + std::string(to_string(core.self().state)));
    if (node.fenced) return wrong("members", nullptr, node.name.text() + " is fenced");
    if (!core.view_confirmed()) return wrong("members", nullptr, node.name.text() + " has no confirmed view");
    if (core.up_nodes().size() != world.nodes.size() || core.view_hash() != first.view_hash())
      return wrong("members", nullptr,
                   fmt::format("{} knows {} of {} nodes, or other sessions", node.name.text(),
                               core.up_nodes().size(), world.nodes.size()));
  }
  return std::nullopt;
}

/// Of all rows and all that is known of removed ones, not only of the children that are asked for.
std::optional<Violation> tables_differ(const World& world) {
  const Core& first = *world.nodes.front().core;
  const auto ids = first.ids();
  for (const SimNode& node : world.nodes) {
    if (node.core->table_digest() != first.table_digest() || node.core->ids() != ids)
      return wrong(
          "agree", nullptr,
          fmt::format("the tables of {} and {} differ", world.nodes.front().name.text(), node.name.text()));
  }
  return std::nullopt;
}

std::optional<Violation> rows_differ(const World& world, const ChildId& id) {
  const core::SpecRow* agreed = world.nodes.front().core->spec(id);
  for (const SimNode& node : world.nodes) {
    const core::SpecRow* row = node.core->spec(id);
    if ((row == nullptr) != (agreed == nullptr))
      return wrong("agree", &id,
                   fmt::format("{} and {} differ about whether it exists", world.nodes.front().name.text(),
                               node.name.text()));
    if (row != nullptr &&
        (row->dot != agreed->dot || row->wanted != agreed->wanted || !row->spec->same_as(*agreed->spec)))
      return wrong("agree", &id,
                   fmt::format("{} and {} have different rows of it", world.nodes.front().name.text(),
                               node.name.text()));
  }
  return std::nullopt;
}

/// What each node knows of one child, looked up once: there may be an instance of it on every node.
using KnownToNodes = std::vector<core::Known>;

/// The one of that session; nullptr: there is none. `place`: where it is most likely.
const core::Instance* find_instance(const core::Known& known, const core::SessionId& host,
                                    std::size_t place) {
  const auto& all = known.instances;
  if (place < all.size() && *all[place].host == host) return all[place].instance;
  const auto there =
      std::find_if(all.begin(), all.end(), [&](const core::Known::Seen& one) { return *one.host == host; });
  return there == all.end() ? nullptr : there->instance;
}

/// One process on each of these nodes, the first of them active, and every node says so.
std::optional<Violation> process_wrong(const World& world, const ChildId& id,
                                       const std::vector<const Process*>& processes,
                                       const KnownToNodes& known, const std::vector<NodeName>& homes,
                                       std::size_t place) {
  const NodeName& home = homes[place];
  const core::Role role =
      !world.profile.copies.roles || home == homes.front() ? core::Role::active : core::Role::passive;
  const std::size_t index = world.index_of(home);
  const SimNode& host = world.nodes[index];
  const auto found = std::find_if(processes.begin(), processes.end(),
                                  [index](const Process* process) { return process->node == index; });
  if (found == processes.end())
    return wrong("placement", &id, "it belongs on " + home.text() + " and is not there");
  const Process* process = *found;
  if (!process->running || process->stopping) return wrong("lost", &id, "its process does not run, or ends");
  if (!process->spec->same_as(*host.core->spec(id)->spec))
    return wrong("placement", &id, "it runs with an old spec");
  if (process->role != role)
    return wrong("role", &id, fmt::format("on {} it is {}", home.text(), core::to_string(process->role)));
  if (const auto* reply = process->follow ? process->follow->gate.oldest() : nullptr;
      reply != nullptr && world.now() - reply->since > reply_bound)
    return wrong(
        "unanswered", &id,
        fmt::format("a reply of it waits on {} since {} s", home.text(), (world.now() - reply->since) / 1s));
  const core::SessionId& session = host.core->self().session;
  for (std::size_t i = 0; i < world.nodes.size(); ++i) {
    const core::Instance* there = find_instance(known[i], session, place);
    if (there == nullptr || there->pid != process->pid || there->phase != core::Phase::running ||
        there->role != role)
      return wrong("agree", &id,
                   fmt::format("{} knows another instance of it on {}, or another role",
                               world.nodes[i].name.text(), home.text()));
  }
  return std::nullopt;
}

std::optional<Violation> not_at_home(const World& world, const ChildId& id,
                                     const std::vector<NodeName>& homes, KnownToNodes& known) {
  const auto processes = world.processes->of(id);
  if (processes.size() != homes.size())
    return wrong(processes.size() < homes.size() ? "lost" : "overlap", &id,
                 fmt::format("{} processes of it run, not {}", processes.size(), homes.size()));
  known.resize(world.nodes.size());
  for (std::size_t i = 0; i < known.size(); ++i) world.nodes[i].core->look_up(id, known[i]);
  for (std::size_t place = 0; place < homes.size(); ++place)
    if (auto one = process_wrong(world, id, processes, known, homes, place)) return one;
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i].instances.size() != homes.size())
      return wrong(
          "agree", &id,
          fmt::format("{} knows {} instances of it", world.nodes[i].name.text(), known[i].instances.size()));
  return std::nullopt;
}

/// As far as what it offers and the lists of nodes say.
bool may_run(const World& world, const core::Spec& spec, std::size_t node) {
  const NodeName& name = world.nodes[node].name;
  const auto ring = world.nodes.front().core->ring_nodes();
  const bool named =
      spec.extras->nodes.empty() ||
      std::find(spec.extras->nodes.begin(), spec.extras->nodes.end(), name) != spec.extras->nodes.end();
  return named && world.catalog.offers(node).contains(spec.needs) &&
         std::find(ring.begin(), ring.end(), name) != ring.end();
}

std::optional<Violation> child_wrong(const World& world, const ChildId& id, KnownToNodes& known) {
  if (auto differ = rows_differ(world, id)) return differ;
  const Core& core = *world.nodes.front().core;
  const core::SpecRow* row = core.spec(id);
  auto placement = core.placement(id);
  // Under a centralised distribution somebody has to say where it runs.
  if (row != nullptr && row->wanted && !row->trouble->failed && placement.empty() &&
      world.profile.distribution == "load_balancer")
    for (std::size_t i = 0; i < world.nodes.size(); ++i)
      if (may_run(world, *row->spec, i))
        return wrong("placement", &id,
                     "nobody has given it a node, and " + world.nodes[i].name.text() + " is there");
  placement.resize(world.profile.copies.of(placement.size()));
  if (row != nullptr && row->wanted && !row->trouble->failed && !placement.empty())
    return not_at_home(world, id, placement, known);
  if (!world.processes->of(id).empty())
    return wrong("revived", &id, row == nullptr ? "it runs, but has no row" : "it runs, but must not");
  known.resize(1);
  for (const SimNode& node : world.nodes)
    if (node.core->look_up(id, known[0]); !known[0].instances.empty())
      return wrong("agree", &id, node.name.text() + " knows an instance that is not there");
  return std::nullopt;
}
}  // namespace

std::optional<Violation> not_settled(const World& world) {
  for (const SimNode& node : world.nodes) {
    if (!node.running()) return wrong("members", nullptr, node.name.text() + " does not run");
    if (node.draining) return wrong("members", nullptr, node.name.text() + " is still leaving");
    if (node.core->rebalancing()) return wrong("balance", nullptr, node.name.text() + " still rebalances");
  }
  if (auto members = members_wrong(world)) return members;
  if (world.ledger->open_requests() != 0) return wrong("unanswered", nullptr, "requests are open");
  KnownToNodes known;
  for (const ChildId& id : world.catalog.ids())
    if (auto child = child_wrong(world, id, known)) return child;
  return tables_differ(world);
}

std::optional<Violation> broken_promise(const World& world) {
  const Duration now = world.now();
  for (const ChildId& id : world.catalog.ids()) {
    const core::SpecRow* row = world.nodes.front().core->spec(id);
    const bool exists = row != nullptr && row->wanted;
    if (!exists && world.ledger->certainly_exists(id, now, now))
      return wrong("lost", &id, "its start was acknowledged and nobody stopped it, but it is gone");
    if (exists && world.ledger->certainly_stopped(id, now, now))
      return wrong("revived", &id, "its stop was acknowledged and nobody started it, but it is back");
  }
  return std::nullopt;
}

std::vector<ChildId> failed_children(const World& world) {
  std::vector<ChildId> out;
  for (const ChildId& id : world.catalog.ids())
    if (const core::SpecRow* row = world.nodes.front().core->spec(id); row != nullptr && row->trouble->failed)
      out.push_back(id);
  return out;
}

}  // namespace brood::sim
