// Distribution: this node's place in an Erlang cluster. Listens, registers with EPMD, connects, keeps one
// authenticated channel to each connected node, and carries what processes send.
//
// It decides nothing about membership: it tells when a channel stands, why one ended or could not be made,
// and does what it is told. One try per connect(); who wants another asks again.
//
// Thread rule: every function may be called from any thread; callbacks run on the io thread and must not
// block. Destroy it before the io_context, and after stop().
//
// Source: "Distribution Protocol", ERTS user's guide.
#pragma once

#include <boost/asio/io_context.hpp>
#include <brood/tls.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "process/remote.hpp"

namespace brood::node {

using std::chrono::milliseconds;

struct DistributionOptions {
  NodeName name;                      ///< "name@host"; the part after @ must resolve from the peers.
  std::string cookie;                 ///< The shared secret; never sent itself.
  bool listen = true;                 ///< false: connects out only (a command-line client); no EPMD entry.
  std::string listen_address = "";    ///< Empty: the address that the host part of `name` resolves to.
  std::uint16_t listen_port_min = 0;  ///< 0: any free port.
  std::uint16_t listen_port_max = 0;  ///< 0: listen_port_min alone.
  bool epmd = true;                   ///< false: not registered; peers need name@host:port.
  std::uint16_t epmd_port = 4369;     ///< ERL_EPMD_PORT is read by the application, not here.
  bool hidden = true;  ///< false: shown in OTP's nodes(); `global` knows it, but asks it nothing.
  /// All connections are TLS, as OTP's -proto_dist inet_tls. Empty: plain text, and a warning when listening
  /// beyond loopback.
  std::optional<TlsOptions> tls = std::nullopt;
  milliseconds handshake_timeout{7000};  ///< TLS's own handshake and the cookie's together.
  milliseconds tick_timeout{60000};      ///< Silence after which a channel is given up; a quarter of it is
                                         ///< how often something is sent. See set_tick_timeout().
  /// Bytes that may wait for one peer; beyond, what can be refused is (`busy`). Messages of more than 64 KiB
  /// and what their senders send behind them count apart from the small ones that pass by them: large
  /// messages make no small one busy. Four times that, which signals and answers alone can reach, ends its
  /// connection (overflow). Too small: senders stop and go.
  std::size_t send_buffer_max = 64 * 1024 * 1024;
  /// Bytes that may wait for all peers together. Beyond, the slowest peer is cut (overflow), then the next,
  /// until the rest fit. Too small: a large message to a slow peer costs it its connection.
  std::size_t send_total_max = 256 * 1024 * 1024;
  /// Of one message, that is sent or arrives. A larger one is refused to its sender; the connection stays.
  std::size_t message_bytes_max = 256 * 1024 * 1024;
  /// Of messages of one peer that have not arrived whole; one that would go beyond is refused likewise.
  std::size_t assembly_bytes_max = 1024 * 1024 * 1024;
  /// Unauthenticated connections at once; one more, and the oldest is closed: who means it shakes hands in
  /// a moment, who only sits there goes first. Too small: peers disturb each other when many come at once.
  unsigned pending_handshakes_max = 256;
  /// Peers that do not prove who they are (handshake/proof.hpp) are refused: Erlang, C and Java nodes, and
  /// whoever stands between two nodes without the cookie. false: they come in, with PeerInfo::proven false.
  bool require_proof = false;
  /// What is known of a node that is not connected (its address, its tick time-out) is forgotten after this.
  /// Too small: connect_last_known() has no address.
  milliseconds forget_after{600000};
};

/// Why no channel came about.
enum class ConnectFailure : std::uint8_t {
  no_such_host,        ///< The host part does not resolve.
  epmd_unreachable,    ///< Nothing answers on the host's EPMD port.
  not_registered,      ///< EPMD answers, but knows no such node: it does not run.
  connection_refused,  ///< The node's own port refuses: it does not run (any more).
  unreachable,         ///< No route, or no answer in time.
  wrong_cookie,
  name_taken,       ///< The peer has a live connection to another node of our name.
  not_allowed,      ///< The peer refused us for another reason.
  not_erlang,       ///< What answers does not speak the protocol, or an unsupported version of it.
  timeout,          ///< Connected, but the handshake was not finished in time.
  no_tls,           ///< One side speaks TLS and the other does not, or they have no version in common.
  bad_certificate,  ///< One side does not accept the other's certificate; the words say which, and why.
  other_node,       ///< A node of another name answers at that place: the one that was meant does not run.
  not_proven,       ///< What answers has not proved to be that node: the proof is missing and required, or is
                    ///< wrong.
};
[[nodiscard]] std::string_view to_string(ConnectFailure failure) noexcept;

enum class DownReason : std::uint8_t {
  closed,          ///< The peer closed, or the connection broke.
  tick_timeout,    ///< Silent for longer than its tick time-out.
  disconnected,    ///< We closed it: disconnect() or stop().
  replaced,        ///< A new start of that node took its place.
  protocol_error,  ///< The peer sent what cannot be understood.
  overflow,        ///< It took too little for too long: four times send_buffer_max waited, or it was the
                   ///< slowest when send_total_max was exceeded.
};
[[nodiscard]] std::string_view to_string(DownReason reason) noexcept;

struct PeerInfo {
  NodeName name;
  std::uint32_t creation = 0;
  std::uint64_t flags = 0;
  bool hidden = true;
  /// false: a C or Java node, which has no processes of OTP's kind that could be asked or watched.
  bool answers_anybody = true;
  std::string address;  ///< "127.0.0.1:40123", of the channel's other end.
  /// It has proved to know the cookie and to have this name, as brood nodes do. Without: it has the cookie,
  /// or stands between this node and one that has.
  bool proven = false;
};

struct DistributionEvents {
  std::function<void(const PeerInfo&)> on_up;
  std::function<void(const PeerInfo&, DownReason, const std::string& words)> on_down;
  /// A connect() (or the connection that a send asked for) failed; `words` say what was tried and what to do.
  std::function<void(const NodeName&, ConnectFailure, const std::string& words)> on_connect_failed;
};

/// What went wrong without anybody to tell; since the start.
struct DistributionCounters {
  std::uint64_t messages_dropped = 0;     ///< Sent to a node that could not be reached or had just gone.
  std::uint64_t handshakes_refused = 0;   ///< Incoming connections that did not prove to be a peer.
  std::uint64_t connections_refused = 0;  ///< Closed for newer ones: pending_handshakes_max.
  std::uint64_t protocol_errors = 0;      ///< Channels closed for what the peer sent.
  std::uint64_t messages_refused = 0;     ///< Larger than message_bytes_max; their callers were told.
  std::uint64_t proofs_refused = 0;   ///< Connections, either way, without the proof that was to be there.
  std::uint64_t senders_forged = 0;   ///< Messages that a peer sent in the name of another node.
  std::uint64_t answers_dropped = 0;  ///< To nodes that are not connected; those are not looked up.
  std::uint64_t slowest_cut = 0;      ///< Channels closed for send_total_max.
  std::size_t bytes_waiting = 0;      ///< Now, for all peers together.
};

class Distribution final : public process::Remote {
 public:
  Distribution(boost::asio::io_context& io, DistributionOptions options);
  ~Distribution() override;

