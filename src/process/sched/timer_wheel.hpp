// TimerWheel: fires timers, one thread for all of them. Adding and cancelling take constant time, since most
// timers are time-outs of calls and are cancelled.
//
// Thread rule: every function from any thread. Timers fire on the wheel's thread and must not block.
#pragma once

#include <array>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace brood::process {

/// Something with a deadline. The wheel owns a share of it from add() until it fired or was cancelled.
class TimerNode : public boost::intrusive_ref_counter<TimerNode> {
 public:
  virtual ~TimerNode() = default;
  virtual void fire() = 0;
  virtual void wheel_stopped() {}  ///< It will never fire: the wheel stops.

 private:
  friend class TimerWheel;
  TimerNode* previous_ = nullptr;
  TimerNode* next_ = nullptr;
  std::uint64_t tick_ = 0;
  bool linked_ = false;  // guarded by the wheel's mutex, as the rest
};
using TimerPtr = boost::intrusive_ptr<TimerNode>;

class TimerWheel {
 public:
  TimerWheel();
  ~TimerWheel();  ///< stop()
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Fires once after `delay`, to the millisecond, never early. False: after stop(), it never fires.
  bool add(const TimerPtr& timer, std::chrono::milliseconds delay);
  /// True when it will not fire any more because of this.
  bool cancel(TimerNode& timer);
  /// As cancel(), with the time that was left; nullopt when it has fired or is about to.
  [[nodiscard]] std::optional<std::chrono::milliseconds> take(TimerNode& timer);
  /// Ends the thread, drops all timers unfired and tells them.
  void stop();

 private:
  static constexpr std::size_t buckets = 4096;  // one a millisecond; later ones wait for another round
  using Clock = std::chrono::steady_clock;

  void run();
  void take_due(std::uint64_t now, std::vector<TimerPtr>& due);
  void unlink(TimerNode& timer);
  [[nodiscard]] std::uint64_t now_tick() const;
  [[nodiscard]] std::uint64_t next_tick() const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<TimerNode*, buckets> heads_{};
  std::array<std::uint64_t, buckets / 64> used_{};  // one bit a bucket
  std::uint64_t done_tick_ = 0;                     // every bucket up to here was looked at
  std::uint64_t wake_tick_ = UINT64_MAX;            // the thread sleeps until then
  bool stopped_ = false;
  const Clock::time_point origin_ = Clock::now();
  std::thread thread_;
};

}  // namespace brood::process
