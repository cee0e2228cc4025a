// Lockdown: the end of this node's children in a part of the cluster that may not run them. Each is told to
// end, with LockTimes::stop_max at most; what is still there when that is over is killed.
//
//   off -> begin(): children are told to end, some at a time -> LockTimes::stop_max: killed -> end(): off
//
// Owns: who is still to be told. Reads: own. Asks locals to end children. Thread rule: none; owned by one
// core.
#pragma once

#include "core/children/locals.hpp"

namespace brood::core {

class Lockdown {
 public:
  Lockdown(ChildTable& children, Locals& locals) : children_(children), locals_(locals) {}

  [[nodiscard]] bool active() const { return active_; }
  void begin(const Step& s);
  /// Those that were told to end, end; they are started again as if they had never run.
  void end();

  [[nodiscard]] bool has_work() const { return !to_tell_.empty(); }
  /// Tells some of them.
  void work(Step& s);
  void on_time(const Step& s);
  [[nodiscard]] Duration deadline() const { return kill_at_; }

 private:
  ChildTable& children_;
  Locals& locals_;
  bool active_ = false;
  bool kills_ = false;
  ChildRefs to_tell_;
  Duration kill_at_ = Duration::max();
};

}  // namespace brood::core
