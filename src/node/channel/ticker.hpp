// Ticks: the proof of life on an idle channel. judge() is the decision about one channel, pure; Ticker is the
// thread that makes it for all of them. It is a thread of its own so that a busy io thread misses no tick.
//
// Silence is counted only while this process itself ran: when the ticker's own rounds come later than they
// should (SIGSTOP, a starved machine), every channel's count starts again, because what the peers sent
// meanwhile may not have been read yet.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace brood::node {

using Clock = std::chrono::steady_clock;

enum class TickAction : std::uint8_t {
  none,
  send,     ///< Nothing was sent for a quarter of the time-out.
  give_up,  ///< Nothing was heard for all of it.
};

struct TickView {
  Clock::time_point now;
  Clock::time_point last_sent;
  Clock::time_point silent_since;
  std::chrono::milliseconds timeout;
};

[[nodiscard]] TickAction judge(const TickView& view);

/// How often judge() should be asked for a channel of that time-out: often enough to send within a quarter
/// of it with some to spare.
[[nodiscard]] std::chrono::milliseconds round_interval(std::chrono::milliseconds timeout);

class Ticker {
 public:
  /// One look at every channel. `late`: a round was missed, start counting again. Returns how long until the
  /// next round is wanted.
  using Round = std::function<std::chrono::milliseconds(Clock::time_point now, bool late)>;

  Ticker() = default;
  ~Ticker() { stop(); }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  void start(Round round);
  /// Ends and joins the thread, unless this is that thread. Idempotent.
  void stop();
  /// The next round comes at once: a channel with a short time-out may have been added.
  void wake();

 private:
  void run(const Round& round);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool woken_ = false;
  std::thread thread_;
};

}  // namespace brood::node
