// Distribution::Impl: the table of peers and what moves them from one state to another.
//
//   unknown --connect()/send()--> connecting --established--> up --closed--> unknown
//                 ^   |  nok: wait for the peer's own attempt, then dial again
//                 |   |  an incoming connection of a greater name: our attempt gives way to it
//                 +---+
//   up --incoming connection, same creation, or the old channel answers no probe--> up (replaced)
//
// Split over: distribution.cpp (the public functions), distribution_start.cpp (start, stop, accepting),
// distribution_connect.cpp (outgoing), distribution_accept.cpp (incoming), distribution_channels.cpp (up and
// down), distribution_messages.cpp (what is sent and what arrives), distribution_excess.cpp (what is too
// large).
//
// Thread rule: what is marked "io thread" only there; the table under peers_mutex_. Callbacks are made on the
// io thread without peers_mutex_, under gate_, so that none runs once the Distribution is gone.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <list>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <unordered_map>

#include "node/channel/channel.hpp"
#include "node/channel/ticker.hpp"
#include "node/channel/waiting.hpp"
#include "node/distribution.hpp"
#include "node/epmd/epmd_client.hpp"
#include "node/handshake/session.hpp"
#include "node/net/log_limiter.hpp"
#include "node/peers/dialer.hpp"
#include "node/tls/tls_context.hpp"

namespace brood::node {

/// All that is known about another node.
struct Peer {
  std::shared_ptr<Channel> channel;  ///< Up.

  std::uint64_t attempt = 0;  ///< Of this attempt alone; what was put off for an earlier one finds another.
  bool connecting = false;    ///< An attempt goes on: on_connect_failed or on_up will follow.
  std::shared_ptr<Dialer> dialer;  ///< Null while the attempt waits for the peer's own, or has given way.
  Clock::time_point give_up_at{};  ///< When an attempt that waits or has given way fails.
  Waiting waiting;                 ///< For the channel that is being made.

  std::optional<HostPort> configured;  ///< set_address(), suggest_address().
  bool is_kept = false;                ///< set_address().
  std::optional<HostPort> last_known;  ///< Where it listened when last connected.
  std::optional<milliseconds> tick_timeout;
  Clock::time_point idle_since = Clock::now();  ///< While it is neither connected nor being connected to.

  [[nodiscard]] bool is_idle() const { return channel == nullptr && !connecting; }
  /// Nothing is known that the next connection to it would want.
  [[nodiscard]] bool is_forgettable() const {
    return is_idle() && !configured && !last_known && !tick_timeout;
  }
};

/// What becomes of a message to a node that is not connected.
enum class Dial : std::uint8_t {
  yes,
  no,  ///< It is dropped, unless a connection is being made anyway.
};

struct Distribution::Impl final : ChannelOwner, std::enable_shared_from_this<Distribution::Impl> {
  using Tcp = boost::asio::ip::tcp;
  using SessionPtr = std::shared_ptr<HandshakeSession>;

  Impl(boost::asio::io_context& io_context, DistributionOptions given);

  // Start and stop; any thread.
  Result<std::uint32_t> start();
  Result<void> listen();
  void warn_of_plain_text() const;
  void warn_of_loopback() const;
  void stop(milliseconds patience);
  void close_gate();

  // Incoming; io thread.
  void accept();
  void on_accepted(Tcp::socket socket);
  void on_incoming_event(const SessionPtr& session, HandshakeSession::Event event);
  void decide(const SessionPtr& session);
  void on_authenticated(const SessionPtr& session);
  void probe(const SessionPtr& session, const std::shared_ptr<Channel>& old);
  void await_probe(const SessionPtr& session, const std::shared_ptr<Channel>& old, Clock::time_point asked);
  void on_incoming_failed(const SessionPtr& session);
  void drop_oldest_session();
  void refuse_session(const SessionPtr& session, const std::string& words);
  [[nodiscard]] bool is_pending(const SessionPtr& session) const;
  void learn_listening_port(const NodeName& node, const Tcp::endpoint& remote);

  // Outgoing.
  void connect(const NodeName& node, bool last_known);        // any thread
  void begin_attempt(const NodeName& node, bool last_known);  // io thread
  void dial(const NodeName& node, std::uint64_t attempt, std::optional<HostPort> address);
  void on_nok(const NodeName& node, std::uint64_t attempt);
  void resume_attempt_after(const NodeName& node, std::uint64_t attempt, milliseconds delay);
  /// An incoming handshake of that name that has been let in goes on.
  [[nodiscard]] SessionPtr coming_from(const NodeName& node) const;
  void resume_attempt(const NodeName& node, std::uint64_t attempt);
  void fail_attempt(const NodeName& node, ConnectFailure failure, const std::string& words);
  [[nodiscard]] HandshakeOptions handshake_options();
  [[nodiscard]] std::string random_name();

