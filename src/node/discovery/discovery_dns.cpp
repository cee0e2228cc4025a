// Discovery by the addresses of a DNS name.
#include <boost/asio/io_context.hpp>
#include <brood/discovery.hpp>

#include "node/net/names.hpp"
#include "node/net/poll_thread.hpp"
#include "node/net/resolve.hpp"

namespace brood::node {
namespace {

class DnsDiscovery final : public Discovery {
 public:
  explicit DnsDiscovery(DnsPoll options) : options_(std::move(options)) {}
  ~DnsDiscovery() override { thread_.stop(); }
  void start(DiscoveryHost host) override {
    host_ = std::move(host);
    if (options_.base.empty()) options_.base = std::string(alive_part(host_.name));
    thread_.start(options_.every, [this] { poll(); });
  }
  void stop() override { thread_.stop(); }

 private:
  void poll() {
    const auto endpoints = resolve_now(options_.name, host_.port);
    if (!endpoints) return;  // a service without pods has no addresses
    // All nodes are named by addresses of one kind, that of this one.
    const bool is_v6 = host_part(host_.name).find(':') != std::string_view::npos;
    for (const auto& endpoint : *endpoints) {
      if (endpoint.address().is_v6() != is_v6) continue;
      const std::string node = options_.base + "@" + endpoint.address().to_string();
      host_.found(host_.epmd ? node : with_port(node, host_.port));
    }
  }

  DnsPoll options_;
  DiscoveryHost host_;
  PollThread thread_;
};

}  // namespace
}  // namespace brood::node

std::shared_ptr<brood::Discovery> brood::discover_dns(DnsPoll options) {
  return std::make_shared<node::DnsDiscovery>(std::move(options));
}
