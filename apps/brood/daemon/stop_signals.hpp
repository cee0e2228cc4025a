// StopSignals: SIGTERM and SIGINT as a condition to wait for. The second one ends the program at once.
//
// Make it before any other thread is started: the signals are blocked in all threads made afterwards.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace brood::app {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Returns the first signal.
  int wait();
  [[nodiscard]] bool came() const;

 private:
  void watch();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int first_ = 0;       ///< Guarded by mutex_; 0: none yet.
  int end_event_ = -1;  ///< An eventfd that ends the watching thread.
  int signals_ = -1;    ///< A signalfd.
  std::thread thread_;
};

}  // namespace brood::app