  // Channels.
  void up(HandshakeSession& session, std::optional<HostPort> listening);  // io thread
  void report_down(const PeerInfo& peer, DownReason reason, const std::string& words);
  [[nodiscard]] std::shared_ptr<Channel> find(const NodeName& node) const;
  milliseconds tick_round(Clock::time_point now, bool late);  // ticker's thread
  void on_closed(const std::shared_ptr<Channel>& channel, DownReason reason,
                 const std::string& words) override;
  void on_drained() override;
  void on_over_budget() override;
  [[nodiscard]] std::shared_ptr<Channel> slowest_channel() const;
  // Ticker's thread.
  void forget_idle_nodes(Clock::time_point now);
  milliseconds give_memory_back(Clock::time_point now, milliseconds next);

  // Messages.
  // Any thread. Never Sent::closed: what a closed channel did not take is counted as dropped.
  Sent send(const NodeName& node, std::span<Outgoing> messages, Urgency urgency, Flush flush = Flush::now,
            Dial dial = Dial::yes);
  void send(const NodeName& node, const OutgoingControl& control, EncodedTerm&& payload,
            Dial dial = Dial::yes);
  Sent send_waiting(const NodeName& node, std::span<Outgoing> messages, Urgency urgency, Dial dial);
  void drop_waiting(Peer& peer);  // under peers_mutex_
  /// Puts messages into forms that the peer knows, and answers those that it could not; those that are left.
  std::span<Outgoing> fit_all(const Dialect& dialect, std::span<Outgoing> messages);
  void answer_for_peer(Fit how, const OutgoingControl& control);
  void reply(const Pid& from, const process::GenFrom& caller, EncodedTerm answer, Flush flush);
  Result<void> on_message(Channel& channel, BytesView body, Bytes* payload) override;
  Result<void> on_excess(Channel& channel, BytesView head) override;
  void refuse(const IncomingControl& control, const Error& why);
  [[nodiscard]] bool is_of_its_peer(const Channel& channel, IncomingControl& control) const;
  void refuse_forged(const Channel& channel, const IncomingControl& control);
  void deliver(Channel& channel, IncomingControl& control);
  void answer_global(Channel& channel, IncomingControl& control);

  /// Runs `call` unless the Distribution is gone.
  template <typename F>
  void callback(F call) {
    const std::scoped_lock lock(gate_);
    if (open_) call();
  }

  boost::asio::io_context& io;
  const DistributionOptions options;
  std::atomic<std::uint32_t> creation{0};
  std::atomic<std::uint16_t> port{0};

  mutable std::shared_mutex peers_mutex_;
  std::unordered_map<NodeName, Peer> peers_;
  bool stopping_ = false;  ///< No new connections.

  std::recursive_mutex gate_;
  bool open_ = true;
  process::RemoteEvents* processes_ = nullptr;
  DistributionEvents events_;

  // Io thread.
  Tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_timer_;
  std::string loopback_address_;     ///< Set by listen() alone.
  std::shared_ptr<TlsContext> tls_;  ///< Null: plain text.
  std::list<SessionPtr> sessions_;   ///< Incoming, not yet authenticated; the oldest first.
  /// Those of sessions_ that an attempt of ours waits for.
  std::unordered_map<SessionPtr, std::uint64_t> took_over_;
  std::uint64_t last_attempt_ = 0;
  IncomingControl incoming_;  ///< Reused.
  std::random_device random_;

  std::shared_ptr<epmd::Registrar> registrar_;
  Ticker ticker_;
  std::vector<std::shared_ptr<Channel>> ticking_;  ///< Ticker's thread; reused.
  Clock::time_point swept_at_{};                   ///< Ticker's thread.
  /// When memory is given back that a channel with much in its queue has left; its epoch: nothing to do.
  std::atomic<Clock::time_point> trim_at_{Clock::time_point{}};

  const std::shared_ptr<SendBudget> budget_;
  std::mutex cutting_;  ///< One thread at a time looks for the slowest channels.

  std::atomic<bool> draining_{false};
  std::mutex drain_mutex_;
  std::condition_variable drained_;

  LogLimiter limiter_;
  struct {
    std::atomic<std::uint64_t> messages_dropped{0};
    std::atomic<std::uint64_t> handshakes_refused{0};
    std::atomic<std::uint64_t> connections_refused{0};
    std::atomic<std::uint64_t> protocol_errors{0};
    std::atomic<std::uint64_t> messages_refused{0};
    std::atomic<std::uint64_t> proofs_refused{0};
    std::atomic<std::uint64_t> senders_forged{0};
    std::atomic<std::uint64_t> answers_dropped{0};
    std::atomic<std::uint64_t> slowest_cut{0};
  } counts_;
};

}  // namespace brood::node
