// TimerWheel: fires timers, one thread for all of them. Adding and cancelling take constant time, since most
// timers are time-outs of calls and are cancelled. The wheel has lanes, so that threads which add at the same
// time do not wait for each other: a timer lies in that of the thread that added it first.
//
// Thread rule: every function from any thread. Timers fire on the wheel's thread and must not block.
#pragma once

#include <array>
#include <atomic>
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
  static constexpr std::uint8_t no_lane = 0xff;
  std::atomic<std::uint8_t> lane_{no_lane};
  // Guarded by the lane's mutex:
  TimerNode* previous_ = nullptr;
  TimerNode* next_ = nullptr;
  std::uint64_t tick_ = 0;
  bool linked_ = false;
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
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t never = UINT64_MAX;
  static constexpr std::size_t lane_count = 8;
  static constexpr std::size_t buckets = 4096;  // one a millisecond; later ones wait for another round

  struct alignas(64) Lane {
    void link(TimerNode& timer);
    void unlink(TimerNode& timer);
    void take_due(std::uint64_t now, std::vector<TimerPtr>& due);
    [[nodiscard]] std::uint64_t next_tick() const;

    std::mutex mutex;
    std::array<TimerNode*, buckets> heads{};
    std::array<std::uint64_t, buckets / 64> used{};  // one bit a bucket
    std::uint64_t done_tick = 0;                     // every bucket up to here was looked at
    bool stopped = false;
  };

  void run();
  [[nodiscard]] std::uint64_t fire_due();
  void sleep_until(std::uint64_t tick);
  void wake();
  [[nodiscard]] std::optional<std::uint64_t> take_out(TimerNode& timer);
  [[nodiscard]] Lane* lane_of(const TimerNode& timer);
  [[nodiscard]] std::uint64_t now_tick() const;

  std::array<Lane, lane_count> lanes_;
  // The thread sleeps until then. While it looks at the lanes it is `never`, so that whoever adds meanwhile
  // has it look again.
  std::atomic<std::uint64_t> wake_tick_{never};
  std::mutex sleep_mutex_;
  std::condition_variable changed_;
  std::atomic<bool> look_again_{false};
  bool stopped_ = false;
  const Clock::time_point origin_ = Clock::now();
  std::thread thread_;
};

}  // namespace brood::process
