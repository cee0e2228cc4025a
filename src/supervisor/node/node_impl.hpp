// NodeImpl: what a brood::Node is made of: the network, the control and the query loops, the runtime, the
// distribution, the launcher of programs, the supervisors' drivers, the heartbeat, and the request server.
//
// Threads: `network` runs sockets, `control` runs the cores and launcher callbacks, `queries` answers
// requests that read or decode much, `heart` beats; the runtime has its own.
//
// Thread rule: any thread, unless marked (control).
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <brood/node.hpp>
#include <brood/supervisor.hpp>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "exec/launcher/launcher.hpp"
#include "node/distribution.hpp"
#include "node/net/log_limiter.hpp"
#include "node/net/network_loop.hpp"
#include "process/runtime.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/node/crash_guard.hpp"
#include "supervisor/node/heart.hpp"
#include "supervisor/node/node_watch.hpp"
#include "supervisor/node/worker_table.hpp"

namespace brood::supervisor {

class RequestServer;
class Router;

/// What brood nodes say to each other goes to this name.
inline const Atom peer_name("brood_peer");

/// A member as `node_info` shows it.
struct MemberView {
  std::string state;
  bool up = false;
};

class NodeImpl : public std::enable_shared_from_this<NodeImpl> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<NodeImpl>> start(NodeOptions options);
  ~NodeImpl();
  NodeImpl(const NodeImpl&) = delete;
  NodeImpl& operator=(const NodeImpl&) = delete;

  /// Ends everything: called by the destructor of brood::Node, before the last reference goes.
  void stop();

  [[nodiscard]] const NodeName& name() const { return runtime_ ? runtime_->name() : name_; }
  /// This node's name, also the one from before promote().
  [[nodiscard]] bool is_here(const NodeName& node) const { return runtime_->is_here(node); }
  /// A pid of this node as it is told of now; see promote().
  [[nodiscard]] Pid present(const Pid& pid) const;
  [[nodiscard]] const NodeOptions& options() const { return options_; }
  [[nodiscard]] std::uint32_t creation() const { return runtime_ ? runtime_->creation() : creation_; }
  /// Gives a node without a name one, "n1@host" or "n1@host:port": it listens, and others can join. Its
  /// children run on. Errors: already_exists (it has a name), and those of a start.
  Result<void> promote(const std::string& name, const std::vector<std::string>& join);
  [[nodiscard]] boost::asio::io_context& control() { return control_; }
  [[nodiscard]] boost::asio::io_context& queries() { return queries_; }
  [[nodiscard]] process::Runtime& runtime() { return *runtime_; }
  [[nodiscard]] exec::Launcher& launcher() { return *launcher_; }
  /// For a child whose spec has no id: a binary that no other node makes.
  [[nodiscard]] ChildId unique_id();
  [[nodiscard]] WorkerTable& worker_table() { return workers_; }
  [[nodiscard]] Router& router() { return *router_; }

  Result<std::shared_ptr<Driver>> add_supervisor(SupervisorOptions options);
  void remove_supervisor(const std::string& name);
  [[nodiscard]] std::shared_ptr<Driver> find(const std::string& name) const;
  [[nodiscard]] std::vector<std::shared_ptr<Driver>> drivers() const;

  /// Hands all children of all supervisors over; `done` gets success, no_target or timeout.
  void drain(Driver::Drain kind, std::chrono::milliseconds timeout, std::function<void(Result<void>)> done);
  [[nodiscard]] bool draining() const { return draining_; }

  // What drivers ask of the network.
  void send_to_peer(const NodeName& to, const Bytes& term);
  void connect(const NodeName& node, const std::string& address, bool last_known);
  void disconnect(const NodeName& node);
  [[nodiscard]] std::map<NodeName, std::uint32_t> connected() const;
  [[nodiscard]] std::optional<std::uint32_t> connected_creation(const NodeName& node) const;
  [[nodiscard]] std::vector<NodeName> peers() const;
  [[nodiscard]] NodeWatch& watch() { return watch_; }
  /// Whether a process of that node may start commands that no file lists, as far as it is this node's to
  /// say.
  [[nodiscard]] bool may_start_commands(const NodeName& node) const;
  /// Null until the node has a network.
  [[nodiscard]] node::Distribution* distribution() const { return network_up_; }
  /// Messages of supervisors that came from peers that have not proved to be brood nodes.
  [[nodiscard]] std::uint64_t unproven_refused() const { return unproven_refused_; }
  /// Connected nodes that are of our kind, as far as they have said so.
  [[nodiscard]] std::vector<NodeName> brood_nodes() const;

