// Locals: the instances that run on this node, from the start that the driver is asked for to the end that it
// tells.
//
//   (none) -> starting -> running <-> stuck
//                ^           |  \.
//                |           v   v
//            restarting <- ended  stopping -> (none)
//
// Owns: Child::own_ and the list of all own. Reads: the states with which active instances go on. Asks
// instances to publish, the driver (effects) to start and stop. Decides nothing: reconciler.hpp and
// crashes.hpp do. Thread rule: none; owned by one core.
#pragma once

#include "core/children/held_states.hpp"
#include "core/rows/instances.hpp"

namespace brood::core {

class Locals {
 public:
  Locals(ChildTable& children, Instances& instances, const HeldStates& states)
      : children_(children), instances_(instances), states_(states) {}

  [[nodiscard]] const ChildRefs& all() const { return all_; }
  [[nodiscard]] std::size_t count() const { return all_.size(); }
  /// The child whose live process has this epoch; nullptr: what is told of it is over.
  [[nodiscard]] Child* find(const ChildId& id, const Epoch& epoch) const;

  /// The first start on this node of what its row says; `role`: nothing where the child has one instance
  /// only.
  void start(Step& s, Child& child, std::optional<Role> role = std::nullopt);
  /// The same, which claims the role of the active one first: others are told of it, and the start follows
  /// with start_again(), at the latest at that time.
  void claim_and_start(Step& s, Child& child, Duration at);
  /// Another start of what is hosted here already.
  void start_again(Step& s, Child& child);
  /// Tells it to end; what waits to restart is dropped at once.
  /// `most`: with less patience than its spec has.
  void end(Step& s, Child& child, StopWhy why, Duration most = Duration::max());
  /// The same, without patience; it may have been told before.
  void kill(Step& s, Child& child);
  /// It has been handed over: the row stays, and is seen to by who hands it over.
  void depart(Child& child);
  /// It was handed over to this node.
  void adopt(Step& s, Child& child, const Arrival& arrival);
  /// Nothing of it runs here any more. `why` unknown: as it was told when it had to end.
  void drop(Step& s, Child& child, const Bytes& detail = {}, Why why = Why::unknown, std::string words = {});
  /// It leaves for that node (no_peer: others run it already), should it be told to end as released.
  void set_way(Child& child, Why why, PeerIndex to);
  /// The row has changed in a way that its process need not know.
  void follow(Child& child, const SpecPtr& spec) { child.own_.value_->spec = spec; }
  /// One that waits to be started again is tried at once when its row is another by now.
  void look_at_pause(const Step& s, Child& child);
  /// One that waits to be started again waits no longer, and its failures are forgotten.
  void end_pause(const Step& s, Child& child);
  /// The instance here survives a conflict: from now on others are told of it under an epoch above all
  /// others'. Its process keeps the epoch that it was started with.
  void raise(Step& s, Child& child);

  // ---- roles
  /// Others are told of it as that; as the active one under a new epoch.
  void publish_role(Step& s, Child& child, Role role);
  /// Its process is told, if it is there. Not in the step in which it starts: roles are told before that.
  void tell_role(Step& s, Child& child, Role role);
  /// A program that ended to be told its role begins anew, with the one that is published then.
  void restart_in_role(Step& s, Child& child);

  // ---- what the driver says
  void on_started(Step& s, Child& child, const Started& event);
  void on_stuck(Step& s, Child& child, bool stuck);
  void on_health(Step& s, Child& child, const HealthChanged& event);
  /// Its process is gone, or its start failed.
  void ended(Child& child) { child.own_.value_->alive = false; }
  /// Counts the failure; true once there were more than the intensity allows.
  [[nodiscard]] bool count_failure(const Step& s, Child& child);
  /// It will be started again at that time; `pause`: not at once, so others are told. `why`: what failed.
  struct Retry {
    Duration at{};
    bool pause = false;
    Why why = Why::crashed;
  };
  void wait_to_restart(Step& s, Child& child, const Retry& retry, const std::string& reason,
                       const Bytes& detail);

 private:
  Own& make_own(Child& child);
  /// What the active instance that begins here goes on with.
  [[nodiscard]] HeldPtr state_of(Step& s, const Child& child) const;
  void launch(Step& s, Child& child, Instance instance, const NodeName& from);
  void add(Child& child, std::unique_ptr<Own> own);
  void remove(Child& child);

  ChildTable& children_;
  Instances& instances_;
  const HeldStates& states_;
  ChildRefs all_;
};

}  // namespace brood::core
