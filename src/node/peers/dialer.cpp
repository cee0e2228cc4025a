#include "node/peers/dialer.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>

#include "node/net/names.hpp"

namespace brood::node {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

namespace {
/// How long a way has before another is tried beside it. Nodes that are further apart meet by the first.
constexpr milliseconds again_after{250};
}  // namespace

// ---- one way -----------------------------------------------------------------------------------------

Reach::Reach(asio::io_context& io, DialOptions options)
    : io_(io), options_(std::move(options)), socket_(io) {}

void Reach::start(Done done) {
  done_ = std::move(done);
  const std::string host = options_.address ? options_.address->host : std::string(host_part(options_.node));
  stage_ = fmt::format("the host {} does not resolve in time", host);
  if (!options_.address) return ask_epmd(host);
  resolve_async(io_, host, options_.address->port, [self = shared_from_this()](Result<Endpoints> found) {
    if (!self->is_open()) return;
    if (!found) return self->fail(ConnectFailure::no_such_host, found.error().message);
    self->connect(std::move(*found));
  });
}

void Reach::cancel() {
  done_ = nullptr;
  ErrorCode ignored;
  socket_.close(ignored);
}

void Reach::fail(ConnectFailure failure, std::string words, bool is_certain) {
  if (const auto done = std::exchange(done_, nullptr)) done(Failed{failure, std::move(words), is_certain});
}

void Reach::ask_epmd(const std::string& host) {
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

void Reach::on_lookup(Endpoints endpoints, const Result<epmd::NodeAddress>& answer) {
  const std::string where = to_text(endpoints.front());
  if (!answer && answer.error().code == Errc::not_member) {
    return fail(ConnectFailure::not_registered,
                fmt::format("EPMD at {} knows no node {}; is it running?", where, alive_part(options_.node)),
                true);
  }
  if (!answer) {
    return fail(ConnectFailure::epmd_unreachable,
                fmt::format("{}; start epmd on that host, or give the node's port (name@host:port)",
                            answer.error().message));
  }
  if (answer->version_low > 6 || answer->version_high < 5) {
    return fail(ConnectFailure::not_erlang,
                fmt::format("it speaks versions {} to {} of the distribution protocol, not 6",
                            answer->version_low, answer->version_high),
                true);
  }
  for (auto& endpoint : endpoints) endpoint.port(answer->port);
  connect(std::move(endpoints));
}

void Reach::connect(Endpoints endpoints) {
  stage_ = fmt::format("{} does not answer", to_text(endpoints.front()));
  // Kept alive by the handler: async_connect reads the sequence while it goes through it.
  auto tried = std::make_shared<Endpoints>(std::move(endpoints));
  asio::async_connect(
      socket_, *tried,
      [self = shared_from_this(), tried](const ErrorCode& error, const asio::ip::tcp::endpoint&) {
        if (self->is_open()) self->on_connected(error, *tried);
      });
}

void Reach::on_connected(const ErrorCode& error, const Endpoints& tried) {
  if (error == asio::error::connection_refused) {
    return fail(ConnectFailure::connection_refused,
                fmt::format("{} refuses connections; the node has ended", to_text(tried.front())), true);
  }
  if (error) {
    return fail(ConnectFailure::unreachable, fmt::format("{}: {}", to_text(tried.front()), error.message()));
  }
  std::exchange(done_, nullptr)(std::move(socket_));
}

// ---- the attempt -------------------------------------------------------------------------------------

Dialer::Dialer(asio::io_context& io, DialOptions options, DialHandler handler)
    : io_(io), options_(std::move(options)), handler_(std::move(handler)), timer_(io), again_(io) {}

void Dialer::start() {
  if (!is_node_name(options_.node.text())) {
    return fail(ConnectFailure::no_such_host, "its name is not of the form name@host");
  }
  timer_.expires_after(options_.timeout);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error && self->is_open()) self->fail(ConnectFailure::unreachable, self->first_->stage());
  });
  reach(first_, options_.timeout);
  await_again();
}

void Dialer::reach(std::shared_ptr<Reach>& way, milliseconds patience) {
  DialOptions options = options_;
  options.timeout = patience;
  way = std::make_shared<Reach>(io_, std::move(options));
  // Weak, as the handshake's: we hold it.
  const bool is_first = &way == &first_;
  way->start([weak = weak_from_this(), is_first](std::variant<Reach::Socket, Reach::Failed> result) {
    const auto self = weak.lock();
    if (self && self->is_open()) self->on_reached(is_first, std::move(result));
  });
}

void Dialer::await_again() {
  again_.expires_after(again_after);
  again_.async_wait([weak = weak_from_this()](const ErrorCode& error) {
    const auto self = weak.lock();
    if (error || !self || !self->is_open() || self->session_) return;
    if (self->beside_) self->beside_->cancel();
    self->reach(self->beside_, again_after);
    self->await_again();
  });
}

void Dialer::on_reached(bool is_first, std::variant<Reach::Socket, Reach::Failed> result) {
  if (auto* socket = std::get_if<Reach::Socket>(&result)) return shake_hands(std::move(*socket));
  const auto& failed = std::get<Reach::Failed>(result);
  if (is_first || failed.is_certain) fail(failed.failure, failed.words);
}

void Dialer::shake_hands(Reach::Socket socket) {
  stop_reaching();
  // As OTP: the certificate must be for the host of the name, wherever that was found.
  auto tls = options_.tls != nullptr ? options_.tls->client(std::string(host_part(options_.node))) : nullptr;
  session_ = std::make_shared<HandshakeSession>(
      std::make_unique<Stream>(std::move(socket), std::move(tls)),
      Handshake::initiator(handler_.handshake_options, options_.node),
      // Weak: we hold the session, and an io_context that has ended runs nothing that would part us.
      [weak = weak_from_this()](const auto& session, HandshakeSession::Event event) {
        if (const auto self = weak.lock()) self->on_event(session, event);
      });
  session_->start(options_.timeout);
}

void Dialer::stop_reaching() {
  timer_.cancel();
  again_.cancel();
  for (auto* way : {&first_, &beside_})
    if (const auto ended = std::exchange(*way, nullptr)) ended->cancel();
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
  stop_reaching();
  session_.reset();
  return std::exchange(handler_, DialHandler{});
}

void Dialer::cancel() {
  const auto session = session_;
  close();
  if (session != nullptr) session->cancel();
}

}  // namespace brood::node
