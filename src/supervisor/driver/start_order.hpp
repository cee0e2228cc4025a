// Children that are to start after others must not wait for each other in a circle.
//
// Pure functions.
#pragma once

#include <brood/result.hpp>
#include <functional>
#include <string>
#include <vector>

#include "core/base/types.hpp"

namespace brood::supervisor {

class Registry;

/// Those after which a child starts; empty for one that is not known.
using AfterOf = std::function<std::vector<ChildId>(const ChildId&)>;
/// A circle that can be reached from these, each of it after the next, its first one also at the end; empty:
/// there is none. O(children reached).
[[nodiscard]] std::vector<ChildId> find_circle(const std::vector<ChildId>& from, const AfterOf& after_of);
/// "a after b after a"
[[nodiscard]] std::string circle_words(const std::vector<ChildId>& circle);
/// invalid_argument that names who is not there, or the circle which these specs would make among themselves
/// and what there is.
[[nodiscard]] Result<void> check_order(const std::vector<core::NamedSpec>& specs, const Registry& registry);

}  // namespace brood::supervisor
