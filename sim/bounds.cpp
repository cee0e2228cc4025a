#include "sim/bounds.hpp"

#include "core/rows/replication.hpp"

namespace brood::sim {
namespace {

/// Batches of others, changes under way, and of each peer changes that not all are known to hold: each has a
/// bound of its own in the core; this is their sum for the cores that are simulated.
std::size_t changes_max(const World& world) {
  return std::max<std::size_t>(60'000, 40'000 + core::unstable_max * world.nodes.size());
}
constexpr std::size_t kept_back_max = 20'000;

std::optional<Violation> over(const SimNode& node, std::string_view what, std::size_t is, std::size_t most) {
  if (is <= most) return std::nullopt;
  return Violation{"bounded",
                   "",
                   fmt::format("{} keeps {} {}, at most {} are right", node.name.text(), is, what, most),
                   {}};
}

}  // namespace

std::optional<Violation> keeps_too_much(const World& world) {
  for (const SimNode& node : world.nodes) {
    if (!node.core) continue;
    const core::Footprint keeps = node.core->footprint();
    if (auto wrong = over(node, "changes", keeps.changes, changes_max(world))) return wrong;
    if (auto wrong = over(node, "messages for later", keeps.kept_back, kept_back_max)) return wrong;
    if (auto wrong = over(node, "nodes", keeps.peers, world.nodes.size() + 1)) return wrong;
    if (auto wrong = over(node, "children", keeps.children, world.catalog.ids().size())) return wrong;
    // One for each start of a node.
    if (auto wrong = over(node, "starts of nodes", keeps.origins, world.counts.boots)) return wrong;
  }
  return std::nullopt;
}

std::optional<Violation> keeps_for_nothing(const World& world) {
  for (const SimNode& node : world.nodes) {
    const core::Footprint keeps = node.core->footprint();
    if (auto wrong = over(node, "waits for others", keeps.waits, 0)) return wrong;
    if (auto wrong = over(node, "messages for later", keeps.kept_back, 0)) return wrong;
    if (auto wrong = over(node, "children", keeps.children, node.core->ids().size())) return wrong;
  }
  return std::nullopt;
}

}  // namespace brood::sim
