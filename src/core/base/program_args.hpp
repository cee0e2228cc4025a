// What the start arguments of an ordinary program say of the process, apart from how it is looked after.
//
// Pure functions.
#pragma once

#include <brood/term.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace brood::core {

/// The keys of a command that a program which runs need not be started anew for: its health check, its log,
/// what counts as a good end, what asks it to end.
[[nodiscard]] const std::vector<std::string_view>& taken_over_keys();
/// Those of them that differ. nullopt: something else differs as well, or what is kept of its output begins
/// or ends: it has to be started anew. O(size); arguments that cannot be read differ in everything.
[[nodiscard]] std::optional<std::vector<std::string_view>> differences_taken_over(const Bytes& now,
                                                                                  const Bytes& next);

}  // namespace brood::core
