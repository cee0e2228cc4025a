#include "flow/call_route.hpp"

#include <utility>

namespace brood::flow {

using Child = CallSight::Child;

CallStep CallRoute::attempt(const CallSight& sight) {
  if (sight.ended) return CallStep::supervisor_ended;
  if (!sight.in_time) return CallStep::no_answer_in_time;
  // What still runs on this side is on its way out; where the child runs on the other side nobody here knows.
  if (sight.partitioned) return CallStep::partitioned;
  switch (sight.child) {
    case Child::unknown:
      return ask_coordinator();
    case Child::cut_off:
      // Of a child that is given up there is nothing to wait for.
      return sight.given_up ? CallStep::given_up : CallStep::wait_for_host;
    case Child::in_reach:
      return CallStep::ask;
    case Child::nowhere:
      break;
  }
  return nobody_saw_it(sight);
}

CallStep CallRoute::nobody_saw_it(const CallSight& sight) {
  if (sight.ended) return CallStep::supervisor_ended;
  if (sight.child != Child::unknown && sight.given_up) return CallStep::given_up;
  if (sight.left) return CallStep::node_left;
  return sight.child == Child::unknown ? ask_coordinator() : CallStep::wait_for_next;
}

CallStep CallRoute::host_waited(const CallSight& sight) {
  return sight.ended || sight.in_time ? attempt(sight) : CallStep::cut_off;
}

// Where it is gone or given up, the attempt says so.
CallStep CallRoute::waited(const CallSight& sight, bool runs) {
  return runs || sight.in_time ? attempt(sight) : CallStep::not_in_time;
}

CallStep CallRoute::looked_up(const CallSight& sight, Found found) const {
  if (sight.ended) return CallStep::supervisor_ended;
  switch (found) {
    case Found::no_word:
      return CallStep::nobody_said;
    case Found::refused:
      return CallStep::refused;
    case Found::yes:
      break;
  }
  return CallStep::wait_for_row;
}

CallStep CallRoute::ask_coordinator() {
  return std::exchange(asked_coordinator_, true) ? CallStep::no_such_child : CallStep::ask_coordinator;
}

}  // namespace brood::flow
