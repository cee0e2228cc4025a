// Processes: the children's processes on all nodes, and the first checker: at no time do two live processes
// of one child run on nodes that act (see SimNode::acts), nor two on one node. A handler that blocks cannot
// be taken back: a process that was told to end and is stuck does not count. Where children have several
// instances there is at most one on a node, and where these have roles, at most one that acts is active, and
// none of them only for a while.
//
// Thread rule: one thread.
#pragma once

#include "sim/following.hpp"
#include "sim/world.hpp"

namespace brood::sim {

struct Process {
  std::uint64_t serial = 0;
  std::size_t node = 0;
  std::uint64_t incarnation = 0;
  std::uint32_t creation = 0;
  ChildId id;
  core::SpecPtr spec;
  core::Epoch epoch;
  core::ProcessId pid;  ///< From the start on, also while it is starting.
  core::Dot birth;      ///< Of the row that it was started for.
  core::Role role = core::Role::active;
  /// Roles that it will be told, in order, with the state that it goes on with.
  std::vector<std::pair<core::Role, core::HeldPtr>> to_tell;
  bool running = false;
  bool stopping = false;
  bool stuck = false;
  bool hung = false;    ///< It was stuck; told to end meanwhile it runs no other handler when that returns.
  bool frozen = false;  ///< Handles nothing until it is thawed, or has departed.
  std::uint64_t attempt = 0;        ///< At freezing it, the last.
  bool prepared = false;            ///< Holds what another held, and is not open.
  std::uint64_t held = 0;           ///< What calls have brought it to.
  std::uint64_t lineage = 0;        ///< Of the first of those that have handed it on.
  core::HeldPtr first_state;        ///< With which it starts.
  std::optional<Following> follow;  ///< Of a worker whose state passive instances follow.
  bool told_gone = false;           ///< Planted bugs only: the core believes it is gone.
  Duration from{};
};

/// A process that lives or lived; for judging answers.
struct Life {
  std::size_t node = 0;
  std::uint32_t creation = 0;
  core::ProcessId pid;
  Duration from{};
  Duration to = Duration::max();
};

/// The live ones by serial. There may be one of each child on each node, and all are looked at several times
/// a second.
class LiveProcesses {
 public:
  [[nodiscard]] Process* find(std::uint64_t serial) const {
    return serial < all_.size() ? all_[serial].get() : nullptr;
  }
  [[nodiscard]] Process& at(std::uint64_t serial) const { return *all_.at(serial); }
  /// Of a serial above all before.
  Process& add(Process process) {
    const std::uint64_t serial = process.serial;
    all_.resize(serial + 1);
    all_[serial] = std::make_unique<Process>(std::move(process));
    ++size_;
    return *all_[serial];
  }
  void erase(std::uint64_t serial) {
    all_.at(serial).reset();
    --size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// In the order of their serials.
  template <typename F>
  void each(const F& f) const {
    for (const auto& process : all_)
      if (process) f(*process);
  }

 private:
  std::vector<std::unique_ptr<Process>> all_;
  std::size_t size_ = 0;
};

class Processes {
 public:
  explicit Processes(World& world);

  // ---- for the driver
  void start(std::size_t node, const core::Start& start);
  void stop(std::size_t node, const core::Stop& stop);
  void set_role(std::size_t node, const core::SetRole& change);
  void carry_out(std::size_t node, const core::Freeze& freeze);
  void carry_out(std::size_t node, const core::Thaw& thaw);
  void carry_out(std::size_t node, const core::Prepare& prepare);
  void carry_out(std::size_t node, const core::Open& open);
  void carry_out(std::size_t node, const core::Discard& discard);
  void carry_out(std::size_t node, const core::Depart& depart);
  void carry_out(std::size_t node, const core::Followed& followed);
  void node_gone(std::size_t node);
  /// A node is lost to the others, or may be. What was answered need not outlive a second one.
  void node_hurt();
  /// Twice a second: children that run and have nobody who is active.
  void look_for_leaders();
  /// That node acts (again): look for overlap with its processes.
  void check_node(std::size_t node);

