// NetworkLoop: who runs the network's io_context. A thread of its own does at first; then the runtime's
// threads do whenever one of them has no work (process/sched/poller.hpp), which spares a switch of threads
// for each message.
//
//   own thread polls --an idle thread takes over--> lent --nobody polled for `patience`--> own thread polls
//
// Everything on the io_context is run by one thread at a time, though not always by the same: "the io thread"
// is whoever polls.
//
// Thread rule: every function from any thread; stop() not from one that polls.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "process/sched/alertness.hpp"
#include "process/sched/poller.hpp"

namespace brood::node {

class NetworkLoop final : public process::Poller {
 public:
  explicit NetworkLoop(boost::asio::io_context& io);
  ~NetworkLoop() override { stop(); }
  NetworkLoop(const NetworkLoop&) = delete;
  NetworkLoop& operator=(const NetworkLoop&) = delete;

  void start();
  /// `wake_to_poll` wakes an idle thread that will call try_acquire(); false when there is none.
  void lend(std::function<bool()> wake_to_poll);
  /// Returns when nobody polls, and nobody will.
  void stop();

  [[nodiscard]] bool try_acquire() override;
  void poll(Wait wait) override;
  void release(bool works) override;
  void interrupt() override;
  void deserted() override;
  [[nodiscard]] bool is_awake() const override { return awake_.load(std::memory_order_relaxed); }

 private:
  void main();
  void serve(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool stay_awake();

  boost::asio::io_context& io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;

  process::Alertness alertness_;  ///< Of who polls.
  std::atomic<bool> awake_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<bool()> wake_to_poll_;  ///< Not set: not lent.
  bool stopping_ = false;
  bool held_ = false;         ///< Somebody polls.
  bool watches_ = false;      ///< The own thread looks whether somebody does, every `patience`.
  std::uint64_t rounds_ = 0;  ///< How often somebody began to.
};

}  // namespace brood::node
