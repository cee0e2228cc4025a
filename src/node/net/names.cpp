#include "node/net/names.hpp"

#include <algorithm>

namespace brood::node {

std::string_view alive_part(const NodeName& name) {
  return std::string_view(name.text()).substr(0, name.text().find('@'));
}

std::string_view host_part(const NodeName& name) {
  const std::size_t at = name.text().find('@');
  return at == std::string::npos ? std::string_view() : std::string_view(name.text()).substr(at + 1);
}

std::string with_port(const std::string& host, std::uint16_t port) {
  const std::size_t start = host.find('@') + 1;  // 0 where there is none
  std::string out = host;
  if (host.find(':', start) != std::string::npos)
    out = host.substr(0, start) + "[" + host.substr(start) + "]";
  return out + ":" + std::to_string(port);
}

bool is_node_name(std::string_view name) {
  const std::size_t at = name.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == name.size() || name.size() > 255) return false;
  if (name.find('@', at + 1) != std::string_view::npos) return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u <= 0x20 || u == 0x7f;
  });
}

}  // namespace brood::node