  /// Binds and registers with EPMD. Blocks for at most a few seconds. Returns this start's creation.
  /// Errors: name_taken (EPMD has a live node of the name), io (port taken, address not ours),
  /// unreachable (EPMD does not answer: start it, or set epmd = false), invalid_argument (bad name); and
  /// those of TlsContext::load().
  Result<std::uint32_t> start();
  /// Where arrivals go. Set once, before the io_context runs.
  void set_events(process::RemoteEvents* processes, DistributionEvents events);
  /// Flushes what is queued (bounded by `patience`), closes every channel, leaves EPMD.
  void stop(milliseconds patience);

  [[nodiscard]] const NodeName& name() const;
  [[nodiscard]] std::uint32_t creation() const;
  [[nodiscard]] std::uint16_t port() const;
  /// The address of this machine alone that the node listens at, or tried to; empty: others reach it too.
  [[nodiscard]] std::string loopback_address() const;

  /// One try. Already connected: on_up is not repeated. Ends in on_up or on_connect_failed.
  void connect(const NodeName& node);
  /// One try at the address where that node was last connected, without EPMD: connection_refused then proves
  /// that it has ended. Falls back to connect() when it was never connected.
  void connect_last_known(const NodeName& node);
  /// Whether connect_last_known() has an address. For a node that connected to us it comes a little after
  /// on_up, once EPMD has told its port.
  [[nodiscard]] bool has_last_known(const NodeName& node) const;
  /// The node is reached at host:port, without EPMD. Kept for good.
  void set_address(const NodeName& node, std::string host, std::uint16_t port);
  /// The same, of a node that others have told of: forgotten when it is not connected for long.
  void suggest_address(const NodeName& node, std::string host, std::uint16_t port);
  void disconnect(const NodeName& node);
  /// For one peer: give it up after this silence; send something at least every quarter.
  void set_tick_timeout(const NodeName& node, milliseconds timeout);
  [[nodiscard]] std::vector<PeerInfo> peers() const;
  /// It is connected and PeerInfo::proven.
  [[nodiscard]] bool is_proven(const NodeName& node) const;
  /// How long ago anything arrived from that peer; max() when not connected.
  [[nodiscard]] milliseconds silence(const NodeName& node) const;
  /// Bytes queued for that peer.
  [[nodiscard]] std::size_t backlog(const NodeName& node) const;
  [[nodiscard]] DistributionCounters counters() const;
  /// How many nodes anything is kept about, connected or not.
  [[nodiscard]] std::size_t known_nodes() const;

