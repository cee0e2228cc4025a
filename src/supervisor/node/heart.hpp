// Heart: a thread that says several times within the fence limit that this node is alive, to the runtime and
// to the shims of its programs; and that notices when the whole program slept (SIGSTOP, a suspended machine).
//
// After a gap longer than the limit it fences the runtime at once, has `on_gap` look (the cores decide, by
// events), and beats again only when told that they have. So no handler runs in between.
//
// Thread rule: any thread. Destroy before what it beats for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

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
  ~Heart();
  Heart(const Heart&) = delete;
  Heart& operator=(const Heart&) = delete;

  void gap_handled();

 private:
  void run();

  Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool in_gap_ = false;
  std::thread thread_;
};

}  // namespace brood::supervisor
