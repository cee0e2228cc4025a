// PollThread: a thread that does something every now and then, until it is told to stop.
//
// Thread rule: start() once, stop() from any other thread; `work` runs on the thread itself and may block,
// but stop() waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace brood::node {

class PollThread {
 public:
  ~PollThread() { stop(); }
  void start(std::chrono::milliseconds every, std::function<void()> work) {
    thread_ = std::thread([this, every, work = std::move(work)] {
      std::unique_lock lock(mutex_);
      while (!stopping_) {
        lock.unlock();
        work();
        lock.lock();
        woken_.wait_for(lock, every, [this] { return stopping_; });
      }
    });
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    woken_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace brood::node
