// Start, stop and accepting connections.
#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include "node/net/names.hpp"
#include "node/net/start_warnings.hpp"
#include "node/peers/distribution_impl.hpp"
#include "process/log/log.hpp"

namespace brood::node {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

namespace {

constexpr milliseconds accept_pause{100};

Error cannot_listen(const std::string& where, const ErrorCode& error) {
  const bool elsewhere = error == boost::system::errc::address_not_available;
  return {Errc::io,
          fmt::format("cannot listen at {}: {}{}", where, error.message(),
                      elsewhere ? "; no interface of this machine has that address: name the node after "
                                  "one that it has, or say with `listen` where it listens"
                                : "")};
}

}  // namespace

Result<std::uint32_t> Distribution::Impl::start() {
  if (!is_node_name(options.name.text())) {
    return Error{Errc::invalid_argument,
                 fmt::format("\"{}\" is not a node name; write name@host", options.name.text())};
  }
  if (options.tick_timeout < milliseconds(4)) {
    return Error{Errc::invalid_argument, "tick_timeout must be at least 4 ms"};
  }
  if (options.tls && tls_ == nullptr) {
    auto tls =
        TlsContext::load(*options.tls, options.listen ? std::string(host_part(options.name)) : std::string());
    if (!tls) return tls.error();
    tls_ = std::move(*tls);
  }
  // Small creations belong to old nodes.
  creation = (random_() & 0x7fffffffU) | 0x100U;
  if (options.listen) {
    if (auto listening = listen(); !listening) return listening.error();
    if (options.epmd) {
      registrar_ = std::make_shared<epmd::Registrar>(
          io, epmd::Registration{std::string(alive_part(options.name)), port, options.hidden},
          options.epmd_port);
      auto registered = registrar_->register_now();
      if (!registered) {
        registrar_.reset();
        ErrorCode ignored;
        acceptor_.close(ignored);
        Error error = registered.error();
        error.message = fmt::format("{}: {}", options.name.text(), error.message);
        if (error.code == Errc::unreachable)
          error.message += "; start epmd, or run without it (epmd = false)";
        return error;
      }
      if (*registered != 0) creation = *registered;
    }
    warn_of_plain_text();
    warn_of_loopback();
    asio::post(io, [self = shared_from_this()] { self->accept(); });
  }
  ticker_.start([this](Clock::time_point now, bool late) { return tick_round(now, late); });
  return creation.load();
}

Result<void> Distribution::Impl::listen() {
  const std::string host =
      options.listen_address.empty() ? std::string(host_part(options.name)) : options.listen_address;
  auto endpoints = resolve_now(host, options.listen_port_min);
  if (!endpoints) return Error{Errc::io, fmt::format("cannot listen: {}", endpoints.error().message)};
  auto endpoint = endpoints->front();
  loopback_address_ = endpoint.address().is_loopback() ? endpoint.address().to_string() : "";
  const std::uint16_t last = std::max(options.listen_port_min, options.listen_port_max);
  ErrorCode error;
  for (std::uint32_t candidate = options.listen_port_min; candidate <= last; ++candidate) {
    endpoint.port(static_cast<std::uint16_t>(candidate));
    acceptor_.close(error);
    acceptor_.open(endpoint.protocol(), error);
    if (error) return cannot_listen(to_text(endpoint), error);
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) break;
    if (error != asio::error::address_in_use) return cannot_listen(to_text(endpoint), error);
  }
  if (error) {
    ErrorCode ignored;
    acceptor_.close(ignored);
    return cannot_listen(last == options.listen_port_min
                             ? to_text(endpoint)
                             : fmt::format("{}, ports {} to {}", host, options.listen_port_min, last),
                         error);
  }
  port = acceptor_.local_endpoint(error).port();
  return {};
}

void Distribution::Impl::warn_of_plain_text() const {
  ErrorCode error;
  const auto endpoint = acceptor_.local_endpoint(error);
  if (tls_ != nullptr || error || endpoint.address().is_loopback()) return;
  log::warn(
      "{} listens at {} in plain text: whoever sees the traffic can read and change it; use TLS, or a "
      "network that you trust",
      options.name.text(), to_text(endpoint));
}

void Distribution::Impl::warn_of_loopback() const {
  const std::string warning = loopback_warning(options.name, options.listen_address, loopback_address_);
  if (!warning.empty()) log::warn("{}", warning);
}

void Distribution::Impl::accept() {
  acceptor_.async_accept([self = shared_from_this()](const ErrorCode& error, Tcp::socket socket) {
    {
      const std::shared_lock lock(self->peers_mutex_);
      if (self->stopping_) return;
    }
    if (!error) {
      self->on_accepted(std::move(socket));
      return self->accept();
    }
    // Out of descriptors, most likely: it passes.
    if (self->limiter_.allow("accept")) log::warn("cannot accept connections: {}", error.message());
    self->accept_timer_.expires_after(accept_pause);
    self->accept_timer_.async_wait([self](const ErrorCode& cancelled) {
      if (!cancelled) self->accept();
    });
  });
}

void Distribution::Impl::stop(milliseconds patience) {
  std::vector<std::shared_ptr<Channel>> channels;
  {
    const std::unique_lock lock(peers_mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (const auto& entry : peers_) {
      if (entry.second.channel != nullptr) channels.push_back(entry.second.channel);
    }
  }
  if (registrar_ != nullptr) registrar_->leave();
  if (acceptor_.is_open()) ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
  // The io thread is what empties the queues: it cannot wait for itself.
  if (!io.get_executor().running_in_this_thread()) {
    draining_ = true;
    std::unique_lock lock(drain_mutex_);
    drained_.wait_for(lock, patience, [&] {
      return std::all_of(channels.begin(), channels.end(),
                         [](const auto& channel) { return channel->backlog() == 0; });
    });
  }
  for (const auto& channel : channels) channel->close(DownReason::disconnected, "this node stops");
  ticker_.stop();
  asio::post(io, [self = shared_from_this()] {
    ErrorCode ignored;
    self->acceptor_.close(ignored);
    self->accept_timer_.cancel();
    for (const auto& session : std::exchange(self->sessions_, {})) session->cancel();
    self->took_over_.clear();
    std::vector<NodeName> attempts;
    {
      const std::unique_lock lock(self->peers_mutex_);
      for (auto& entry : self->peers_) {
        if (entry.second.connecting) attempts.emplace_back(entry.first);
      }
    }
    for (const NodeName& node : attempts)
      self->fail_attempt(node, ConnectFailure::unreachable, "this node stops");
  });
}

void Distribution::Impl::close_gate() {
  const std::scoped_lock lock(gate_);
  open_ = false;
  processes_ = nullptr;
  events_ = {};
}

}  // namespace brood::node
