// The two parts of a node's name. Pure functions.
#pragma once

#include <brood/term.hpp>

namespace brood::node {

/// What is before the "@"; views into `name`.
[[nodiscard]] std::string_view alive_part(const NodeName& name);
/// What is after the "@".
[[nodiscard]] std::string_view host_part(const NodeName& name);
/// One "@" with something on both sides, at most 255 bytes, no white space or control characters.
[[nodiscard]] bool is_node_name(std::string_view name);

}  // namespace brood::node
