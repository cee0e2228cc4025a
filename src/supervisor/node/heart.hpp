// Heart: a thread that says several times within the fence limit that this node is alive, to the runtime and
// to the shims of its programs; and that notices when the whole program slept (SIGSTOP, a suspended machine).
//
//   beating --a gap longer than the limit--> fenced, on_gap asked for --gap_handled()--> beating
//
// After such a gap it fences the runtime at once, has `on_gap` look (the cores decide, by events), and beats
// again only when told that they have. So no handler runs in between. It measures the time between its own
// beats by a clock that goes on while the machine sleeps; how long the control thread takes for a step has
// no part in it.
//
// Owns: its thread and the gaps it saw. Calls: the functions of its options. Thread rule: every function from
// any thread; stop() not from its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "supervisor/node/gaps.hpp"

namespace brood::supervisor {

class Heart {
 public:
  struct Options {
    std::chrono::milliseconds limit{4000};  ///< The fence limit: half the tick time-out.
    std::function<void()> beat;             ///< Runs on the heart's thread.
    std::function<void(bool)> fence;        ///< Likewise, or on the thread of gap_handled().
    std::function<void()> on_gap;           ///< Must lead to gap_handled().
  };
  explicit Heart(Options options);
  ~Heart() { stop(); }
  Heart(const Heart&) = delete;
  Heart& operator=(const Heart&) = delete;

  /// Throws std::system_error where the machine has no more threads.
  void start();
  /// The last beat is over when this returns. What comes later does no harm.
  void stop();
  /// The next beat is made at once, by the heart's thread.
  void gap_handled();

  [[nodiscard]] Gaps::Cursor gap_cursor() const { return gaps_.cursor(); }
  /// How long this program did not run, at the longest, since this reader last asked; zero: it always ran.
  [[nodiscard]] core::Duration take_longest_gap(Gaps::Cursor& cursor) const;

 private:
  void run();

  Options options_;
  Gaps gaps_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool in_gap_ = false;
  bool beat_now_ = false;
  std::thread thread_;
};

}  // namespace brood::supervisor
