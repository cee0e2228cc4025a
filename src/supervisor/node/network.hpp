// Network: the node's distribution and the loop that runs it. A node without a name has neither a socket nor
// a distribution until it is promoted.
//
// Owns: the io_context, its loop, the distribution. Calls: the events that it was opened with, on the loop.
//
//   (no network) --listen()--> listening, deaf --set_events(), go_up()--> up --close()--> closed
//
// Thread rule: listen(), set_events() and go_up() before start(), or on the loop (promote); everything else
// from any thread. Before `up` and after close() sends are dropped and questions answered with nothing.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <brood/node.hpp>
#include <memory>
#include <string>

#include "node/distribution.hpp"
#include "node/net/network_loop.hpp"
#include "process/runtime.hpp"

namespace brood::supervisor {

/// The port of EPMD that these options mean.
[[nodiscard]] std::uint16_t epmd_port(const NodeOptions& options);

class Network {
 public:
  explicit Network(const NodeOptions& options) : options_(options) {}
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Binds, and registers with EPMD, which it starts if need be. Returns this start's creation. Nobody is
  /// heard before set_events(). Errors: those of Distribution::start() and of the cookie file.
  Result<std::uint32_t> listen(const std::string& name);
  /// Undoes listen().
  void forget();
  /// Arrivals will go to the runtime, and changes to these events.
  void set_events(process::Runtime& runtime, node::DistributionEvents events);
  /// From now on everybody may use it.
  void go_up(process::Runtime& runtime);
  /// Runs the loop; the runtime's idle threads take part. Throws std::system_error: no thread to be had.
  void start(process::Runtime& runtime);
  /// Runs `call` on the loop, and waits.
  void run_on_loop(const std::function<void()>& call);
  /// Flushes what is queued (bounded by `patience`), closes all connections, stops to listen.
  void hang_up(std::chrono::milliseconds patience);
  /// After hang_up(): nothing runs on the loop any more, and the distribution is gone.
  void close(process::Runtime& runtime);

  /// Null before it is up, and after close().
  [[nodiscard]] node::Distribution* distribution() const { return up_; }
  [[nodiscard]] bool is_up() const { return up_ != nullptr; }
  [[nodiscard]] const std::string& cookie() const { return cookie_; }
  /// host:port as others reach it without EPMD; empty with EPMD, and before it is up.
  [[nodiscard]] std::string own_address() const;

  void connect(const NodeName& node, const std::string& address, bool last_known);
  /// The node is reached there, without EPMD; port 0 says nothing.
  void set_address(const NodeName& node, const std::string& host, std::uint16_t port);
  /// As set_address(), by hearsay: it is forgotten once the node has gone.
  void suggest_address(const NodeName& node, const std::string& host, std::uint16_t port);
  void disconnect(const NodeName& node);
  /// Whether a connected node has proved to have its name.
  [[nodiscard]] bool is_proven(const NodeName& node) const;
  /// In this order, in one piece.
  void send(const Pid& from, const process::NamedProcess& to, std::vector<EncodedTerm> terms);
  void set_tick_timeout(const NodeName& node, std::chrono::milliseconds timeout);
  /// Waits until what is queued for these has left, at most until then.
  void flush(const std::vector<NodeName>& peers, std::chrono::steady_clock::time_point until) const;

 private:
  const NodeOptions& options_;
  std::string cookie_;
  boost::asio::io_context io_{1};
  std::shared_ptr<node::NetworkLoop> loop_;
  std::unique_ptr<node::Distribution> distribution_;  ///< Of who listens: the loop, or nobody else yet.
  std::atomic<node::Distribution*> up_ = nullptr;     ///< It, once all is ready for it: for everybody.
};

}  // namespace brood::supervisor
