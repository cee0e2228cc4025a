// The two parts of a node's name. Pure functions.
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <string>

namespace brood::node {

/// What is before the "@"; views into `name`.
[[nodiscard]] std::string_view alive_part(const NodeName& name);
/// What is after the "@".
[[nodiscard]] std::string_view host_part(const NodeName& name);
/// "host:port"; an IPv6 address comes into brackets. `host` may be a node's name, whose host is meant.
[[nodiscard]] std::string with_port(const std::string& host, std::uint16_t port);
/// One "@" with something on both sides, at most 255 bytes, no white space or control characters.
[[nodiscard]] bool is_node_name(std::string_view name);

}  // namespace brood::node
