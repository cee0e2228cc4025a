// Driver: runs one supervisor's core on this node. Gives it events and the time, carries out its effects.
//
//   callbacks, network, clients --post()--> inbox --control thread--> core.step_all --> effects
//
// It decides nothing. All that happens between two looks at the inbox goes to the core in one batch, so that
// ten thousand starts leave as one message.
//
// Thread rule: post() and the client functions from any thread; everything marked (control) on the control
// thread only. `done` functions run on the control thread and must be quick.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/core.hpp"
#include "supervisor/driver/children.hpp"
#include "supervisor/driver/registry.hpp"
#include "supervisor/pg/pg_process.hpp"

namespace brood::supervisor {

class NodeImpl;

using Outcomes = std::vector<core::Outcome>;
/// Runs once: with an outcome for each id that was asked for, or fewer and a time-out.
using ClientDone = std::function<void(Outcomes outcomes, bool timed_out)>;

class Driver : public std::enable_shared_from_this<Driver> {
 public:
  Driver(NodeImpl& node, core::Settings settings);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  [[nodiscard]] const std::string& name() const { return settings_.supervisor; }
  [[nodiscard]] const core::Settings& settings() const { return settings_; }
  [[nodiscard]] const Registry& registry() const { return registry_; }
  [[nodiscard]] NodeImpl& node() { return node_; }
  /// The name under which a command's output is kept.
  [[nodiscard]] std::string log_name(const ChildId& id) const;

  void post(core::Event event);
  void post_all(std::vector<core::Event> events);

  void start(core::StartMode mode, std::vector<core::SpecPtr> specs, std::optional<NodeName> on,
             std::chrono::milliseconds timeout, ClientDone done);
  void stop(std::vector<ChildId> ids, std::chrono::milliseconds timeout, ClientDone done);
  void retry(const ChildId& id, std::chrono::milliseconds timeout, ClientDone done);
  void lookup(const ChildId& id, std::chrono::milliseconds timeout, ClientDone done);
  enum class Drain : std::uint8_t { may_stay, for_good };  ///< See core::ClientDrain.
  void drain(Drain kind, std::chrono::milliseconds timeout, ClientDone done);

  /// What is known of a child that is waited for.
  enum class Row : std::uint8_t {
    is_here,   ///< This node has its row: when it has none any more, the child is gone.
    may_come,  ///< The coordinator has it, and it is on its way to this node.
  };
  /// Runs `then` on the control thread when the child runs somewhere under another epoch than `not_epoch` (at
  /// once if it does), or when `timeout` is over or the child is failed or gone for good (false; at once if
  /// it is).
  void when_running(const ChildId& id, core::Hlc not_epoch, std::chrono::milliseconds timeout,
                    std::function<void(bool)> then, Row row = Row::is_here);

  /// How OTP's pg is told of this node's children.
  [[nodiscard]] PgHandle& pg() { return pg_; }
  /// The node has a name from now on. Any thread.
  void rename(const core::Renamed& renamed);

  /// Runs `read` with the core on the control thread.
  void with_core(std::function<void(const core::Core&)> read);
  /// Drained, and gone from the cluster: the tables stay as they were then. Any thread.
  [[nodiscard]] bool has_left() const { return left_; }
  [[nodiscard]] const core::Core& core() const { return core_; }  ///< (control)
  [[nodiscard]] bool fenced() const { return fenced_; }           ///< (control)
  [[nodiscard]] bool is_over() const { return over_; }            ///< shut_down() was called. (control)
  /// Boots the core. (control)
  void boot();
  /// Handles what is in the inbox now. (control)
  void run_inbox();
  /// Ends what runs here, for good: the core is not asked any more. `emptied` runs once, when nothing of it
  /// runs; the driver must live until then. Returns the longest patience of a child that still has to end.
  /// (control)
  std::chrono::milliseconds shut_down(Children::Haste haste, std::function<void()> emptied);

 private:
  struct Client;
  struct Waiter;

  template <typename MakeEvent>
  void ask(std::chrono::milliseconds timeout, ClientDone done, MakeEvent make_event);
  void finish(core::ClientId id, bool timed_out);
  void carry_out(const core::Effects& effects);
  void update_registry(const std::vector<ChildId>& changed);
  void tell_pg(const std::vector<ChildId>& changed);
  [[nodiscard]] bool runs_anew(const ChildId& id, core::Hlc not_epoch) const;
  void wake_waiters(const std::vector<ChildId>& changed);
  /// The process that tells pg has ended and is to begin anew.
  void restart_pg();
  void send(const std::vector<core::Send>& sends);
  void connect(const core::Connect& connect);
  void report(const core::Effects& effects);
  void arm_timer();
  void say_when_empty();
  void end_clients();
  std::shared_ptr<const core::SessionId> shared_session(const core::SessionId& session);

  NodeImpl& node_;
  core::Settings settings_;  ///< Constant, but for the name of the node, which rename() changes. (control)
  core::Core core_;
  Registry registry_;
  Children children_;
  PgHandle pg_;
  boost::asio::steady_timer timer_;
  bool booted_ = false;
  std::optional<core::Renamed> renamed_before_boot_;
  bool over_ = false;
  std::function<void()> emptied_;   ///< Set by shut_down().
  std::atomic<bool> left_ = false;  ///< Drained and gone from the cluster.
  bool fenced_ = false;

  std::mutex inbox_mutex_;
  std::vector<core::Event> inbox_;
  bool scheduled_ = false;

  std::map<core::ClientId, std::unique_ptr<Client>> clients_;
  std::uint64_t next_client_ = 1;
  std::unordered_multimap<ChildId, std::shared_ptr<Waiter>> waiters_;
  std::map<core::SessionId, std::shared_ptr<const core::SessionId>> sessions_;
};

}  // namespace brood::supervisor
