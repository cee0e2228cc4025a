#include "sim/promise.hpp"

#include "sim/processes.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

namespace {
constexpr Duration every = 100ms;
/// What looking so rarely, and timers that are late, make of a bound.
constexpr Duration slack = 500ms;
constexpr Duration tick_timeout = 8s;
/// How late one side of a split may see what the other has seen already.
constexpr Duration detection = tick_timeout / 2 * 3;
/// How late it may see it at all: silence, and then attempts to connect, each for a tick time-out.
constexpr Duration detection_max = tick_timeout / 2 * 5;
}  // namespace

void Promise::watch() {
  world_.timeline.after(every, [this] {
    look();
    watch();
  });
}

void Promise::note_meetings() {
  for (std::size_t a = 0; a < world_.nodes.size(); ++a)
    for (std::size_t b = a + 1; b < world_.nodes.size(); ++b)
      if (world_.nodes[a].running() && world_.nodes[b].running() &&
          world_.nodes[a].core->view_hash() == world_.nodes[b].core->view_hash())
        met_.try_emplace({a, world_.nodes[a].incarnation, b, world_.nodes[b].incarnation}, world_.now());
}

// A census is in memory: whoever begins anew, cut off from all that have it, goes by the size that it is
// given, from which those that left in good order are not taken away. What both run ends once they have met.
bool Promise::are_strangers(std::size_t a, std::size_t b) const {
  if (left_ == 0 || world_.profile.partition != Partition::majority_quorum) return false;
  if (b < a) std::swap(a, b);
  const auto met = met_.find({a, world_.nodes[a].incarnation, b, world_.nodes[b].incarnation});
  return met == met_.end() || world_.now() < met->second + world_.profile.stop_max;
}

void Promise::look() {
  if (left_ > 0) note_meetings();
  const bool cloudy = world_.splits->cloudy();
  if (cloudy && world_.profile.partition != Partition::divergence) {
    look_at_overlaps();
    look_at_minorities();
  }
  // From now on there are never two again.
  if (!cloudy && was_cloudy_) {
    two_since_.clear();
    for (std::size_t i = 0; i < world_.nodes.size(); ++i) world_.processes->check_node(i);
  }
  was_cloudy_ = cloudy;
}

void Promise::look_at_overlaps() {
  const Duration most = detection + world_.profile.stop_max;
  const Duration bound = most - std::min(most, world_.profile.takeover_delay.value_or(most));
  // Of several instances it is the active one that there may be one of.
  const Copies& copies = world_.profile.copies;
  if (copies.several() && !copies.roles) return;
  for (const ChildId& id : world_.catalog.ids()) {
    std::vector<std::size_t> acting;
    for (const Process* process : world_.processes->of(id)) {
      const bool counts = !copies.several() || process->role == core::Role::active;
      if (counts && world_.nodes[process->node].acts() && !process->prepared &&
          !(process->stuck && process->stopping))
        acting.push_back(process->node);
    }
    if (acting.size() < 2 || are_strangers(acting.front(), acting.back())) {
      two_since_.erase(id);
      continue;
    }
    const Duration since = two_since_.try_emplace(id, world_.now()).first->second;
    longest_ = std::max(longest_, world_.now() - since);
    if (world_.now() - since > bound + slack)
      world_.violate("overlap", &id,
                     fmt::format("it has run on both sides of a split for {:.1f} s, and may for {:.1f} s",
                                 static_cast<double>((world_.now() - since).count()) / 1e9,
                                 static_cast<double>(bound.count()) / 1e9));
  }
}

std::size_t Promise::needed() const {
  const std::size_t nodes = world_.nodes.size();
  switch (world_.profile.partition) {
    case Partition::static_quorum:
      return world_.profile.quorum_size;
    case Partition::majority_quorum:
      return (nodes - std::min(nodes, left_)) / 2 + 1;
    default:
      return 0;  // of a dynamic one it depends on what was before
  }
}

void Promise::look_at_minorities() {
  for (std::size_t i = 0; i < world_.nodes.size(); ++i) {
    const SimNode& node = world_.nodes[i];
    Alone& alone = alone_[i];
    std::vector<std::uint64_t> reached(world_.nodes.size());
    std::size_t count = 0;
    for (std::size_t j = 0; j < world_.nodes.size(); ++j) {
      if (i != j && !world_.splits->reach(i, j)) continue;
      const bool is_there = i == j || world_.nodes[j].state != SimNode::State::off;
      reached[j] = 2 * world_.nodes[j].incarnation + (is_there ? 1 : 0);
      count += is_there ? 1 : 0;
    }
    const std::uint64_t cuts = world_.splits->changes();
    const bool same = alone.reached == reached && alone.cuts == cuts &&
                      alone.incarnation == node.incarnation && alone.pauses == node.pauses;
    if (!same || count >= needed() || !node.acts()) {
      alone = {std::move(reached), cuts, node.incarnation, node.pauses, world_.now()};
      continue;
    }
    if (world_.now() - alone.since <= detection_max + world_.profile.stop_max + 2s) continue;
    for (const ChildId& id : world_.catalog.ids()) {
      const Process* process = world_.processes->on(i, id);
      if (process == nullptr || process->stuck || process->prepared) continue;
      if (process->hung && process->stopping) continue;  // its handler has returned a moment ago
      world_.violate("minority", &id,
                     fmt::format("it runs on {}, which reaches {} nodes and needs {}", node.name.text(),
                                 count, needed()));
      return;
    }
  }
}

}  // namespace brood::sim
