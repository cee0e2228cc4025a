// What a visible node owes to OTP's `global`: an answer. Each visible OTP node greets the global_name_server
// of every visible node that comes up, and until that has answered, global:sync() waits. Ours keeps no names
// and takes no locks. It answers that the two are in sync, which ends the greeting and makes us no party to
// anything else: never asked for a lock, and missed by nobody when the connection ends
// (prevent_overlapping_partitions).
//
// Thread rule: pure functions. Source: global.erl of OTP 25.
#pragma once

#include <brood/term.hpp>
#include <optional>

namespace brood::node {

inline constexpr std::string_view global_name = "global_name_server";

/// The message that answers `term`, which arrived for global_name; both with version byte. nullopt: it wants
/// none.
[[nodiscard]] std::optional<EncodedTerm> answer_to_global(const NodeName& self, BytesView term);

}  // namespace brood::node
