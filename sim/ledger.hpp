// Ledger: what clients asked for, what they were told, and what must therefore be true. The checker of
// answers and of promises.
//
// Each request has the time at which it was made and the time at which it was answered; what it did took
// place in between, or, when it was never answered for certain, at any time after it was made. From that the
// ledger knows when a child *certainly* exists (an acknowledged start that no stop could have undone) and
// when it certainly does not (an acknowledged stop that no start could have undone); where neither is
// certain, every answer is right.
//
// A promise can be broken rightly in one way: of the nodes that are up, all that knew died or were stopped.
// Then it is void until all nodes agree about that child again.
//
// Thread rule: one thread.
#pragma once

#include <map>

#include "sim/world.hpp"

namespace brood::sim {

enum class Asked : std::uint8_t { start, ensure, apply, stop, retry, lookup, move, restart };
[[nodiscard]] std::string_view to_string(Asked asked) noexcept;

enum class Verdict : std::uint8_t {
  pending,
  ok,
  refused,  ///< It had no effect.
  undone,   ///< It had an effect, which was over before the answer (a start that failed).
  unknown,  ///< It may still have its effect at any time.
};

/// One id of one request.
struct Op {
  Asked asked = Asked::lookup;
  Verdict verdict = Verdict::pending;
  std::uint64_t client = 0;
  Duration invoked{};
  Duration answered = Duration::max();
  /// Answered while the network was split: what the other side did at that time is in no order with it, so it
  /// counts as under way until that is over.
  bool clouded = false;
  bool in_split = false;            ///< It was made or answered while the network was split, or soon after.
  std::uint64_t losses_before = 0;  ///< Nodes lost before it was made.

  [[nodiscard]] bool starts() const { return asked <= Asked::apply; }
  [[nodiscard]] bool stops() const { return asked == Asked::stop; }
  [[nodiscard]] bool finds() const { return asked == Asked::lookup || asked == Asked::restart; }
  [[nodiscard]] bool may_have_effect() const { return verdict != Verdict::refused; }
};

struct Process;

class Ledger {
 public:
  explicit Ledger(World& world);

  // ---- what happens
  /// A request of a client at that node begins now.
  core::ClientId opened(std::size_t node, Asked asked, const std::vector<ChildId>& ids);
  core::ClientId opened_drain(std::size_t node);
  /// The client waits no more. False when it has its answer already, or its node is gone.
  bool gone(core::ClientId client);
  void replied(std::size_t node, const core::Reply& reply);
  /// Before its core is destroyed.
  void node_gone(std::size_t node);
  void node_paused(std::size_t node);
  /// Once a second: promises that were void and about which all agree again.
  void look_for_agreement();
  /// No split is felt any more: what was answered in one is certain now.
  void clouds_are_over();

  // ---- what must be true
  [[nodiscard]] bool certainly_exists(const ChildId& id, Duration from, Duration to) const;
  [[nodiscard]] bool certainly_stopped(const ChildId& id, Duration from, Duration to) const;
  [[nodiscard]] std::size_t open_requests() const;
  /// Two sides may have formed that do not know each other (a stopped node was the last member).
  [[nodiscard]] bool split_excused() const { return split_excused_; }

 private:
  struct Request {
    std::size_t node = 0;
    std::uint64_t incarnation = 0;
    std::uint64_t pauses = 0;
    Asked asked = Asked::lookup;
    bool drain = false;
    bool gone = false;
    std::map<ChildId, std::size_t> open;  ///< Ids without an answer, and their places in Record::ops.
  };
  struct Record {
    std::vector<Op> ops;
    bool void_now = false;
    bool agreed_before = false;
    Duration void_until = Duration(-1);
  };

  void expect_answer(core::ClientId client);
  void answered(std::size_t node, Request& request, const core::Outcome& outcome);
  void judge(std::size_t node, const ChildId& id, const Op& op, const core::Outcome& outcome);
  void judge_start(std::size_t node, const ChildId& id, const Op& op);
  [[nodiscard]] bool ends_in_time_behind_a_split() const;
  [[nodiscard]] bool belongs_to_later(const ChildId& id, const Op& stop, const Process& process) const;
  void judge_that_it_is_gone(std::size_t node, const ChildId& id, const Op& op);
  void judge_stop(std::size_t node, const ChildId& id, const Op& op);
  void judge_place(const ChildId& id, const Op& op, const core::Outcome& outcome);
  void judge_two_starts(const ChildId& id, const Op& op);
  [[nodiscard]] bool undisturbed(const ChildId& id, const Op& op, bool by_stops) const;
  [[nodiscard]] bool known_before(const Record& record, const Op& ensure) const;
  [[nodiscard]] std::size_t up_members(std::size_t node) const;
  void void_what_only_it_knew(std::size_t node);
  [[nodiscard]] bool all_agree(const ChildId& id) const;
  [[nodiscard]] bool cluster_is_whole() const;

  World& world_;
  std::map<ChildId, Record> records_;
  std::map<std::uint64_t, Request> requests_;
  std::uint64_t clients_ = 0;
  std::uint64_t losses_ = 0;
  bool split_excused_ = false;
};

}  // namespace brood::sim
