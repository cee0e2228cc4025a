// Events, effects and messages in words, for traces. With an id, only what speaks of that child (and what
// speaks of no child); an empty text means: nothing of that.
//
// Thread rule: pure functions.
#pragma once

#include <string>
#include <vector>

#include "core/core.hpp"

namespace brood::sim {

[[nodiscard]] std::string describe(const core::SessionId& session);
[[nodiscard]] std::string describe(const core::Epoch& epoch);
[[nodiscard]] std::string describe(const core::Outcome& outcome);
[[nodiscard]] std::string describe(const core::MessageBody& body, std::string_view id);
[[nodiscard]] std::string describe(const core::Event& event, std::string_view id);
[[nodiscard]] std::vector<std::string> describe(const core::Effects& effects, std::string_view id);

}  // namespace brood::sim