  /// Counted: the node is fenced while any supervisor is.
  void fence(bool on);
  void member_changed(const std::string& supervisor, const core::MemberEvent& event);
  /// Lately known members by supervisor, those that are gone too.
  [[nodiscard]] std::map<NodeName, std::map<std::string, MemberView>> member_views() const;

  /// Set by the daemon: reads the node's own file again (its trusted commands). Runs on the query thread.
  void on_reload(std::function<Result<void>()> reload);
  Result<void> reload();

 private:
  explicit NodeImpl(NodeOptions options);
  Result<void> open();
  Result<std::uint32_t> listen(const std::string& name);
  void wire_network();
  void wire_events(const std::vector<std::string>& join);
  void wire_runtime();
  Result<void> take_name(const std::string& name, const std::vector<std::string>& join);
  void run_threads();
  /// Ends the children of these drivers for good: each with the patience of its spec, then at once. False:
  /// something runs on that not even a kill ends, a handler that does not return.
  bool end_children(const std::vector<std::shared_ptr<Driver>>& which);
  bool end_children(const std::vector<std::shared_ptr<Driver>>& which, Children::Haste haste);
  void to_all_drivers(const core::Event& event);
  void start_discovery();
  /// A strategy has named a node: connected to, unless it is already or was tried just now. Any thread.
  void on_found(const std::string& address);
  void warn_of_seed(const NodeName& node, node::ConnectFailure failure, const std::string& words);
  void tell_of_crash(const WorkerIdentity& child);
  void on_peer_up(const node::PeerInfo& peer);
  void on_peer_down(const node::PeerInfo& peer, node::DownReason reason, const std::string& words);
  void on_peer_term(process::Incoming incoming);
  /// The start of a connected brood node that has proved to be it; nullopt: none, and the message is refused.
  [[nodiscard]] std::optional<std::uint32_t> proven_creation(const NodeName& node);
  void warn_of_plain_exec() const;
  void note_brood(const NodeName& node);
  [[nodiscard]] std::string own_address() const;
  core::Settings settings_for(const SupervisorOptions& options) const;

  NodeOptions options_;
  NodeName name_;  ///< At the start; see name().
  std::uint32_t creation_ = 0;
  std::vector<NodeName> join_;

  boost::asio::io_context network_{1};
  std::shared_ptr<node::NetworkLoop> network_loop_;
  boost::asio::io_context control_{1};
  boost::asio::io_context queries_{1};
  using Guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  std::vector<Guard> guards_;
  std::vector<std::thread> threads_;

  WorkerTable workers_;
  std::unique_ptr<node::Distribution> distribution_;
  std::atomic<node::Distribution*> network_up_ = nullptr;  ///< distribution_, once all is ready for it.
  std::unique_ptr<process::Runtime> runtime_;
  std::unique_ptr<exec::Launcher> launcher_;
  std::unique_ptr<Heart> heart_;
  std::unique_ptr<CrashGuard> crash_guard_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<RequestServer> requests_;

  NodeWatch watch_;
  node::LogLimiter limiter_;
  std::atomic<std::uint64_t> unproven_refused_ = 0;
  std::mutex promote_mutex_;
  mutable std::mutex mutex_;  ///< Guards what follows, and join_ and the change of the name.
  std::map<std::string, std::shared_ptr<Driver>> drivers_;
  std::map<NodeName, std::uint32_t> connected_;
  std::set<NodeName> brood_nodes_;
  std::map<NodeName, std::chrono::steady_clock::time_point>
      found_;  ///< When it was tried because it was found.
  std::map<NodeName, std::map<std::string, MemberView>> members_;
  std::function<Result<void>()> reload_;
  std::map<std::pair<NodeName, node::ConnectFailure>, std::chrono::steady_clock::time_point> seed_warnings_;
  int fences_ = 0;
  std::atomic<std::uint64_t> next_id_ = 1;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> stopped_ = false;
};

}  // namespace brood::supervisor
