#include "node/peers/dialer.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>

#include "node/net/names.hpp"

namespace brood::node {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

Dialer::Dialer(asio::io_context& io, DialOptions options, DialHandler handler)
    : io_(io), options_(std::move(options)), handler_(std::move(handler)), timer_(io), socket_(io) {}

void Dialer::start() {
  if (!is_node_name(options_.node.text())) {
    return fail(ConnectFailure::no_such_host, "its name is not of the form name@host");
  }
  const std::string host = options_.address ? options_.address->host : std::string(host_part(options_.node));
  stage_ = fmt::format("the host {} does not resolve in time", host);
  timer_.expires_after(options_.timeout);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error && self->is_open()) self->fail(ConnectFailure::unreachable, self->stage_);
  });
  if (!options_.address) return ask_epmd(host);
  resolve_async(io_, host, options_.address->port, [self = shared_from_this()](Result<Endpoints> found) {
    if (!self->is_open()) return;
    if (!found) return self->fail(ConnectFailure::no_such_host, found.error().message);
    self->connect(std::move(*found));
  });
}

void Dialer::ask_epmd(const std::string& host) {
  resolve_async(io_, host, options_.epmd_port, [self = shared_from_this()](Result<Endpoints> found) {
    if (!self->is_open()) return;
    if (!found) return self->fail(ConnectFailure::no_such_host, found.error().message);
    self->stage_ = fmt::format("EPMD at {} does not answer", to_text(found->front()));
    epmd::lookup(self->io_, *found, std::string(alive_part(self->options_.node)), self->options_.timeout,
                 [self, endpoints = *found](const Result<epmd::NodeAddress>& answer) {
                   if (self->is_open()) self->on_lookup(endpoints, answer);
                 });
  });
}

void Dialer::on_lookup(Endpoints endpoints, const Result<epmd::NodeAddress>& answer) {
  const std::string where = to_text(endpoints.front());
  if (!answer && answer.error().code == Errc::not_member) {
    return fail(ConnectFailure::not_registered,
                fmt::format("EPMD at {} knows no node {}; is it running?", where, alive_part(options_.node)));
  }
  if (!answer) {
    return fail(ConnectFailure::epmd_unreachable,
                fmt::format("{}; start epmd on that host, or give the node's port (name@host:port)",
                            answer.error().message));
  }
  if (answer->version_low > 6 || answer->version_high < 5) {
    return fail(ConnectFailure::not_erlang,
                fmt::format("it speaks versions {} to {} of the distribution protocol, not 6",
                            answer->version_low, answer->version_high));
  }
  for (auto& endpoint : endpoints) endpoint.port(answer->port);
  connect(std::move(endpoints));
}

void Dialer::connect(Endpoints endpoints) {
  stage_ = fmt::format("{} does not answer", to_text(endpoints.front()));
  // Kept alive by the handler: async_connect reads the sequence while it goes through it.
  auto tried = std::make_shared<Endpoints>(std::move(endpoints));
  asio::async_connect(
      socket_, *tried,
      [self = shared_from_this(), tried](const ErrorCode& error, const asio::ip::tcp::endpoint&) {
        if (self->is_open()) self->on_connected(error, *tried);
      });
}

void Dialer::on_connected(const ErrorCode& error, const Endpoints& tried) {
  if (error == asio::error::connection_refused) {
    return fail(ConnectFailure::connection_refused,
                fmt::format("{} refuses connections; the node has ended", to_text(tried.front())));
  }
  if (error) {
    return fail(ConnectFailure::unreachable, fmt::format("{}: {}", to_text(tried.front()), error.message()));
  }
  timer_.cancel();
  // As OTP: the certificate must be for the host of the name, wherever that was found.
  auto tls = options_.tls != nullptr ? options_.tls->client(std::string(host_part(options_.node))) : nullptr;
  session_ = std::make_shared<HandshakeSession>(
      std::make_unique<Stream>(std::move(socket_), std::move(tls)),
      Handshake::initiator(handler_.handshake_options, options_.node),
      // Weak: we hold the session, and an io_context that has ended runs nothing that would part us.
      [weak = weak_from_this()](const auto& session, HandshakeSession::Event event) {
        if (const auto self = weak.lock()) self->on_event(session, event);
      });
  session_->start(options_.timeout);
}

void Dialer::on_event(const std::shared_ptr<HandshakeSession>& session, HandshakeSession::Event event) {
  if (!is_open()) return;
  switch (event) {
    case HandshakeSession::Event::alive:
      session->answer_alive(handler_.is_wanted());
      break;
    case HandshakeSession::Event::established:
      close().established(*session);
      break;
    case HandshakeSession::Event::failed:
      on_handshake_failed(*session);
      break;
    default:
      break;
  }
}

void Dialer::on_handshake_failed(const HandshakeSession& session) {
  const Handshake& handshake = session.handshake();
  const std::string at = to_text(session.remote());
  const std::string words = fmt::format("{}: {}", at, session.words());
  if (session.end() == HandshakeSession::End::bad_certificate) {
    return fail(ConnectFailure::bad_certificate, words);
  }
  if (session.end() == HandshakeSession::End::no_tls || !session.has_begun()) {
    return fail(ConnectFailure::no_tls, words);
  }
  if (session.end() == HandshakeSession::End::timeout) return fail(ConnectFailure::timeout, words);
  if (session.end() == HandshakeSession::End::closed) {
    if (handshake.was_alive()) {
      return fail(ConnectFailure::name_taken,
                  "it has a live connection to another node of our name; choose another");
    }
    if (handshake.sent_digest()) {
      return fail(ConnectFailure::wrong_cookie, "it refused our cookie; give both nodes the same one");
    }
    return fail(ConnectFailure::not_erlang, fmt::format("{} during the handshake", words));
  }
  switch (handshake.failure()) {
    case HandshakeFailure::nok:
      return fail(ConnectFailure::timeout, words, true);
    case HandshakeFailure::not_allowed:
      return fail(ConnectFailure::not_allowed, words);
    case HandshakeFailure::wrong_cookie:
      return fail(ConnectFailure::wrong_cookie, words);
    case HandshakeFailure::other_node:
      return fail(ConnectFailure::other_node, words);
    case HandshakeFailure::declined:
      return fail(ConnectFailure::not_allowed, words);
    case HandshakeFailure::no_proof:
    case HandshakeFailure::bad_proof:
      return fail(ConnectFailure::not_proven, words);
    case HandshakeFailure::missing_flags:
    case HandshakeFailure::malformed:
      return fail(ConnectFailure::not_erlang, words);
  }
}

void Dialer::fail(ConnectFailure failure, std::string_view words, bool nok) {
  const std::string copy(words);
  if (is_open()) close().failed(failure, copy, nok);
}

DialHandler Dialer::close() {
  timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  session_.reset();
  return std::exchange(handler_, DialHandler{});
}

void Dialer::cancel() {
  const auto session = session_;
  close();
  if (session != nullptr) session->cancel();
}

}  // namespace brood::node
