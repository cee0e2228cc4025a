// Driver: runs one supervisor's core on this node. It decides nothing; it puts the parts together that do the
// work, and is what the rest of the node holds on to:
//
//   network, runtime, clients --> Inbox --> Stepper (the core) --> effects.hpp (the one order) --+
//     +-- Registry <- RegistryWriter, PgFeed   Children   Outbox   Callers   the node's network <-+
//
// How it ends is in Leaving; after that every request is answered at once with what there is (nothing).
//
// Thread rule: post() and the client functions from any thread; everything marked (control) on the control
// thread only. `done` functions run on the control thread and must be quick.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "supervisor/driver/callers.hpp"
#include "supervisor/driver/children.hpp"
#include "supervisor/driver/coming_up.hpp"
#include "supervisor/driver/effects.hpp"
#include "supervisor/driver/event_log.hpp"
#include "supervisor/driver/leaving.hpp"
#include "supervisor/driver/load_reports.hpp"
#include "supervisor/driver/outbox.hpp"
#include "supervisor/driver/pg_feed.hpp"
#include "supervisor/driver/registry.hpp"
#include "supervisor/driver/registry_writer.hpp"
#include "supervisor/driver/siblings.hpp"
#include "supervisor/driver/stepper.hpp"
#include "supervisor/hooks/alters.hpp"
#include "supervisor/hooks/hook_feed.hpp"
#include "supervisor/node/gaps.hpp"

namespace brood::supervisor {

class NodeImpl;

/// A start as a client asks for it; see StartOptions.
struct StartOrder {
  core::StartMode mode = core::StartMode::start;
  std::optional<NodeName> on = std::nullopt;
  std::chrono::milliseconds timeout{};
  std::optional<std::chrono::milliseconds> await_timeout = std::nullopt;
  bool quiet = false;       ///< The log of this node says nothing of it.
  bool rolls_back = false;  ///< OnFailure::rollback: it is answered when that is done.
};

class Driver : public std::enable_shared_from_this<Driver>, Stepper::Host, EffectHands, CoreTables {
 public:
  /// `load`: see SupervisorOptions::load.
  Driver(NodeImpl& node, core::Settings settings, std::shared_ptr<HookTable> hooks,
         std::function<double()> load = {});
  ~Driver() override;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t weight() const { return weight_; }
  [[nodiscard]] const Redundancy& redundancy() const { return *strategies_.redundancy; }
  [[nodiscard]] const Registry& registry() const { return registry_; }
  /// Where the child runs. Nowhere, once the supervisor has ended.
  [[nodiscard]] std::optional<Pid> whereis(const brood::detail::IdKey& id) const {
    return ended_ || id.empty() ? std::nullopt : registry_.running(id);
  }
  /// Its children, for those who hold them by name. Any thread.
  [[nodiscard]] std::shared_ptr<Siblings> siblings();
  [[nodiscard]] NodeImpl& node() { return node_; }

  /// `message_bytes`: the size of a peer's message on the wire.
  void post(core::Event event, std::size_t message_bytes = 0);
  /// Runs `then` on the control thread once the core has handled all that was posted before this.
  void when_handled(std::function<void()> then);

  /// Whether the distribution can place such a child, as far as the spec says it. Any thread.
  /// invalid_argument.
  [[nodiscard]] Result<void> accepts(const core::NamedSpec& child) const;
  void start(StartOrder order, std::vector<core::NamedSpec> specs, ClientDone done);
  void stop(std::vector<ChildId> ids, std::chrono::milliseconds timeout, ClientDone done);
  /// See core::ClientReset.
  void reset_cluster_size(std::uint32_t size, std::chrono::milliseconds timeout, ClientDone done);
  void retry(const ChildId& id, std::chrono::milliseconds timeout, ClientDone done);
  /// To the program that runs here under this id; `done` runs on the control thread. See Children::signal().
  void signal(const ChildId& id, int signal, std::function<void(const Result<void>&)> done);
  /// See core::ClientMove. Of a move to a node it is told when the child runs there.
  void move(core::MoveKind kind, const ChildId& id, const NodeName& to, std::chrono::milliseconds timeout,
            ClientDone done);
  void rebalance(std::chrono::milliseconds timeout, ClientDone done);
  /// See core::ClientForget.
  void forget(const NodeName& node, std::chrono::milliseconds timeout, ClientDone done);
  void lookup(const ChildId& id, std::chrono::milliseconds timeout, ClientDone done);
  /// Changes which nodes may get children.
  void change_roster(std::vector<NodeName> add, std::vector<NodeName> remove,
                     std::chrono::milliseconds timeout, ClientDone done);
  enum class Drain : std::uint8_t { may_stay, for_good, take_back };  ///< See core::ClientDrain.
  /// for_good: what cannot even be killed is not waited for; that is a time-out.
  void drain(Drain kind, std::chrono::milliseconds timeout, ClientDone done);
  /// What is known of a child that is waited for.
  using Row = Waiters::Row;
  /// Runs `then` on the control thread when the child runs somewhere under another epoch than `not_epoch` (at
  /// once if it does), or when `timeout` is over or the child is failed or gone for good (false; at once if
  /// it is).
  void when_running(const ChildId& id, core::Hlc not_epoch, std::chrono::milliseconds timeout,
                    std::function<void(bool)> then, Row row = Row::is_here);
  /// Runs `read` with the core on the control thread.
  void with_core(std::function<void(const core::Core&)> read);
  [[nodiscard]] const core::Core& core() const { return stepper_.core(); }  ///< (control)
  [[nodiscard]] StepTimes step_times() { return stepper_.times().read(); }
  /// As step_times(); `longest_lately` then begins anew.
  [[nodiscard]] StepTimes take_step_times() { return stepper_.times().take(); }

