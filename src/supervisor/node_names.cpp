#include "supervisor/node_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace brood::supervisor {

namespace {
bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
}  // namespace

Result<NodeAddress> parse_node_address(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is not a node name: {}; write name@host or name@host:port", text, why)};
  };
  const auto at = text.find('@');
  if (at == std::string::npos) return wrong("it has no '@'");
  if (at == 0) return wrong("nothing stands before the '@'");
  if (!std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), is_name_character)) {
    return wrong("the part before '@' may have letters, digits, '_' and '-' only");
  }
  NodeAddress address;
  std::string host = text.substr(at + 1);
  const auto colon = host.find(':');
  if (colon != std::string::npos) {
    const std::string port = host.substr(colon + 1);
    host.resize(colon);
    const auto* end = port.data() + port.size();
    const auto [rest, failure] = std::from_chars(port.data(), end, address.port);
    if (failure != std::errc() || rest != end || address.port == 0) {
      return wrong("the port must be a number from 1 to 65535");
    }
  }
  if (host.empty()) return wrong("nothing stands after the '@'");
  if (host.find('@') != std::string::npos) return wrong("it has two '@'");
  if (std::any_of(host.begin(), host.end(), [](unsigned char c) { return c <= ' ' || c >= 127; })) {
    return wrong("the host has characters that no host name has");
  }
  address.name = NodeName(text.substr(0, at + 1) + host);
  if (address.name.value.size() > 255) return wrong("it is longer than 255 characters");
  address.host = std::move(host);
  return address;
}

}  // namespace brood::supervisor
