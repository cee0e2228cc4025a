// PendingCall: a call of this runtime that waits for its answer. Its first end counts: the answer, the
// callee's end, the time-out.
//
// Thread rule: finish() from any thread. The callback runs on the thread of the end that counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "process/runtime.hpp"
#include "process/sched/timer_wheel.hpp"

namespace brood::process {

class CallDesk;

class PendingCall final : public TimerNode {
 public:
  /// Who was called, where that is no process of this runtime.
  using Target = std::optional<Address>;

  PendingCall(CallDesk& desk, CallDone done) : done_(std::move(done)), desk_(&desk) {}

  /// False when it had ended before; `result` is then dropped.
  bool finish(CallResult result);
  /// Ends it without the callback: the caller waits no more. False when it had ended before.
  bool abandon();
  [[nodiscard]] bool is_finished() const { return finished_.load(std::memory_order_acquire); }
  void fire() override;           ///< The time-out.
  void wheel_stopped() override;  ///< The runtime stops.
  /// The callee's node watches by itself: once that node has answered, it need not be told that we are done.
  void carries_its_watch() { watched_.store(true, std::memory_order_relaxed); }

 private:
  friend class CallDesk;
  bool end(CallResult result);
  void leave_desk();

  CallDone done_;
  // A later version may give the answer as a C++ value here, beside CallResult's bytes, so that a typed
  // local call encodes nothing.
  CallDesk* desk_;
  Target target_;
  std::atomic<std::uint64_t> id_{0};  // in the desk's table when not 0
  std::atomic<bool> finished_{false};
  std::atomic<bool> watched_{false};
  std::atomic<bool> timed_{false};
};
using PendingCallPtr = boost::intrusive_ptr<PendingCall>;

}  // namespace brood::process
