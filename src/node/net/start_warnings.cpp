#include "node/net/start_warnings.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>

#include "node/net/names.hpp"

namespace brood::node {

std::string loopback_warning(const NodeName& name, const std::string& listen_address,
                             const std::string& loopback_address) {
  if (loopback_address.empty() || !listen_address.empty()) return {};
  const std::string host(host_part(name));
  boost::system::error_code no_literal;
  (void)boost::asio::ip::make_address(host, no_literal);
  if (!no_literal || host == "localhost" || host.starts_with("localhost.") || host.ends_with(".localhost")) {
    return {};
  }
  return fmt::format(
      "{} listens at {} only, where no other machine reaches it: that is what {} resolves to here (see "
      "/etc/hosts); set `listen` to an address that the others reach (0.0.0.0: all), and see that {} "
      "resolves "
      "to it on their machines, or name the node after the address",
      name.text(), loopback_address, host, host);
}

}  // namespace brood::node
