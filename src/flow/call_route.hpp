// CallRoute: what comes next for one call to a child by its id: it is sent to the instance that is seen,
// waits for another one, or ends.
//
//   attempt() -> ask             answered(): it ends; nobody_saw_it(): the instance had ended before
//             -> wait_for_host   there is no connection to its node; host_waited()
//             -> wait_for_next   it runs nowhere; waited()
//             -> ask_coordinator this node knows no such child; looked_up(): -> wait_for_row;
//             waited_for_row()
//
// A call is at most once: only what no handler saw is sent again. A child that this node does not know is
// asked for once, and once more for each row of it that has come and gone meanwhile.
//
// Owns: whether its coordinator was asked. Reads nothing: what the node sees is an argument of each function.
// Tells by what they return; who carries that out (the router, and the simulator) calls back when it is done.
//
// Thread rule: none of its own; the steps of one call follow each other.
#pragma once

#include <cstdint>

namespace brood::flow {

/// What the node that asks sees of the child, and of itself, when a step begins.
struct CallSight {
  enum class Child : std::uint8_t {
    unknown,  ///< It knows no such child, or one that nobody wants.
    nowhere,  ///< It is wanted, and no instance of it is seen.
    cut_off,  ///< It runs on a node to which there is no connection.
    in_reach,
  };
  bool ended = false;        ///< The supervisor has ended on this node.
  bool left = false;         ///< This node has left: nobody tells it any more where a child is.
  bool partitioned = false;  ///< This part of the cluster may not act.
  bool in_time = true;
  bool given_up = false;  ///< The child failed on all nodes. One of its instances may be seen still.
  Child child = Child::unknown;
};

enum class CallStep : std::uint8_t {
  ask,              ///< The instance that is seen.
  wait_for_host,    ///< For a short while, or until it runs elsewhere.
  wait_for_next,    ///< Until another instance runs, as long as there is time.
  ask_coordinator,  ///< Whether there is such a child.
  wait_for_row,     ///< There is; this node will hear of it.
  // The call ends:
  supervisor_ended,
  no_answer_in_time,
  partitioned,
  given_up,
  node_left,
  no_such_child,
  nobody_said,  ///< Whether there is such a child, in time.
  refused,      ///< By the coordinator, which says why.
  cut_off,
  not_in_time,  ///< It did not run.
};
[[nodiscard]] constexpr bool ends(CallStep step) {
  return step >= CallStep::supervisor_ended;
}

class CallRoute {
 public:
  /// What came of asking the coordinator.
  enum class Found : std::uint8_t { yes, refused, no_word };

  [[nodiscard]] CallStep attempt(const CallSight& sight);
  /// The instance that was asked had ended, or was never there, and no handler has begun: `wait_for_next` is
  /// for another than that one.
  [[nodiscard]] CallStep nobody_saw_it(const CallSight& sight);
  [[nodiscard]] CallStep host_waited(const CallSight& sight);
  /// `runs`: another instance does, or it is gone or given up.
  [[nodiscard]] CallStep waited(const CallSight& sight, bool runs);
  [[nodiscard]] CallStep looked_up(const CallSight& sight, Found found) const;
  /// A row that came and went may have been that of a child before, where the one that the coordinator means
  /// is still on its way: it is asked again.
  [[nodiscard]] CallStep waited_for_row(const CallSight& sight) {
    if (sight.child == CallSight::Child::unknown) asked_coordinator_ = false;
    return attempt(sight);
  }

 private:
  [[nodiscard]] CallStep ask_coordinator();

  bool asked_coordinator_ = false;
};

}  // namespace brood::flow
