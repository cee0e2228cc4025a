// Children: the instances of one supervisor that run on this node. Carries out the core's Start and Stop, and
// tells the driver how they went.
//
// Thread rule: control thread only, except that the callbacks it hands out run on scheduler threads; they
// only post to the driver.
//
// Invariant: Exited is told once for each Started, after both the process and, for a command, the program
// with all it started are gone.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <brood/worker.hpp>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/core.hpp"
#include "exec/health/watch.hpp"
#include "exec/launcher/launcher.hpp"
#include "process/runtime.hpp"
#include "supervisor/driver/deadlines.hpp"
#include "term/id_map.hpp"

namespace brood::supervisor {

class Driver;
class NodeImpl;

class Children {
 public:
  Children(NodeImpl& node, Driver& driver);
  ~Children();

  /// `run`: what is run: the spec, or what hooks have made of it.
  void start(const core::Start& start, const core::SpecPtr& run);
  void prepare(const core::Prepare& step, const core::SpecPtr& run);
  void stop(const core::Stop& stop);
  /// Sends a signal to the program that runs under this id. no_such_child: none does here;
  /// invalid_argument: it is a worker.
  [[nodiscard]] Result<void> signal(const ChildId& id, int signal);
  /// The rows of these ids may be others: what runs goes on, and is looked after by what its row says now.
  void follow(const std::vector<ChildId>& changed);
  void set_role(const core::SetRole& change);
  void carry_out(const core::HandoverStep& step);
  /// Fills in what only this thread knows (pids) and forgets what has ended. False: not to be told to the
  /// core (stale).
  [[nodiscard]] bool complete(core::Event& event);
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  /// Processes that have moved away, and still pass on what comes, or that are not wanted after all.
  [[nodiscard]] std::size_t departed() const { return departed_.size(); }
  /// One of them and how far it is, for the log.
  [[nodiscard]] std::string first_words() const;
  /// Ends everything that has not been told to end yet, each with its own patience; `infinity` is what a
  /// patience without end means here. The core is not told of these ends: this node is about to go, and what
  /// it ends for that has not ended for the cluster. Returns when the last one has been killed.
  SteadyTime end_all(std::chrono::milliseconds infinity);
  /// Something runs, and all of it was killed kill_grace ago: handlers that do not return. O(children).
  [[nodiscard]] bool only_unkillable(SteadyTime now) const;

  struct Slot;
  /// What was set aside has ended.
  void forget(const Slot& slot);

 private:
  // Hand-overs (children_handover.cpp).
  void freeze(const core::Freeze& step);
  void thaw(const core::Thaw& step);
  void open(const core::Open& step);
  void discard(const core::Discard& step);
  void depart(const core::Depart& step);
  /// False: that attempt is over already.
  bool give_up_freezing(const core::FreezeFailed& event);
  bool complete_prepared(core::Prepared& event);
  bool forget_prepared(const core::PrepareFailed& event);
  /// Takes the slot out of the table; its process may still call back.
  Slot& set_aside(const ChildId& id);
  void end_departed();
  /// Of a program that was made ready and is not wanted: its process has ended.
  void departed_ended(const core::Exited& event);
  // Standby states (children_standby.cpp).
  void followed(const core::Followed& step);
  void put_gate(Slot& slot, std::unique_ptr<Behaviour>& behaviour, const core::HeldPtr& state);
  void start_worker(Slot& slot, const core::HeldPtr& state);
  void start_program(Slot& slot);
  /// What runs of its spec, with this child's environment; nullopt: its start has failed, and that is told.
  std::optional<exec::Command> command_of(const Slot& slot);
  /// not_allowed: this node may not run that.
  [[nodiscard]] Result<exec::Command> command_of_spec(const Slot& slot, const core::Spec& spec) const;
  void program_started(Slot& slot, std::int32_t os_pid);
  void program_ended(Slot& slot, const exec::ExitStatus& status);
  // Health checks, and options that are taken over (children_health.cpp).
  void follow_command(Slot& slot, const core::SpecPtr& spec);
  void watch_health(Slot& slot);
  void health_changed(Slot& slot, const exec::HealthWatch::Change& change);
  void tell_health(const Slot& slot);
  /// One that is made ready to take over tells the core when it runs and has said that it is ready.
  void tell_if_ready(Slot& slot);
  /// A start, or the preparing of one, has failed.
  void fail(const Slot& slot, const Error& error);
  void end(Slot& slot, std::chrono::milliseconds patience);
  void kill(Slot& slot);
  void tell_first_role(const Slot& slot);
  void tell_role_at_opening(const Slot& slot);
  /// At `when`, if the child still runs then.
  void later(Slot& slot, SteadyTime when, void (Children::*what)(Slot&));
  void overdue(Slot& slot);
  [[nodiscard]] WorkerIdentity identity(const Slot& slot) const;
  [[nodiscard]] process::SpawnOptions options_of(const Slot& slot) const;
  Slot* find(const ChildId& id, const core::Epoch& epoch);
  [[nodiscard]] static std::chrono::milliseconds patience_of(const Slot& slot);

  NodeImpl& node_;
  Driver& driver_;
  PartedIdMap<std::unique_ptr<Slot>> slots_;
  std::unordered_map<const Slot*, std::unique_ptr<Slot>> departed_;
};

}  // namespace brood::supervisor
