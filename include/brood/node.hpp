// Node: this program's place in a cluster. Owns the scheduler, the network and, through it, the supervisors'
// machinery.
//
// Destroying it leaves the cluster: from then on whoever still uses one of its supervisors or worker
// registries is answered `stopped`; children are handed to other nodes, each as soon as it has ended here, so
// that one that takes long holds up no other; what nobody takes within `leave_timeout` ends, with the
// patience of its spec; then the node says goodbye. Bound: `leave_timeout`, the longest Shutdown of a child
// that runs here, and 8 s. A handler that never returns cannot be ended: its thread is left behind in this
// program, and others take its child over. drain() first to know whether all children were handed over.
//
// Thread rule: every function may be called from any thread; the destructor, drain() and promote() not from
// one of the node's own (a handler, a callback), as they wait for those.
#pragma once

#include <brood/discovery.hpp>
#include <brood/future.hpp>
#include <brood/remote.hpp>
#include <brood/result.hpp>
#include <brood/term.hpp>
#include <brood/tls.hpp>
#include <brood/worker.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::supervisor {
class NodeImpl;
}

namespace brood::inline v0 {

/// How much clients may have asked of a node without an answer yet, by requests to {brood, Node}. A client is
/// a node: all processes of one Erlang node together, one command line. What is beyond is answered `busy` at
/// once. Reads by id are answered at once and count only for that moment.
struct RequestLimits {
  /// Requests of one client. Too small: busy for a client that starts many children one by one; too large:
  /// one client can make this node hold that many. 0: none is let in.
  std::size_t requests_each = 65'536;
  /// Bytes of them, as they came; one request is let in whatever its size, and up to 1 KiB only the number
  /// counts. Too small: busy beside a large batch; too large: that much memory for one client.
  std::size_t bytes_each = std::size_t{64} << 20;
  std::size_t requests_all = 262'144;              ///< The same for all clients together.
  std::size_t bytes_all = std::size_t{256} << 20;  ///< The same for all clients together.
};

struct NodeOptions {
  /// "name@host", or "name@host:port" to listen on that port. Empty: a cluster of one, with no socket, until
  /// it is promoted.
  std::string name = {};
  std::string cookie = {};             ///< The cluster's secret. Empty: the content of ~/.erlang.cookie.
  std::vector<std::string> join = {};  ///< Nodes to form a cluster with: "name@host" or "name@host:port".
  /// Ways to find others beside `join`; see brood/discovery.hpp.
  std::vector<std::shared_ptr<Discovery>> discovery = {};
  /// All connections are encrypted, and both sides prove who they are: see brood/tls.hpp. Empty: plain text,
  /// with a warning when listening beyond loopback. A cluster is one or the other.
  std::optional<TlsOptions> tls = std::nullopt;
  std::string listen_address = {};  ///< Default: the address of the name's host.
  std::uint16_t port = 0;           ///< 0: any free one.
  bool epmd = true;                 ///< Register with EPMD (started if it does not run and is installed).
  std::uint16_t epmd_port = 0;      ///< 0: ERL_EPMD_PORT from the environment, else 4369.
  std::chrono::milliseconds tick_timeout{8000};  ///< Silence after which a brood node is given up.
  /// The same for Erlang nodes. Give what they have as net_ticktime (60 s unless configured): with more here
  /// they miss our ticks and close idle connections.
  std::chrono::milliseconds erlang_tick_timeout{60000};
  bool hidden = true;  ///< false: shown in Erlang's nodes(), which then connect all of theirs to it.
  std::chrono::milliseconds stuck_after{5000};
  unsigned threads = 0;  ///< Scheduler threads; 0: one per core.
  /// Commands (exec children) may be started here over the network. Whoever has the cookie then has a shell.
  bool exec_allow = false;
  /// Without TLS, peers may connect that do not prove who they are: Erlang, C and Java nodes. Nobody can tell
  /// them from a program that has no cookie and hands the handshake of one node on to another; see
  /// SECURITY.md. false: brood nodes and the command line only. Under TLS the certificates stand in.
  bool unproven_peers = true;
  /// Without TLS, such peers may start commands that this node's own file does not list (and a node with
  /// exec_allow then runs).
  bool unproven_exec = false;
  /// Bytes that may wait for all peers together; beyond, the one that takes them slowest is disconnected. Too
  /// small: one large answer to a slow client costs it its connection.
  std::size_t send_total_max = 256 * 1024 * 1024;
  /// Handle SIGSEGV and the like so that the others learn which child crashed this node. Process-wide: for
  /// programs that have no crash handler of their own.
  bool report_crashes = false;
  RequestLimits requests = {};
  /// How long the end of this node, or of one of its supervisors, waits for others to take the children over.
  /// Zero: not at all, children end and others start them then. Too small: they are away for longer; too
  /// large: an end takes long where the others are not well.
  std::chrono::milliseconds leave_timeout{10000};
  /// What Shutdown's `infinity` means when the node itself ends. Too small: work is cut off; too large: one
  /// that never ends keeps the program for so long.
  std::chrono::milliseconds infinity_at_end{60000};
  /// How many events, and children that they ask for, a supervisor's step takes at once; the rest waits for
  /// the next, and other work goes between. Zero: as one. Too small: more messages between the nodes; too
  /// large: longer steps, on which everything else of the supervisor waits.
  std::size_t step_events_max = 256;
  std::string log_dir = {};  ///< Output of ordinary programs; default: a private temporary folder.
  /// Of each program's output; the newest half of it is always kept. 0 keeps none. Too small loses what led
  /// to an end; each program may take that much of the disk.
  std::size_t log_bytes_max = std::size_t{1} << 20;
  /// Output and last end of a program that ended or was stopped are kept that long. 0: until there are too
  /// many of them.
  std::chrono::milliseconds log_keep = std::chrono::hours{24};
  /// Of all such programs together, on this node; the oldest go first. 0: no limit.
  std::uint64_t log_keep_bytes_max = std::uint64_t{256} << 20;
  std::string shim_path = {};  ///< The program brood-shim; default: beside this program, then PATH.
  /// No supervisor of this node starts a child before that many nodes, this one among them, are members. 0
  /// and 1: at once. Too small: a node that cannot reach the others starts everything a second time. Too
  /// large: a cluster that has lost nodes starts nothing after a full stop.
  std::uint32_t min_nodes = 0;
};

/// Why a connection to a node ended. The first three are what Erlang's nodedown_reason calls so.
enum class NodeDownReason : std::uint8_t {
  connection_closed,  ///< By the other node, which may have ended; or the connection broke.
  net_tick_timeout,   ///< Nothing came for the whole tick time-out: it hangs, or the network is cut.
  disconnect,         ///< This node closed it.
  replaced,           ///< The node has started anew and connected again; it is up right after.
  protocol_error,     ///< It sent what cannot be understood.
  overflow,           ///< It took too little of what was sent to it for too long.
};
[[nodiscard]] std::string_view to_string(NodeDownReason reason) noexcept;

/// A node that came or went; see Node::monitor_nodes().
struct NodeStatus {
  NodeName name;
  bool up = false;
  bool hidden = true;          ///< Not in Erlang's nodes(), as brood's are unless told otherwise.
  std::uint32_t creation = 0;  ///< Tells starts of one node apart.
  NodeDownReason reason = NodeDownReason::connection_closed;  ///< Where it is down.
  std::string words = {};                                     ///< The same for people; may be empty.
};

/// What a plug-in and its node must have in common: it rises whenever a type that they exchange changes.
#define BROOD_PLUGIN_VERSION 3
inline constexpr std::uint32_t plugin_version = BROOD_PLUGIN_VERSION;

/// The worker names of a node. Copyable, and may outlive the node: then add() and load() answer `stopped`.
class WorkerRegistry {
 public:
  explicit WorkerRegistry(std::shared_ptr<supervisor::NodeImpl> node) : node_(std::move(node)) {}
  /// Children of worker `name` run class W here. Taken: already_exists.
  template <typename W>
  Result<void> add(const std::string& name = worker_name<W>()) {
    if constexpr (detail::check_worker<W, detail::FoundIn<W>>()) {
      return add_factory(name, [](EncodedTerm args) { return make_behaviour<W>(std::move(args)); });
    } else {
      return {};
    }
  }
  /// What the factory throws, or that it makes nothing, is why a child does not start (start_failed).
  Result<void> add_factory(const std::string& name, BehaviourFactory factory);
  /// Loads a shared library and has it register its workers (BROOD_REGISTER_WORKERS). Errors: io (it cannot
  /// be loaded, or is no plug-in), refused (it was built for another version of these headers), start_failed
  /// (it threw).
  Result<void> load(const std::string& path);
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::shared_ptr<supervisor::NodeImpl> node_;
};

class Node {
 public:
  /// Throws brood::NodeError when the node cannot start (name taken, port taken, EPMD unreachable, bad
  /// cookie file, bad files of TLS): a constructor has no other way.
  explicit Node(NodeOptions options);
  /// As the constructor, with a Result.
  [[nodiscard]] static Result<std::unique_ptr<Node>> start(NodeOptions options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] NodeName name() const;  ///< "nonode@nohost" without a name.
  /// Makes a node that began without a name, as Node({}), reachable as "n1@host" or "n1@host:port"; the other
  /// options of the network are those that it began with. Its children run on, and it can join others or be
  /// joined by them; what they have in common then is settled as after a split. Pids that the program holds
  /// stay good, but new ones of the same processes differ from them: they have the new name. Returns when the
  /// node listens. Errors: already_exists (it has a name), name_taken, unreachable (EPMD), io,
  /// invalid_argument.
  Result<void> promote(const std::string& name, const std::vector<std::string>& join = {});
  /// Waits until each supervisor that has been made is up: it has found its cluster, or formed one. Children
  /// that belong here may still be starting. Errors: not_allowed, when a seed of `join` refuses this node
  /// (another cookie, a certificate that one side does not accept) and no other lets it in: it would form a
  /// cluster of its own, so a program that should not run everything twice ends its Node; the message has the
  /// cure. refused, when the settings of a supervisor are others than those of its other nodes: it stays out,
  /// and the message has what differs. timeout, which names the supervisors.
  Result<void> wait_up(std::chrono::milliseconds timeout);
  [[nodiscard]] WorkerRegistry workers();
  [[nodiscard]] std::vector<NodeName> peers() const;
  /// As Erlang's net_kernel:monitor_nodes for nodes of all types, with reasons: `told` is called for each
  /// node that is connected now, before this returns, and then whenever one comes or goes, one call at a
  /// time. It runs on a thread of the node and must not block; what it throws is logged. Connections are
  /// meant, not members: an attempt that fails is not told. The number is for demonitor_nodes().
  std::uint64_t monitor_nodes(std::function<void(const NodeStatus&)> told);
  /// No call of it runs any more when this returns, unless it is called by `told` itself.
  void demonitor_nodes(std::uint64_t monitor);
  /// Hands every child of every supervisor to other nodes. no_target: no other node could take them.
  /// `for_good`: the node is about to end, so what nobody can take stays here and nobody moves a child here;
  /// a handler that does not return even when its child is killed is not waited for (timeout).
  Result<void> drain(std::chrono::milliseconds timeout, bool for_good = false);
  // Processes of any node, Erlang's and Elixir's too: a pid, `remote("name", "e1@host")`, or an alias.
  // Messages are structs or anything else that has a Codec (brood/codec.hpp). A node that is not connected is
  // connected first.

