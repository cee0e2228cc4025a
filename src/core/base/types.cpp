// Names of the core's enumerations, and the small functions of its plain data.
#include "core/base/types.hpp"

#include "core/base/messages.hpp"
#include "core/base/program_args.hpp"

namespace brood::core {

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::starting:
      return "starting";
    case Phase::running:
      return "running";
    case Phase::restarting:
      return "restarting";
    case Phase::stopping:
      return "stopping";
    case Phase::stuck:
      return "stuck";
    case Phase::moved:
      return "moved";
  }
  return "unknown";
}

std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::active:
      return "active";
    case Role::passive:
      return "passive";
    case Role::claiming:
      return "claiming";
  }
  return "unknown";
}

std::string_view to_string(Why why) noexcept {
  switch (why) {
    case Why::unknown:
      return "unknown";
    case Why::asked:
      return "asked";
    case Why::from_file:
      return "from_file";
    case Why::one_more:
      return "one_more";
    case Why::crashed:
      return "crashed";
    case Why::start_failed:
      return "start_failed";
    case Why::gave_up:
      return "gave_up";
    case Why::node_lost:
      return "node_lost";
    case Why::node_left:
      return "node_left";
    case Why::joined:
      return "joined";
    case Why::drained:
      return "drained";
    case Why::rebalanced:
      return "rebalanced";
    case Why::moved:
      return "moved";
    case Why::load_shared:
      return "load_shared";
    case Why::replaced:
      return "replaced";
    case Why::stopped:
      return "stopped";
    case Why::conflict:
      return "conflict";
    case Why::role:
      return "role";
    case Why::locked:
      return "locked";
    case Why::failed:
      return "failed";
    case Why::finished:
      return "finished";
  }
  return "unknown";
}

std::string_view to_string(Health health) noexcept {
  switch (health) {
    case Health::none:
      return "none";
    case Health::starting:
      return "starting";
    case Health::healthy:
      return "healthy";
    case Health::unhealthy:
      return "unhealthy";
  }
  return "unknown";
}

std::string_view to_string(Restart restart) noexcept {
  switch (restart) {
    case Restart::permanent:
      return "permanent";
    case Restart::transient:
      return "transient";
    case Restart::temporary:
      return "temporary";
  }
  return "unknown";
}

std::string_view to_string(MemberState state) noexcept {
  switch (state) {
    case MemberState::joining:
      return "joining";
    case MemberState::up:
      return "up";
    case MemberState::draining:
      return "draining";
    case MemberState::left:
      return "left";
    case MemberState::down:
      return "down";
  }
  return "unknown";
}

std::string Spec::needed_workers() const {
  if (!moves_cold()) return "the worker " + worker;
  std::string words = "all of the workers ";
  for (const char letter : needs) words += letter == ':' ? ", " : std::string(1, letter);
  return words;
}

bool Spec::same_but_for_metadata(const Spec& other) const {
  const SpecExtras& mine = *extras;
  const SpecExtras& its = *other.extras;
  return worker == other.worker && args == other.args && restart == other.restart &&
         shutdown == other.shutdown && mine.nodes == its.nodes && mine.mapping == its.mapping &&
         needs == other.needs && mine.ready_within == its.ready_within && mine.pace == its.pace &&
         mine.after == its.after && mine.is_supervisor == its.is_supervisor;
}

bool Spec::same_as(const Spec& other) const {
  return same_but_for_metadata(other) && metadata == other.metadata && extras->tag == other.extras->tag &&
         extras->metadata_before == other.extras->metadata_before;
}

bool Spec::is_asked_by(const Spec& asked) const {
  const auto& before = extras->metadata_before;
  const bool as_it_is = metadata == asked.metadata && extras->tag == asked.extras->tag;
  return (as_it_is || (before && *before == asked.metadata)) && same_but_for_metadata(asked);
}

bool Spec::runs_like(const Spec& other) const {
  if (worker != other.worker) return false;
  return args == other.args || (is_program() && differences_taken_over(args, other.args));
}

bool VersionVector::covers(const Dot& dot) const {
  const auto found = seen.find({dot.node, dot.creation});
  return found != seen.end() && dot.sequence <= found->second;
}

void VersionVector::add(const Dot& dot) {
  auto& newest = seen[{dot.node, dot.creation}];
  newest = std::max(newest, dot.sequence);
}

void VersionVector::merge(const VersionVector& other) {
  for (const auto& [origin, sequence] : other.seen) {
    auto& newest = seen[origin];
    newest = std::max(newest, sequence);
  }
}

}  // namespace brood::core
