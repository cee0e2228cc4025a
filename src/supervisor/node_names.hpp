// Node names as users write them: "name@host", or "name@host:port" where there is no EPMD.
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <string>

namespace brood::supervisor {

struct NodeAddress {
  NodeName name;
  std::string host;
  std::uint16_t port = 0;  ///< 0: ask EPMD.
};

/// `invalid_argument` with what is wrong and an example.
[[nodiscard]] Result<NodeAddress> parse_node_address(const std::string& text);

}  // namespace brood::supervisor
