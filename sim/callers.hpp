// Callers: calls to children by their ids, from all nodes. Which step comes next is said by the CallRoute
// that the router has too; what waits for an answer is in a PendingTable of its node, as in its desk of
// calls; what a node sees is its real core's. A call travels beside the cores' messages, is handled by a
// process, or waits in one that is frozen, blocks or has no handler free, and goes on to where a process has
// departed to, as stubs pass calls on.
//
// Nothing here changes what cores and processes do, so a seed is the same with and without.
//
// Checks: no handler sees a call twice; who is answered "ok" was handled, once; nobody is told that there is
// no such child while there is; a call that ends is answered once, and takes no step without end; where
// nothing fails but nodes that join and leave in good order, and the cluster is whole, calls are answered
// "ok".
//
// Thread rule: one thread.
#pragma once

#include <map>
#include <unordered_map>

#include "flow/call_route.hpp"
#include "flow/child_wait.hpp"
#include "flow/pending_table.hpp"
#include "sim/processes.hpp"
#include "sim/world.hpp"

namespace brood::sim {

class Callers {
 public:
  explicit Callers(World& world);

  /// Some calls, now and then.
  void call_some();
  /// All children that there are for sure, from that node; for a cluster in which nothing happens any more.
  void call_all(std::size_t node);
  [[nodiscard]] std::size_t open() const { return calls_.size(); }

  // ---- what callers depend on
  /// That node's tables say something new of these.
  void changed(std::size_t node, const std::vector<ChildId>& ids);
  void connection_lost(std::size_t node, std::size_t peer);
  void node_gone(std::size_t node);
  void departs(const Process& process, const core::Depart& depart);
  void ends(const Process& process);

 private:
  using Number = std::uint64_t;
  /// What goes out with a question, and comes back with its answer.
  struct Reference {
    Number call = 0;
    std::uint64_t number = 0;  ///< In the table of the node that asks.
    friend bool operator==(const Reference&, const Reference&) = default;
  };
  /// A call that waits for the answer of an instance.
  struct Question {
    Number call = 0;
    std::optional<std::size_t> node;  ///< Whose connection it needs; none: the instance is here.
    [[nodiscard]] bool awaits(std::size_t lost) const { return node == lost; }
  };
  /// What came of one attempt.
  enum class Result : std::uint8_t { ok, nobody_saw_it, ended, unreachable, timeout };
  /// What a call waits for.
  enum class Waits : std::uint8_t { for_nothing, for_answer, for_host, for_next, for_lookup, for_row };
  struct Call {
    Number number = 0;
    ChildId id;
    std::size_t node = 0;
    std::uint64_t incarnation = 0;
    Duration began{}, until{};
    flow::CallRoute route;
    Waits waits = Waits::for_nothing;
    std::uint64_t step = 0;           ///< What was to end an earlier wait ends no later one.
    std::uint64_t question = 0;       ///< Its last.
    std::uint32_t steps_at_once = 0;  ///< Without any time between.
    Duration stepped_at{};
    core::Hlc not_epoch;  ///< Of the instance that was asked, or had ended.
    flow::ChildWait wait{flow::ChildWait::Row::is_here};
    bool was_handled = false;
    bool ran = false;      ///< Somewhere, when it began.
    bool is_last = false;  ///< Nothing happens any more: it must be answered "ok".
    bool was_cloudy = false;
  };
  struct Sight {
    flow::CallSight what;
    std::optional<std::size_t> host;
    core::ProcessId pid;
    core::Hlc epoch;
  };
  struct Mail {
    Reference from;
    bool begun = false;  ///< Its handler runs.
  };
  struct Forward {
    std::size_t node = 0;
    core::ProcessId pid;
    Duration until{};
  };

  void begin(std::size_t node, const ChildId& id, bool is_last);
  [[nodiscard]] Sight look(const Call& call) const;
  void go_on(Call& call, flow::CallStep step, const Sight& sight, core::Hlc not_epoch = {});
  void ask(Call& call, const Sight& sight);
  void wait(Call& call, Waits what, Duration until, core::Hlc not_epoch);
  [[nodiscard]] std::optional<bool> is_over(Call& call) const;
  void waited(Call& call, bool runs);
  void look_up(Call& call);
  void arrive(Reference from, std::size_t node, core::ProcessId pid);
  void handle(Reference from, std::uint64_t serial);
  [[nodiscard]] Mail* find_mail(std::uint64_t serial, Reference from);
  void pass_on(Reference from, std::size_t node, const Forward& to);
  void reply(Reference from, std::size_t node, Result result);
  void answered(std::size_t node, Reference from, Result result);
  void answered(Call& call, Result result);
  void end(Call& call, flow::CallStep how);
  void end(Call& call, Result how);
  void judge(const Call& call, bool ok, std::string_view how);
  void travel(std::size_t from, std::size_t to, Job job);
  [[nodiscard]] Call* find(Number number);
  [[nodiscard]] Call* find(Number number, std::uint64_t step);
  [[nodiscard]] bool only_planned() const;

  World& world_;
  Random random_;
  std::map<Number, Call> calls_;
  std::vector<flow::PendingTable<Question>> asked_;                  ///< By the node that asks.
  std::unordered_map<std::uint64_t, std::vector<Mail>> in_process_;  ///< By serial.
  /// Of departed processes, by node, creation and pid.
  std::map<std::tuple<std::size_t, std::uint32_t, core::ProcessId>, Forward> forwards_;
  Number last_ = 0;
  std::uint64_t last_question_ = 0;
};

}  // namespace brood::sim
