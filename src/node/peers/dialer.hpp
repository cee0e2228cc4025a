// Dialer: one attempt to connect to one node: resolve its host, ask EPMD for its port (unless it is known),
// connect, shake hands. Ends in exactly one of its handler's established() or failed(), unless cancelled.
//
// Thread rule: the io thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "node/distribution.hpp"
#include "node/epmd/epmd_client.hpp"
#include "node/handshake/session.hpp"
#include "node/tls/tls_context.hpp"

namespace brood::node {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

struct DialOptions {
  NodeName node;
  std::optional<HostPort> address;  ///< Empty: asked of EPMD.
  std::uint16_t epmd_port = 4369;
  milliseconds timeout{7000};                 ///< For reaching it, and again for the handshake.
  std::shared_ptr<TlsContext> tls = nullptr;  ///< Null: plain text.
};

struct DialHandler {
  HandshakeOptions handshake_options;
  /// The peer has a connection to us already: is this one still wanted?
  std::function<bool()> is_wanted;
  std::function<void(HandshakeSession&)> established;
  /// `nok`: the peer's own attempt goes on instead, wait for that.
  std::function<void(ConnectFailure, const std::string& words, bool nok)> failed;
};

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  Dialer(boost::asio::io_context& io, DialOptions options, DialHandler handler);

  void start();
  void cancel();
  /// The peer has heard of this attempt: the rule for simultaneous ones applies.
  [[nodiscard]] bool in_handshake() const { return session_ != nullptr && session_->has_begun(); }

 private:
  using Socket = Stream::Socket;

  void ask_epmd(const std::string& host);
  void on_lookup(Endpoints endpoints, const Result<epmd::NodeAddress>& answer);
  void connect(Endpoints endpoints);
  void on_connected(const boost::system::error_code& error, const Endpoints& tried);
  void on_event(const std::shared_ptr<HandshakeSession>& session, HandshakeSession::Event event);
  void on_handshake_failed(const HandshakeSession& session);
  void fail(ConnectFailure failure, std::string_view words, bool nok = false);
  /// Still undecided; everything that comes in asks this first.
  [[nodiscard]] bool is_open() const { return handler_.failed != nullptr; }
  DialHandler close();

  boost::asio::io_context& io_;
  const DialOptions options_;
  DialHandler handler_;
  boost::asio::steady_timer timer_;
  Socket socket_;
  std::shared_ptr<HandshakeSession> session_;
  std::string stage_;  ///< What is being waited for, in words.
};

}  // namespace brood::node
