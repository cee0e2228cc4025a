// Who may run a child, and why nobody may: what a user is told before a start is tried, and of a child that
// waits. A pure function of a spec and of what the members say of themselves.
#pragma once

#include <brood/result.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/core.hpp"
#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {

/// A member that is up, as far as placement goes.
struct Candidate {
  NodeName name;
  core::Offers offers;
  std::uint32_t weight = 100;
  bool listed = true;  ///< It may get children at all (core::Core::ring_nodes()).
};

/// The members that are up.
[[nodiscard]] std::vector<Candidate> candidates(const core::Core& core);

/// `not_allowed`, `no_such_worker` or `no_target`, with the cure; nullopt: at least one may run it.
[[nodiscard]] std::optional<Error> why_nowhere(const core::Spec& spec, const std::vector<Candidate>& members);

/// Why a child whose row is held, and of which nothing is left, does not run yet.
inline constexpr std::string_view held_words = "it begins anew once all nodes have heard of that";
/// Of a child that should run and does not run anywhere: why no member may run it; nullopt: one may.
[[nodiscard]] std::optional<std::string> why_waiting(const core::Core& core, const Entry& entry);

}  // namespace brood::supervisor
