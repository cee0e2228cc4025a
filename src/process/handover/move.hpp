// Move: what is under way with a process that moves. Few processes have one at a time, so it is found by
// number and takes no room in a Process.
//
// Thread rule: a Move belongs to the thread that runs its process's turn; OrderTimer and FreezeRequest as
// TimerNode.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "process/handover/answer.hpp"
#include "process/handover/held_answers.hpp"
#include "process/handover/parcel.hpp"
#include "process/process.hpp"

namespace brood::process {

/// Gives a process an order, later.
class OrderTimer final : public TimerNode {
 public:
  OrderTimer(RuntimeCore& core, LocalPid pid, OrderEnvelope::Code code)
      : core_(core), pid_(pid), code_(std::move(code)) {}
  void fire() override;

 private:
  RuntimeCore& core_;
  const LocalPid pid_;
  const OrderEnvelope::Code code_;
};

/// A freeze that is asked for. It ends once: frozen, out of patience, or taken back.
class FreezeRequest final : public TimerNode {
 public:
  FreezeRequest(RuntimeCore& core, LocalPid pid, Answer<void> done)
      : answer(std::move(done)), core_(core), pid_(pid) {}
  /// True for whoever ends it, who then answers.
  [[nodiscard]] bool settle() { return !settled_.exchange(true, std::memory_order_acq_rel); }
  [[nodiscard]] bool is_settled() const { return settled_.load(std::memory_order_acquire); }
  void fire() override;

  const Answer<void> answer;

 private:
  RuntimeCore& core_;
  const LocalPid pid_;
  std::atomic<bool> settled_{false};
};
using FreezeRequestPtr = boost::intrusive_ptr<FreezeRequest>;

struct Move {
  using Clock = std::chrono::steady_clock;
  /// A call that is in the parcel.
  struct OpenCall {
    TakenFrom caller;
    bool is_relay = false;   ///< Made for the parcel: it ends with it.
    bool was_taken = false;  ///< By a handler, for later.
  };
  struct PausedTimer {
    boost::intrusive_ptr<SendTimer> timer;
    Clock::time_point due;
  };

  std::deque<std::unique_ptr<OrderEnvelope>> orders;

  // Freezing.
  FreezeRequestPtr request;
  const Envelope* last_job = nullptr;  ///< Is still to be run.

  // Captured.
  bool is_captured = false;
  Parcel* saving_into = nullptr;  ///< While the capture runs.
  std::size_t mail_taken = 0;     ///< So many messages at the front of the queue are in the parcel.
  std::vector<OpenCall> calls;
  std::vector<std::weak_ptr<brood::detail::ReplySlot>> promises;
  std::vector<PausedTimer> timers;

  // Restored, not opened.
  std::shared_ptr<HeldAnswers> arriving;

  /// Its state is asked for at its end.
  std::optional<Answer<SavedState>> save_at_end;
};

}  // namespace brood::process
