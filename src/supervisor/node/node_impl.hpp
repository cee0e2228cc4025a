// NodeImpl: what a brood::Node is made of. It owns the parts and starts and ends them in order; what each
// does and which thread may touch it is in the part's own header. See docs/architecture.md for the picture.
//
// It lives as long as anybody holds a reference: after stop() everything is still there to be asked, and
// answers that it has stopped. Whoever uses it from outside its own threads enters the gate first.
//
// Thread rule: any thread, unless marked (control). start() and stop() by brood::Node.
#pragma once

#include <brood/supervisor.hpp>

#include "exec/launcher/launcher.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/hooks/lane.hpp"
#include "supervisor/node/crash_guard.hpp"
#include "supervisor/node/fences.hpp"
#include "supervisor/node/gate.hpp"
#include "supervisor/node/heart.hpp"
#include "supervisor/node/loops.hpp"
#include "supervisor/node/node_names.hpp"
#include "supervisor/node/node_trust.hpp"
#include "supervisor/node/peer_events.hpp"
#include "supervisor/node/reload.hpp"
#include "supervisor/node/up_watch.hpp"
#include "supervisor/node/worker_table.hpp"

namespace brood::supervisor {

class RequestServer;

class NodeImpl : public std::enable_shared_from_this<NodeImpl> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<NodeImpl>> start(NodeOptions options);
  ~NodeImpl();
  NodeImpl(const NodeImpl&) = delete;
  NodeImpl& operator=(const NodeImpl&) = delete;
  /// Ends everything; the order and the bound are in shutdown.cpp.
  void stop();
  /// Holds off the end of the node's threads; empty after stop(): answer stopped().
  [[nodiscard]] Gate::Pass enter() { return gate_.enter(); }
  [[nodiscard]] static Error stopped() { return {Errc::stopped, "the node has stopped"}; }

  [[nodiscard]] const NodeOptions& options() const { return options_; }  ///< As it was started with.
  [[nodiscard]] const NodeName& name() const { return runtime_->name(); }
  [[nodiscard]] std::uint32_t creation() const { return runtime_->creation(); }
  /// This node's name, also the one from before promote().
  [[nodiscard]] bool is_here(const NodeName& node) const { return runtime_->is_here(node); }
  /// A pid of this node as it is told of now; see promote().
  [[nodiscard]] Pid present(const Pid& pid) const;
  /// See Node::promote().
  Result<void> promote(const std::string& name, const std::vector<std::string>& join);
  /// For a child whose spec has no id: a binary that no other node makes.
  [[nodiscard]] ChildId unique_id();

  // The parts that others need.
  [[nodiscard]] boost::asio::io_context& control() { return loops_.control(); }
  [[nodiscard]] boost::asio::io_context& queries() { return loops_.queries(); }
  [[nodiscard]] process::Runtime& runtime() { return *runtime_; }
  [[nodiscard]] exec::Launcher& launcher() { return *launcher_; }
  [[nodiscard]] WorkerTable& worker_table() { return workers_; }
  [[nodiscard]] Router& router() { return *router_; }
  [[nodiscard]] NodeWatch& watch() { return watch_; }
  [[nodiscard]] Heart& heart() { return *heart_; }
  [[nodiscard]] UpWatch& up() { return up_; }
  [[nodiscard]] NodeTrust& trust() { return *trust_; }
  [[nodiscard]] const std::shared_ptr<Lanes>& lanes() const { return lanes_; }
  /// Null until the node has a network.
  [[nodiscard]] node::Distribution* distribution() const { return network_.distribution(); }

  // Supervisors; see SupervisorTable.
  Result<std::shared_ptr<Driver>> add_supervisor(SupervisorOptions options);
  void remove_supervisor(const std::shared_ptr<Driver>& driver, std::function<void()> done);
  [[nodiscard]] std::shared_ptr<Driver> find(const std::string& name) const {
    return supervisors_.find(name);
  }
  [[nodiscard]] std::vector<std::shared_ptr<Driver>> drivers() const { return supervisors_.all(); }
  void drain(Driver::Drain kind, std::chrono::milliseconds timeout, std::function<void(Result<void>)> done) {
    supervisors_.drain(kind, timeout, std::move(done));
  }

  // Peers; see PeerDirectory and Network.
  void send_to_peer(const NodeName& to, std::vector<EncodedTerm> terms);
  void connect(const NodeName& n, const std::string& at, bool last) { network_.connect(n, at, last); }
  void disconnect(const NodeName& node) { network_.disconnect(node); }
  [[nodiscard]] auto connected() const { return peers_.connected(); }
  [[nodiscard]] auto connected_creation(const NodeName& node) const { return peers_.creation_of(node); }
  [[nodiscard]] std::vector<NodeName> peers() const { return peers_.names(); }
  [[nodiscard]] std::vector<NodeName> brood_nodes() const { return peers_.brood_nodes(); }
  void fence(bool on) { fences_->set(on); }  ///< Counted: see Fences.
  void member_changed(const std::string& supervisor, const core::MemberEvent& event);
  /// It has found its cluster, or formed one.
  void supervisor_is_up(const std::string& supervisor) { up_.settled(supervisor); }
  [[nodiscard]] PeerDirectory::MemberViews member_views() const { return peers_.members(); }

  // The daemon's own file; see Reload.
  using FileCommands = supervisor::FileCommands;
  /// Set by the daemon: reads the node's own file as it is now. Runs on the query thread.
  void on_reload(Reload::Read read) { reload_.set(std::move(read)); }
  [[nodiscard]] Result<std::optional<FileCommands>> file_commands() const { return reload_.read(); }
  /// Trusts the commands of the file as it is now, instead of those of before.
  Result<void> reload();

 private:
  explicit NodeImpl(NodeOptions options);
  Result<void> open();
  Result<void> take_name(const std::string& name, const std::vector<NodeAddress>& join);
  void learn(const std::vector<NodeAddress>& seeds);
  void make_parts(const NodeName& name, std::uint32_t creation);
  void make_heart();
  void run_threads();
  void start_discovery();
  void tell_of_crash(const WorkerIdentity& child);
  [[nodiscard]] Result<core::Settings> settings_for(const SupervisorOptions& options) const;

  const NodeOptions options_;
  Gate gate_;
  Loops loops_;
  WorkerTable workers_;
  const std::shared_ptr<Lanes> lanes_ = std::make_shared<Lanes>();
  Network network_{options_};
  std::unique_ptr<process::Runtime> runtime_;
  std::unique_ptr<Fences> fences_;
  std::unique_ptr<exec::Launcher> launcher_;
  PeerDirectory peers_;
  NodeWatch watch_;
  UpWatch up_{loops_.control()};
  Seeds seeds_;
  Reload reload_;
  SupervisorTable supervisors_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<RequestServer> requests_;
  std::unique_ptr<NodeTrust> trust_;
  std::unique_ptr<PeerEvents> events_;
  std::unique_ptr<Heart> heart_;
  std::unique_ptr<CrashGuard> crash_guard_;
  std::mutex promote_mutex_;  ///< One promotion at a time, and none while the node ends.
  std::atomic<std::uint64_t> next_id_ = 1;
  std::atomic<bool> stopped_ = false;
};

}  // namespace brood::supervisor
