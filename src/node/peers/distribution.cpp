#include "node/distribution.hpp"

#include <boost/asio/post.hpp>

#include "node/handshake/flags.hpp"
#include "node/peers/distribution_impl.hpp"

namespace brood::node {

std::string_view to_string(ConnectFailure failure) noexcept {
  switch (failure) {
    case ConnectFailure::no_such_host:
      return "no_such_host";
    case ConnectFailure::epmd_unreachable:
      return "epmd_unreachable";
    case ConnectFailure::not_registered:
      return "not_registered";
    case ConnectFailure::connection_refused:
      return "connection_refused";
    case ConnectFailure::unreachable:
      return "unreachable";
    case ConnectFailure::wrong_cookie:
      return "wrong_cookie";
    case ConnectFailure::name_taken:
      return "name_taken";
    case ConnectFailure::not_allowed:
      return "not_allowed";
    case ConnectFailure::not_erlang:
      return "not_erlang";
    case ConnectFailure::timeout:
      return "timeout";
    case ConnectFailure::no_tls:
      return "no_tls";
    case ConnectFailure::bad_certificate:
      return "bad_certificate";
    case ConnectFailure::other_node:
      return "other_node";
    case ConnectFailure::not_proven:
      return "not_proven";
  }
  return "unknown";
}

std::string_view to_string(DownReason reason) noexcept {
  switch (reason) {
    case DownReason::closed:
      return "closed";
    case DownReason::tick_timeout:
      return "tick_timeout";
    case DownReason::disconnected:
      return "disconnected";
    case DownReason::replaced:
      return "replaced";
    case DownReason::protocol_error:
      return "protocol_error";
    case DownReason::overflow:
      return "overflow";
  }
  return "unknown";
}

Distribution::Impl::Impl(boost::asio::io_context& io_context, DistributionOptions given)
    : io(io_context),
      options(std::move(given)),
      acceptor_(io),
      accept_timer_(io),
      budget_(std::make_shared<SendBudget>(options.send_total_max)) {}

Distribution::Distribution(boost::asio::io_context& io, DistributionOptions options)
    : impl_(std::make_shared<Impl>(io, std::move(options))) {}

Distribution::~Distribution() {
  impl_->stop(milliseconds(0));
  impl_->close_gate();
}

Result<std::uint32_t> Distribution::start() {
  return impl_->start();
}

void Distribution::set_events(process::RemoteEvents* processes, DistributionEvents events) {
  const std::scoped_lock lock(impl_->gate_);
  impl_->processes_ = processes;
  impl_->events_ = std::move(events);
}

void Distribution::stop(milliseconds patience) {
  impl_->stop(patience);
}

const NodeName& Distribution::name() const {
  return impl_->options.name;
}
std::uint32_t Distribution::creation() const {
  return impl_->creation;
}
std::uint16_t Distribution::port() const {
  return impl_->port;
}
std::string Distribution::loopback_address() const {
  return impl_->loopback_address_;
}

void Distribution::connect(const NodeName& node) {
  impl_->connect(node, false);
}
void Distribution::connect_last_known(const NodeName& node) {
  impl_->connect(node, true);
}

bool Distribution::has_last_known(const NodeName& node) const {
  const std::shared_lock lock(impl_->peers_mutex_);
  const auto found = impl_->peers_.find(node);
  return found != impl_->peers_.end() && found->second.last_known.has_value();
}

void Distribution::set_address(const NodeName& node, std::string host, std::uint16_t port) {
  const std::unique_lock lock(impl_->peers_mutex_);
  Peer& peer = impl_->peers_[node];
  peer.configured = HostPort{std::move(host), port};
  peer.is_kept = true;
}

void Distribution::suggest_address(const NodeName& node, std::string host, std::uint16_t port) {
  const std::unique_lock lock(impl_->peers_mutex_);
  Peer& peer = impl_->peers_[node];
  peer.configured = HostPort{std::move(host), port};
  peer.idle_since = Clock::now();
}

void Distribution::disconnect(const NodeName& node) {
  if (const auto channel = impl_->find(node))
    channel->close(DownReason::disconnected, "disconnected by this node");
}

void Distribution::set_tick_timeout(const NodeName& node, milliseconds timeout) {
  {
    const std::unique_lock lock(impl_->peers_mutex_);
    Peer& peer = impl_->peers_[node];
    peer.tick_timeout = timeout;
    peer.idle_since = Clock::now();
    if (peer.channel != nullptr) peer.channel->set_tick_timeout(timeout);
  }
  impl_->ticker_.wake();
}

std::vector<PeerInfo> Distribution::peers() const {
  std::vector<PeerInfo> infos;
  const std::shared_lock lock(impl_->peers_mutex_);
  for (const auto& entry : impl_->peers_) {
    if (entry.second.channel != nullptr) infos.push_back(entry.second.channel->peer());
  }
  return infos;
}

bool Distribution::is_proven(const NodeName& node) const {
  const auto channel = impl_->find(node);
  return channel != nullptr && channel->peer().proven;
}

std::size_t Distribution::known_nodes() const {
  const std::shared_lock lock(impl_->peers_mutex_);
  return impl_->peers_.size();
}

milliseconds Distribution::silence(const NodeName& node) const {
  const auto channel = impl_->find(node);
  if (channel == nullptr) return milliseconds::max();
  return std::chrono::duration_cast<milliseconds>(Clock::now() - channel->last_received());
}

std::size_t Distribution::backlog(const NodeName& node) const {
  const std::shared_lock lock(impl_->peers_mutex_);
  const auto found = impl_->peers_.find(node);
  if (found == impl_->peers_.end()) return 0;
  const Peer& peer = found->second;
  return peer.channel != nullptr ? peer.channel->backlog() : peer.waiting.bytes();
}

DistributionCounters Distribution::counters() const {
  return {.messages_dropped = impl_->counts_.messages_dropped,
          .handshakes_refused = impl_->counts_.handshakes_refused,
          .connections_refused = impl_->counts_.connections_refused,
          .protocol_errors = impl_->counts_.protocol_errors,
          .messages_refused = impl_->counts_.messages_refused,
          .proofs_refused = impl_->counts_.proofs_refused,
          .senders_forged = impl_->counts_.senders_forged,
          .answers_dropped = impl_->counts_.answers_dropped,
          .slowest_cut = impl_->counts_.slowest_cut,
          .bytes_waiting = impl_->budget_->taken()};
}

}  // namespace brood::node