  // ---- for checkers and faults
  [[nodiscard]] std::vector<const Process*> of(const ChildId& id) const;
  [[nodiscard]] const std::vector<Life>& lives(const ChildId& id) const;
  [[nodiscard]] std::size_t count() const { return live_.size(); }
  [[nodiscard]] std::size_t count_on(std::size_t node) const;
  [[nodiscard]] const Process* on(std::size_t node, const ChildId& id) const;
  [[nodiscard]] const Process* with(std::uint64_t serial) const { return live_.find(serial); }
  /// It may be called now.
  [[nodiscard]] bool handles(const Process& process) const;
  /// Ends one as if its program had died; for tests of single crashes.
  void crash(const ChildId& id, std::string reason);
  /// How many nodes that child has taken down.
  [[nodiscard]] std::uint32_t nodes_taken_down(const ChildId& id) const;
  /// Starts and stops so far; equal numbers mean that nothing moved in between.
  [[nodiscard]] std::uint64_t moves() const { return moves_; }
  /// All that is stuck or would crash comes to its senses.
  void heal();
  /// Now and then: callers of some children are answered, and must find that again.
  void call_some();
  /// Nobody calls those any more whose state others follow.
  void hush() { is_hushed_ = true; }

 private:
  [[nodiscard]] Process* find(std::uint64_t serial);
  [[nodiscard]] Process* find(std::size_t node, const ChildId& id, const core::Epoch& epoch);
  Process& add(std::size_t node, const ChildId& id, const core::SpecPtr& spec, const core::Epoch& epoch);
  void later(const Process& process, Duration delay, std::function<void(Process&)> job);
  void started(Process& process);
  void begin_life(Process& process);
  void begin_lineage_of_its_own(Process& process);
  void take_node_down(Process& process);
  void fail_start(Process& process);
  void end(Process& process, bool normal, std::string reason);
  void erase(std::uint64_t serial);
  // Passive ones that follow (standby.cpp).
  [[nodiscard]] bool follows() const {
    return world_.profile.copies.follow != Copies::Follow::none && world_.profile.copies.several();
  }
  void lead(Process& process, const core::HeldPtr& state);
  void give_role_back(Process& process);
  void save(Process& process, bool is_last);
  void order_save(Process& process, Duration delay);
  void call_followed(Process& process);
  void begin_call(Process& process);
  void end_handler(Process& process);
  void disturb(const Process& process);
  void reply(Process& process, std::uint64_t value, std::uint64_t term);
  void leaves(const Process& process, const Following::Gate::Ready& replies);
  void answered(const Process& process, std::uint64_t value, std::uint64_t losses);
  void check_followed(const Process& process);
  void check(const ChildId& id);
  void check_roles(const ChildId& id);
  void tell_role(Process& process);
  [[nodiscard]] bool lacks_a_leader(const ChildId& id) const;
  void check_need(const Process& process);
  [[nodiscard]] Duration stop_time(const Process& process, bool killed = false);

  World& world_;
  Random random_;
  Random caller_;  ///< Of calls to those whose state others follow.
  LiveProcesses live_;
  std::map<ChildId, std::vector<std::uint64_t>> by_id_;
  std::map<ChildId, std::vector<Life>> lives_;
  std::map<ChildId, std::uint32_t> taken_down_;
  /// What the last call was answered, by lineage, for as long as no process of it was lost or told to end.
  std::unordered_map<std::uint64_t, std::uint64_t> answered_;  // only looked up
  /// The greatest answer that a caller of the child had and that another node held.
  struct Kept {
    core::Dot birth;
    std::uint64_t value = 0;
    std::uint64_t losses = 0;  ///< Of nodes, when that was saved.
  };
  std::map<ChildId, Kept> kept_;
  std::uint64_t losses_ = 0;
  bool is_hushed_ = false;
  std::uint64_t serials_ = 0;
  std::uint64_t moves_ = 0;
  std::map<ChildId, Duration> leaderless_;  ///< Since when.
  std::uint64_t disturbances_ = 0;          ///< Faults, when leaders were looked for last.
};

}  // namespace brood::sim
