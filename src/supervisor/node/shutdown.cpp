// The end of a node, in order. What later steps take away nothing of the earlier ones can use any more:
//
//  1. the gate is shut: who comes from outside is answered `stopped`;
//  2. nobody waits for it to be up any more, nobody new is found, and no crash is reported;
//  3. the supervisors leave: children are handed over, what cannot be ends, Goodbye is said. Beats go on
//     meanwhile, so that the runtime does not fence the workers' last words. Requests that wait are answered.
//     Hooks are told what they have not heard yet;
//  4. the runtime ends: processes outside supervisors, and calls that wait;
//  5. who is still inside the gate leaves it, with those answers;
//  6. the heart stops; what is queued for other nodes leaves; connections are closed;
//  7. the loops end, then the network's: nothing of this node runs any more;
//  8. the programs' shims and the distribution go. The rest is kept until the last reference goes, and says
//     that it has stopped.
//
// Bound: leave_timeout, and the longest patience of a child that runs here (infinity: infinity_at_end), and
// `ending_max` for the rest. Where a handler runs that not even a kill ends, its thread is left behind, and
// with it what its callbacks point into; other nodes take its child over all the same.
#include "process/log/log.hpp"
#include "process/sched/left_behind.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds hooks_max(300);  // for each of three lanes
constexpr milliseconds processes_max(2000);
constexpr milliseconds callers_max(2000);
constexpr milliseconds flush_max(1000);

static_assert(kill_grace + 3 * hooks_max + processes_max + callers_max + flush_max < milliseconds(8000),
              "NodeOptions::leave_timeout says 8 s beyond the patience of the children");

}  // namespace

void NodeImpl::stop() {
  if (stopped_.exchange(true)) return;
  gate_.shut();
  { std::lock_guard lock(promote_mutex_); }  // one that is under way ends first
  if (!heart_) return network_.forget();     // open() failed half way
  up_.stop();
  crash_guard_.reset();
  if (network_.is_up()) {  // else they were never started
    for (const auto& strategy : options_.discovery) strategy->stop();
  }
  const bool emptied = supervisors_.end_all(options_.leave_timeout);
  for (Lane* lane : {&lanes_->alters, &lanes_->events, &lanes_->subscribers}) lane->finish(hooks_max);
  const std::size_t stuck = runtime_->stop(processes_max);
  const bool left = gate_.close(callers_max);
  heart_->stop();
  network_.hang_up(flush_max);
  loops_.stop();
  network_.close(*runtime_);
  launcher_.reset();
  if (stuck == 0 && emptied && left) return;
  log::warn("{} handlers still run; their threads are left behind", stuck);
  process::leave_behind(shared_from_this());
}

}  // namespace brood::supervisor