  [[nodiscard]] const Outbox::Sent& sent() const { return outbox_.sent(); }  ///< To other members. (control)

  [[nodiscard]] const std::shared_ptr<HookTable>& hooks() const { return hooks_; }  ///< Any thread.
  [[nodiscard]] LoadReports& load_reports() { return load_reports_; }               ///< Of it finish() only.
  /// Which subscriber of the hooks has that reference. Any thread.
  void note_subscription(const Ref& ref, std::uint64_t number);
  bool end_subscription(const Ref& ref);  ///< False: there is none.
  void end_subscription(std::uint64_t number);

  /// How OTP's pg is told of this node's children.
  [[nodiscard]] PgHandle& pg() { return pg_feed_.handle(); }
  /// The node has a name from now on. Any thread.
  void rename(const core::Renamed& renamed);

  /// Why this part of the cluster may not run children, in words; nothing: it may. Any thread.
  [[nodiscard]] std::optional<Error> partitioned() const;

  /// Drained, and gone from the cluster: the tables stay as they were then. Any thread.
  [[nodiscard]] bool has_left() const { return left_; }
  /// It has ended on this node: nothing is answered any more. Any thread.
  [[nodiscard]] bool has_ended() const { return ended_; }
  /// Ends it on this node as Leaving says, by Goodbye to the other members. `done` runs on the control
  /// thread, also for one that has ended before; false: handlers run on that not even a kill ends, and the
  /// driver must live as long as they. Any thread.
  void leave(std::chrono::milliseconds hand_over, std::function<void(bool emptied)> done);

  [[nodiscard]] bool fenced() const { return fenced_; }  ///< (control)
  /// Boots the core. (control)
  void boot();
  /// Has the core handle this before all that waits, and now. (control)
  void handle_now(core::Event event);
  /// A process that has moved away passes nothing on any more. (control)
  void departed(const Children::Slot& slot);
  /// A child was killed, and runs on all the same. (control)
  void children_overdue();

 private:
  template <typename MakeEvent>
  void ask(std::chrono::milliseconds timeout, ClientDone done, MakeEvent make_event,
           std::size_t outcomes = 1);
  core::ClientId ask_here(std::chrono::milliseconds timeout, ClientDone done, std::size_t outcomes = 1);
  void begin_to_leave(std::chrono::milliseconds hand_over, std::function<void(bool)> done);
  void tend_leaving();
  void end();

  /// The process that tells pg has ended and is to begin anew.
  void restart_pg();
  /// Takes back what a start of these has brought where one of them could not be started, and then answers.
  /// Nothing: it may still.
  [[nodiscard]] std::optional<Error> why_it_moves_no_more(const ChildId& child) const;
  void tell_up();
  [[nodiscard]] ClientDone undoing(const std::vector<core::NamedSpec>& specs, ClientDone done);

  // Stepper::Host
  core::Now now() override;
  bool complete(core::Event& event) override;
  void carry_out(const core::Effects& effects) override;
  std::weak_ptr<void> alive() override { return weak_from_this(); }
  // CoreTables
  void look_up(const ChildId& id, core::Known& into) const override { stepper_.core().look_up(id, into); }
  bool is_here(const core::SessionId& session) const override;
  // EffectHands
  void fence(bool on) override;
  void set_role(const core::SetRole& change) override;
  void publish(const std::vector<ChildId>& changed) override;
  void lock(const core::PartLock& lock) override;
  void hand_over(const core::HandoverStep& step) override;
  void start(const core::Start& start) override;
  void start_now(const core::Start& start, const core::SpecPtr& run);
  void stop(const core::Stop& stop) override;
  void send(const std::vector<core::Send>& sends) override;
  void connect(const core::Connect& connect) override;
  void disconnect(const core::Disconnect& disconnect) override;
  void left() override { left_ = true; }
  void reply(const core::Reply& reply) override;
  void wake(const std::vector<ChildId>& changed) override;
  void member(const core::MemberEvent& event) override;
  void log(const core::LogLine& line) override;
  void refused(const std::string& words) override;

  NodeImpl& node_;
  const std::string name_;
  const std::uint32_t weight_;
  const core::Strategies strategies_;
  Registry registry_;
  Stepper stepper_;
  RegistryWriter writer_;
  PgFeed pg_feed_;
  Children children_;
  Outbox outbox_;
  Callers callers_;
  TimedEventLog event_log_;
  const std::shared_ptr<HookTable> hooks_;
  HookFeed hook_feed_;
  Alters alters_;
  std::mutex subscriptions_mutex_;
  std::map<Ref, std::uint64_t> subscriptions_;
  std::once_flag siblings_made_;
  std::shared_ptr<Siblings> siblings_;
  LoadReports load_reports_;
  Gaps::Cursor gaps_;
  std::atomic<bool> locked_ = false;
  mutable std::mutex lock_words_mutex_;
  std::string lock_words_;
  std::atomic<bool> left_ = false;
  std::atomic<bool> ended_ = false;
  bool fenced_ = false;

  // The beginning:
  ComingUp coming_up_;
  Alarm up_alarm_;

  // The end:
  Leaving leaving_;
  Alarm leaving_alarm_;
  std::vector<core::ClientId> last_drains_;  ///< Requests to drain for good, answered or not.
  bool handed_over_ = false;                 ///< One of them was answered.
  bool tend_waits_ = false;                  ///< A look at the end is queued.
  std::vector<std::function<void(bool)>> when_over_;
};

}  // namespace brood::supervisor
