#include "supervisor/driver/eligibility.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/placement/placement.hpp"

namespace brood::supervisor {
namespace {

bool offers(const Candidate& member, const core::Spec& spec) {
  return member.offers.include(spec.needs);
}

bool is_among(const std::vector<NodeName>& nodes, const NodeName& name) {
  return nodes.empty() || std::find(nodes.begin(), nodes.end(), name) != nodes.end();
}

// Named by the child: it may run nowhere else.
bool is_named_by(const core::Spec& spec, const NodeName& name) {
  return is_among(spec.extras->nodes, name) && is_among(spec.extras->mapping, name);
}

std::string joined(const std::vector<NodeName>& nodes) {
  std::string out;
  for (const NodeName& node : nodes) out += (out.empty() ? "" : ", ") + node.text();
  return out;
}

// `who`: "no member", or "none of the nodes that may run it (...)".
Error nobody_offers(const core::Spec& spec, const std::string& who) {
  if (!spec.is_program()) {
    return {Errc::no_such_worker,
            fmt::format("{} knows {}; check the name, or load its library there (worker_libs)", who,
                        spec.needed_workers())};
  }
  return {
      Errc::not_allowed,
      fmt::format("{} allows that command: a node runs the commands of its own fleet file, and others only "
                  "with exec_allow = true under [node]; give the file to the nodes",
                  who)};
}

}  // namespace

std::vector<Candidate> candidates(const core::Core& core) {
  std::vector<Candidate> out;
  const auto ring = core.ring_nodes();
  for (auto& member : core.members()) {
    if (member.state != core::MemberState::up) continue;
    const bool listed = std::find(ring.begin(), ring.end(), member.session.node) != ring.end();
    out.push_back({member.session.node, std::move(member.offers), member.weight, listed});
  }
  return out;
}

std::optional<Error> why_nowhere(const core::Spec& spec, const std::vector<Candidate>& members) {
  bool named = false;
  bool offered = false;
  bool both = false;
  bool unlisted = false;
  for (const Candidate& member : members) {
    const bool is_named = is_named_by(spec, member.name);
    const bool is_offered = offers(member, spec);
    if (is_named && is_offered && member.weight > 0 && member.listed) return std::nullopt;
    unlisted = unlisted || (is_named && is_offered && !member.listed);
    named = named || is_named;
    offered = offered || is_offered;
    both = both || (is_named && is_offered);
  }
  if (members.empty()) return Error{Errc::no_target, "no member is up"};
  if (!offered) return nobody_offers(spec, "no member");
  if (unlisted)
    return Error{Errc::no_target,
                 "no member that could run it is among the supervisor's `nodes`; `add_nodes` adds some"};
  if (both) return Error{Errc::no_target, "every member that could run it has weight 0"};
  const bool mapped = !spec.extras->mapping.empty();
  const auto& names = mapped ? spec.extras->mapping : spec.extras->nodes;
  const auto only = joined(names);
  if (named) return nobody_offers(spec, fmt::format("none of the nodes that may run it ({})", only));
  return Error{Errc::no_target,
               fmt::format("only {} may run it (`{}`), and {} up", only, mapped ? "mapping" : "nodes",
                           names.size() == 1 ? "that node is not" : "none of them is")};
}

// What it is to start after, and that does not run yet or is not well.
std::optional<std::string> why_after(const core::Core& core, const core::Spec& spec) {
  for (const ChildId& id : spec.extras->after) {
    const core::SpecRow* row = core.spec(id);
    if (!row && spec.is_static)
      return fmt::format("it starts after '{}', and there is no such child", id.text());
    if (!row || !row->wanted) continue;
    const auto instances = core.instances(id);
    if (std::any_of(instances.begin(), instances.end(),
                    [](const auto& one) { return one.instance.is_ready(); }))
      continue;
    if (instances.empty()) return fmt::format("it starts after '{}', which does not run", id.text());
    const core::Instance& one = instances.front().instance;
    return fmt::format(
        "it starts after '{}', which is {}", id.text(),
        one.phase == core::Phase::running ? core::to_string(one.health) : core::to_string(one.phase));
  }
  return std::nullopt;
}

std::optional<std::string> why_waiting(const core::Core& core, const Entry& entry) {
  if (!entry.spec || !entry.wanted || entry.failed || !entry.places.empty()) return std::nullopt;
  if (const auto why = why_nowhere(*entry.spec, candidates(core))) return why->message;
  if (!entry.failure->empty()) return *entry.failure;
  if (entry.held) return std::string(held_words);
  if (auto after = why_after(core, *entry.spec)) return after;
  return std::nullopt;
}

}  // namespace brood::supervisor
