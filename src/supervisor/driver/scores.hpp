// What a supervisor says of the loads by which children are given to nodes.
//
// Thread rule: pure functions; the core is read on the control thread.
#pragma once

#include <brood/supervisor.hpp>

#include "core/core.hpp"
#include "supervisor/driver/clients.hpp"

namespace brood::supervisor {

[[nodiscard]] Scoreboard scoreboard_of(const core::Core& core);
/// #{leader => Node | undefined, nodes => [#{node, weight, told, score, share, children, scheduler,
/// run_queue, processes, memory}]}
[[nodiscard]] Term scoreboard_term(const Scoreboard& board);
inline constexpr const char* late_move =
    "it has not come to run there in time; it may still: look before you repeat it";
inline constexpr const char* late_rebalancing = "the rebalancing took too long; it goes on";
inline constexpr const char* late_forgetting =
    "no other member has said in time that it knows; it may still be done";
/// What a request without a result of its own has come to; `late`: what is said when it took too long.
[[nodiscard]] Result<void> plain_result(const Outcomes& outcomes, bool timed_out, const std::string& late);

}  // namespace brood::supervisor
