// Outgoing connections.
#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "node/handshake/flags.hpp"
#include "node/net/names.hpp"
#include "node/peers/distribution_impl.hpp"
#include "process/log/log.hpp"

namespace brood::node {

namespace asio = boost::asio;

namespace {

/// After the peer said that its own attempt goes on: how long until we try again all the same.
constexpr milliseconds redial_after{300};
/// How long an attempt waits for an incoming handshake of that name, which anybody may have begun.
constexpr milliseconds incoming_patience{1000};

}  // namespace

void Distribution::Impl::connect(const NodeName& node, bool last_known) {
  {
    const std::unique_lock lock(peers_mutex_);
    Peer& peer = peers_[node];
    if (peer.channel != nullptr || peer.connecting) return;
    peer.connecting = true;
  }
  asio::post(io, [self = shared_from_this(), node, last_known] { self->begin_attempt(node, last_known); });
}

void Distribution::Impl::begin_attempt(const NodeName& node, bool last_known) {
  if (node == options.name)
    return fail_attempt(node, ConnectFailure::not_allowed, "that is this node's own name");
  std::optional<HostPort> address;
  bool stopped = false;
  const std::uint64_t attempt = ++last_attempt_;
  {
    const std::unique_lock lock(peers_mutex_);
    const auto found = peers_.find(node);
    // Given up before it began, or done by the other side.
    if (found == peers_.end() || !found->second.connecting) return;
    Peer& peer = found->second;
    if (peer.channel != nullptr || peer.dialer != nullptr) return;
    stopped = stopping_;
    peer.attempt = attempt;
    peer.give_up_at = Clock::now() + options.handshake_timeout;
    if (last_known && peer.last_known) address = peer.last_known;
    if (!address) address = peer.configured;
  }
  if (stopped) return fail_attempt(node, ConnectFailure::unreachable, "this node stops");
  // Two connections at once would each be given up for the other.
  if (const auto session = coming_from(node)) {
    took_over_.emplace(session, attempt);
    return resume_attempt_after(node, attempt, incoming_patience);
  }
  dial(node, attempt, std::move(address));
}

Distribution::Impl::SessionPtr Distribution::Impl::coming_from(const NodeName& node) const {
  for (const SessionPtr& session : sessions_) {
    const Handshake& handshake = session->handshake();
    if (handshake.peer().name == node && !handshake.untouched()) return session;
  }
  return nullptr;
}

void Distribution::Impl::dial(const NodeName& node, std::uint64_t attempt, std::optional<HostPort> address) {
  // Weak: the table holds the dialer.
  const std::weak_ptr<Impl> weak = weak_from_this();
  DialHandler handler;
  handler.handshake_options = handshake_options();
  handler.is_wanted = [weak, node] {
    const auto self = weak.lock();
    return self != nullptr && self->find(node) == nullptr;
  };
  handler.established = [weak](HandshakeSession& session) {
    const auto& remote = session.remote();
    if (const auto self = weak.lock())
      self->up(session, HostPort{remote.address().to_string(), remote.port()});
  };
  handler.failed = [weak, node, attempt](ConnectFailure failure, const std::string& words, bool nok) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    if (nok) return self->on_nok(node, attempt);
    if (failure == ConnectFailure::not_proven) {
      ++self->counts_.proofs_refused;
      if (self->limiter_.allow("proof " + node.text()))
        log::warn("not connected to {}: {}", node.text(), words);
    }
    self->fail_attempt(node, failure, words);
  };
  auto dialer = std::make_shared<Dialer>(io,
                                         DialOptions{.node = node,
                                                     .address = std::move(address),
                                                     .epmd_port = options.epmd_port,
                                                     .timeout = options.handshake_timeout,
                                                     .tls = tls_},
                                         std::move(handler));
  {
    const std::unique_lock lock(peers_mutex_);
    const auto found = peers_.find(node);
    if (found == peers_.end()) return;
    found->second.dialer = dialer;
  }
  dialer->start();
}

std::string Distribution::Impl::random_name() {
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string name;
  for (int i = 0; i < 13; ++i) name.push_back(digits[random_() % digits.size()]);
  return name;
}

HandshakeOptions Distribution::Impl::handshake_options() {
  return {.self = options.name,
          .creation = creation,
          .flags = flag::announced | (options.hidden ? 0 : flag::published),
          .cookie = options.cookie,
          .challenge = random_(),
          .length = tls_ != nullptr ? LengthBytes::four : LengthBytes::two,
          .given_name = random_name(),
          .given_creation = (random_() & 0x7fffffffU) | 0x100U,
          .proof_required = options.require_proof};
}

void Distribution::Impl::on_nok(const NodeName& node, std::uint64_t attempt) {
  {
    const std::unique_lock lock(peers_mutex_);
    if (const auto found = peers_.find(node); found != peers_.end()) found->second.dialer.reset();
  }
  resume_attempt_after(node, attempt, redial_after);
}

void Distribution::Impl::resume_attempt_after(const NodeName& node, std::uint64_t attempt,
                                              milliseconds delay) {
  auto timer = std::make_shared<asio::steady_timer>(io, delay);
  timer->async_wait([self = shared_from_this(), node, attempt, timer](const boost::system::error_code&) {
    self->resume_attempt(node, attempt);
  });
}

void Distribution::Impl::resume_attempt(const NodeName& node, std::uint64_t attempt) {
  std::optional<HostPort> address;
  bool too_late = false;
  {
    const std::unique_lock lock(peers_mutex_);
    const auto found = peers_.find(node);
    if (found == peers_.end()) return;
    const Peer& peer = found->second;
    if (peer.channel != nullptr || !peer.connecting || peer.dialer != nullptr || peer.attempt != attempt)
      return;
    too_late = stopping_ || Clock::now() > peer.give_up_at;
    address = peer.configured;
  }
  if (too_late) {
    return fail_attempt(node, ConnectFailure::timeout,
                        "it wanted to connect to us itself, and that did not come about");
  }
  dial(node, attempt, std::move(address));
}

void Distribution::Impl::fail_attempt(const NodeName& node, ConnectFailure failure,
                                      const std::string& words) {
  std::shared_ptr<Dialer> dialer;
  {
    const std::unique_lock lock(peers_mutex_);
    const auto found = peers_.find(node);
    if (found == peers_.end() || !found->second.connecting) return;
    Peer& peer = found->second;
    peer.connecting = false;
    dialer = std::exchange(peer.dialer, nullptr);
    peer.idle_since = Clock::now();
    drop_waiting(peer);
    if (peer.is_forgettable()) peers_.erase(found);
  }
  if (dialer != nullptr) dialer->cancel();
  callback([&] {
    if (processes_ != nullptr) processes_->on_node_down(node);
    if (events_.on_connect_failed)
      events_.on_connect_failed(node, failure, fmt::format("{}: {}", node.text(), words));
  });
}

}  // namespace brood::node
