// Dialer: one attempt to connect to one node: reach it (resolve its host, ask EPMD for its port unless it is
// known, connect), shake hands. Ends in exactly one of its handler's established() or failed(), unless
// cancelled.
//
// Of what is lost on the way the kernel hears after a second, then after three, seven, fifteen. A network
// that has just healed is not to be waited for that long, so beside the first a fresh way is tried every
// quarter of a second: one of them passes within that time.
//
// Thread rule: the io thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

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

/// One way to the node: a connected socket, or why there is none.
class Reach : public std::enable_shared_from_this<Reach> {
 public:
  using Socket = Stream::Socket;
  struct Failed {
    ConnectFailure failure;
    std::string words;
    /// The network answered: another way brings nothing else.
    bool is_certain = false;
  };
  using Done = std::function<void(std::variant<Socket, Failed>)>;

  Reach(boost::asio::io_context& io, DialOptions options);
  void start(Done done);
  /// Nothing is heard of it any more.
  void cancel();
  /// What is being waited for, in words.
  [[nodiscard]] const std::string& stage() const { return stage_; }

 private:
  void ask_epmd(const std::string& host);
  void on_lookup(Endpoints endpoints, const Result<epmd::NodeAddress>& answer);
  void connect(Endpoints endpoints);
  void on_connected(const boost::system::error_code& error, const Endpoints& tried);
  void fail(ConnectFailure failure, std::string words, bool is_certain = false);
  [[nodiscard]] bool is_open() const { return done_ != nullptr; }

  boost::asio::io_context& io_;
  const DialOptions options_;
  Done done_;
  Socket socket_;
  std::string stage_;
};

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  Dialer(boost::asio::io_context& io, DialOptions options, DialHandler handler);

  void start();
  void cancel();
  /// The peer has heard of this attempt: the rule for simultaneous ones applies.
  [[nodiscard]] bool in_handshake() const { return session_ != nullptr && session_->has_begun(); }

 private:
  void reach(std::shared_ptr<Reach>& way, milliseconds patience);
  void await_again();
  void on_reached(bool is_first, std::variant<Reach::Socket, Reach::Failed> result);
  void shake_hands(Reach::Socket socket);
  void stop_reaching();
  void on_event(const std::shared_ptr<HandshakeSession>& session, HandshakeSession::Event event);
  void on_handshake_failed(const HandshakeSession& session);
  void fail(ConnectFailure failure, std::string_view words, bool nok = false);
  /// Still undecided; everything that comes in asks this first.
  [[nodiscard]] bool is_open() const { return handler_.failed != nullptr; }
  DialHandler close();

  boost::asio::io_context& io_;
  const DialOptions options_;
  DialHandler handler_;
  boost::asio::steady_timer timer_, again_;
  std::shared_ptr<Reach> first_, beside_;
  std::shared_ptr<HandshakeSession> session_;
};

}  // namespace brood::node