  /// gen_server:call. Errors: no_such_child (noproc, at once), died (detail: the exit reason), unreachable,
  /// node_lost (it may have handled the message), timeout, type_mismatch (shows the reply); what the callee
  /// answered as {error, {Code, Text}} is that error.
  template <typename T, typename M>
  Future<T> call(const Address& to, M message,
                 std::chrono::milliseconds timeout = std::chrono::milliseconds(5000)) {
    return detail::reply_future<T>(call_message(to, Message::of(std::move(message)), timeout));
  }
  /// The reply as it comes, an encoded term.
  Future<EncodedTerm> call_message(const Address& to, Message message, std::chrono::milliseconds timeout);
  /// gen_server:cast; a plain message. An error says that it has certainly not arrived.
  template <typename M>
  Result<void> cast(const Address& to, M message) {
    return cast_message(to, Message::of(std::move(message)));
  }
  template <typename M>
  Result<void> send(const Address& to, M message) {
    return send_message(to, Message::of(std::move(message)));
  }
  Result<void> cast_message(const Address& to, Message message);
  Result<void> send_message(const Address& to, Message message);
  /// `down` runs once, on a thread of the node, with the exit reason: noproc where nothing is there,
  /// noconnection when the node is lost. An alias cannot be monitored (invalid_argument). Links belong to
  /// processes: see Context::link().
  Result<Ref> monitor(const Address& to, std::function<void(const ExitReason&)> down);
  void demonitor(const Ref& ref);
  /// An exit signal, as exit/2: a process that traps exits gets it as a message; `kill` cannot be trapped.
  void exit(const Pid& to, ExitReason reason);