  // Remote. Messages to a node that is not connected start a connection and wait for it. Not so the answers
  // to what nodes have asked (reply, unlink_ack, monitor_exit) and the ends of what they know of (exit,
  // unlink, demonitor): whoever may name a node in a request must not make this one look it up. They are
  // dropped and counted.
  [[nodiscard]] bool try_send(const Pid& from, const Pid& to, EncodedTerm term) override;
  [[nodiscard]] bool try_send_named(const Pid& from, const process::NamedProcess& to,
                                    EncodedTerm term) override;
  [[nodiscard]] process::CallSent try_call(const Pid& from, const Address& to, const Ref& ref,
                                           EncodedTerm request) override;
  void reply(const Pid& from, const process::GenFrom& caller, EncodedTerm answer, bool more_follows) override;
  void send(const Pid& from, const Pid& to, EncodedTerm term) override;
  void send_named(const Pid& from, const process::NamedProcess& to, EncodedTerm term) override;
  /// One after the other, in one write where the socket takes them.
  void send_named(const Pid& from, const process::NamedProcess& to, std::vector<EncodedTerm> terms);
  void send_alias(const Pid& from, const Ref& alias, EncodedTerm term) override;
  void link(const Pid& from, const Pid& to) override;
  void unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) override;
  void unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) override;
  void exit(const Pid& from, const Pid& to, EncodedTerm reason) override;
  void exit2(const Pid& from, const Pid& to, EncodedTerm reason) override;
  void monitor(const Pid& from, const Pid& to, const Ref& ref) override;
  void monitor_named(const Pid& from, const process::NamedProcess& to, const Ref& ref) override;
  void demonitor(const Pid& from, const Pid& to, const Ref& ref) override;
  void demonitor_named(const Pid& from, const process::NamedProcess& to, const Ref& ref) override;
  void monitor_exit(const Pid& watched, const Atom& watched_name, const Pid& watcher, const Ref& ref,
                    EncodedTerm reason) override;
  [[nodiscard]] std::size_t message_bytes_max() const override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace brood::node
