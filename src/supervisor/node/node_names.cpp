#include "supervisor/node/node_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address_v6.hpp>
#include <charconv>

namespace brood::supervisor {

namespace {
bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_ipv6(const std::string& text) {
  boost::system::error_code error;
  (void)boost::asio::ip::make_address_v6(text, error);
  return !error;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc() || rest != text.data() + text.size() || port == 0)
    return Error{Errc::invalid_argument, "the port must be a number from 1 to 65535"};
  return port;
}

}  // namespace

Result<HostAddress> parse_host(const std::string& text) {
  const auto wrong = [](const char* why) { return Error{Errc::invalid_argument, why}; };
  HostAddress out;
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    if (end != std::string::npos) out.host = text.substr(1, end - 1);
    if (!is_ipv6(out.host)) return wrong("only an IPv6 address stands in brackets, as in [::1]:9001");
    rest = std::string_view(text).substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return wrong("behind the ']' comes nothing but a port");
  } else if (is_ipv6(text)) {
    out.host = text;
  } else {
    const auto colons = std::count(text.begin(), text.end(), ':');
    if (colons > 1) return wrong("a host has one ':' at most; an IPv6 address with a port is [::1]:9001");
    const auto end = colons == 0 ? text.size() : text.find(':');
    out.host = text.substr(0, end);
    rest = std::string_view(text).substr(end);
  }
  if (rest.empty()) return out;
  auto port = parse_port(rest.substr(1));
  if (!port) return port.error();
  out.port = *port;
  return out;
}

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
  auto where = parse_host(text.substr(at + 1));
  if (!where) return wrong(where.error().message);
  NodeAddress address;
  address.port = where->port;
  const std::string& host = where->host;
  if (host.empty()) return wrong("nothing stands after the '@'");
  if (host.find('@') != std::string::npos) return wrong("it has two '@'");
  if (std::any_of(host.begin(), host.end(), [](unsigned char c) { return c <= ' ' || c >= 127; })) {
    return wrong("the host has characters that no host name has");
  }
  address.name = NodeName(text.substr(0, at + 1) + host);
  if (address.name.text().size() > 255) return wrong("it is longer than 255 characters");
  address.host = host;
  return address;
}

Result<NodeName> checked_name(const NodeName& name) {
  auto address = parse_node_address(name.text());
  if (!address) return address.error();
  return address->name;
}

Result<std::vector<NodeName>> checked_names(const std::vector<NodeName>& names) {
  std::vector<NodeName> checked;
  for (const NodeName& name : names) {
    auto fine = checked_name(name);
    if (!fine) return fine.error();
    checked.push_back(*std::move(fine));
  }
  return checked;
}

Result<std::vector<NodeAddress>> parse_node_addresses(const std::vector<std::string>& texts) {
  std::vector<NodeAddress> all;
  for (const std::string& text : texts) {
    auto address = parse_node_address(text);
    if (!address) return address.error();
    all.push_back(std::move(*address));
  }
  return all;
}

}  // namespace brood::supervisor