  /// Starts a process outside any supervisor; returns when W is constructed. With a name, other nodes reach
  /// it as `remote(name, node.name())`, Erlang's {Name, Node}. Errors: already_exists (the name),
  /// start_failed and type_mismatch (the arguments; made with brood::args).
  template <typename W>
  Result<Pid> spawn(const std::string& name = {}, EncodedTerm args = {}) {
    if constexpr (detail::check_worker<W, detail::FoundIn<W>>()) {
      return spawn_behaviour(name, make_behaviour<W>(std::move(args)));
    } else {
      return Pid{};
    }
  }
  Result<Pid> spawn_behaviour(const std::string& name, std::unique_ptr<Behaviour> behaviour);

  [[nodiscard]] supervisor::NodeImpl& impl() { return *impl_; }

 private:
  struct Made {};  // keeps Node({}) unambiguous
  Node(Made, std::shared_ptr<supervisor::NodeImpl> impl);
  std::shared_ptr<supervisor::NodeImpl> impl_;
};

/// Thrown by Node's and Supervisor's constructors only.
class NodeError : public std::exception {
 public:
  explicit NodeError(Error error) : error_(std::move(error)) {}
  [[nodiscard]] const char* what() const noexcept override { return error_.message.c_str(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop

/// In a plug-in: `BROOD_REGISTER_WORKERS(workers) { (void)workers.add<Mine>("mine"); }`
// NOLINTBEGIN(bugprone-macro-parentheses): `registry` is a name that is declared here.
#define BROOD_TEXT_OF(macro) BROOD_TEXT_OF_VALUE(macro)
#define BROOD_TEXT_OF_VALUE(value) #value
#define BROOD_REGISTER_WORKERS(registry)                                                   \
  /* Read from the file where it cannot be loaded, as another version's may not be. */     \
  extern "C" __attribute__((visibility("default"), used)) const char brood_plugin_mark[] = \
      "brood-plugin-version:" BROOD_TEXT_OF(BROOD_PLUGIN_VERSION) ";";                     \
  extern "C" __attribute__((visibility("default"))) std::uint32_t brood_plugin_version() { \
    return ::brood::plugin_version;                                                        \
  }                                                                                        \
  extern "C" __attribute__((visibility("default"))) void brood_register_workers(           \
      ::brood::WorkerRegistry& registry)
// NOLINTEND(bugprone-macro-parentheses)
