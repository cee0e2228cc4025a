// Discovery: how a node finds others to form a cluster with, beside the fixed list of NodeOptions::join. A
// strategy only names nodes; the node connects, and the cookie decides who is let in. Members tell each other
// whom they know, so finding one is finding all.
//
//   brood::Node node({.name = "n1@10.0.0.4", .discovery = {brood::discover_dns({.name =
//   "brood.default.svc"})}});
//
// Strategies of one's own derive from Discovery.
#pragma once

#include <brood/node_name.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// The node that a strategy works for.
struct DiscoveryHost {
  NodeName name;           ///< "n1@host"
  std::uint16_t port = 0;  ///< Where it listens.
  bool epmd = true;        ///< Others find that port through EPMD.
  std::uint16_t epmd_port = 4369;
  std::string cookie;  ///< For signatures; never to be sent.
  /// Tells of a node, "n2@host", "n2@host:port" or "n2@[fd00::2]:port". Any thread, as often as one likes:
  /// the node itself, those that are connected and those that were tried just now are passed over.
  std::function<void(const std::string& address)> found;
};

class Discovery {
 public:
  virtual ~Discovery() = default;
  /// Called once, when the node listens; must not block. `host.found` may be called until stop() has
  /// returned.
  virtual void start(DiscoveryHost host) = 0;
  virtual void stop() = 0;
};

/// Asks the EPMD of each host which nodes it knows.
struct EpmdScan {
  std::vector<std::string> hosts;  ///< As the nodes there call themselves after the @.
  std::string prefix = {};         ///< Only nodes whose name begins so; empty: all, OTP's too.
  std::chrono::milliseconds every{5000};
};
[[nodiscard]] std::shared_ptr<Discovery> discover_epmd(EpmdScan options);

/// Asks DNS for all addresses of a name, as a headless service of Kubernetes has one for each of its pods. On
/// each address runs a node "base@address", so nodes must be named by their addresses: all by IPv4 or all by
/// IPv6. Without EPMD they must all listen on the same port.
struct DnsPoll {
  std::string name;
  std::string base = {};  ///< Empty: what stands before the @ in this node's own name.
  std::chrono::milliseconds every{5000};
};
[[nodiscard]] std::shared_ptr<Discovery> discover_dns(DnsPoll options);

/// Says by UDP multicast where this node is, and listens for others. What is said is signed with the cookie
/// (HMAC of SHA-256) and dated: what a stranger says, or repeats after half a minute, is passed over.
struct MulticastGossip {
  std::string group = "239.255.77.46";
  std::uint16_t port = 7746;
  /// The address of the interface to use; empty: that of the host of the node's name.
  std::string interface = {};
  int ttl = 1;  ///< Routers that it may pass, plus one.
  std::chrono::milliseconds every{2000};
};
[[nodiscard]] std::shared_ptr<Discovery> discover_multicast(MulticastGossip options);

}  // namespace brood::inline v0

#pragma GCC visibility pop
