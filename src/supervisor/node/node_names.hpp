// Node names as users write them: "name@host", or "name@host:port" where there is no EPMD. An IPv6 address is
// written as it is, or in brackets, which it needs before a port: "n1@::1", "n1@[::1]:9001".
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace brood::supervisor {

struct HostAddress {
  std::string host;  ///< Without brackets.
  std::uint16_t port = 0;
};
/// "host", "host:port", "::1", "[::1]" or "[::1]:port". The error says what is wrong.
[[nodiscard]] Result<HostAddress> parse_host(const std::string& text);

struct NodeAddress {
  NodeName name;  ///< Never with brackets or port: as Erlang knows it.
  std::string host;
  std::uint16_t port = 0;  ///< 0: ask EPMD.
};

/// `invalid_argument` with what is wrong and an example.
[[nodiscard]] Result<NodeAddress> parse_node_address(const std::string& text);
/// A name that a program gave: `invalid_argument` where its text is none.
[[nodiscard]] Result<NodeName> checked_name(const NodeName& name);
[[nodiscard]] Result<std::vector<NodeName>> checked_names(const std::vector<NodeName>& names);
/// All of them, or the first error.
[[nodiscard]] Result<std::vector<NodeAddress>> parse_node_addresses(const std::vector<std::string>& texts);

}  // namespace brood::supervisor
