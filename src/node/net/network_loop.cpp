#include "node/net/network_loop.hpp"

#include <boost/asio/post.hpp>
#include <chrono>

#include "process/callback.hpp"

namespace brood::node {

namespace {

/// How long the network may wait for a handler.
constexpr auto patience = std::chrono::milliseconds(1);
/// After so many looks that found somebody polling all along the own thread looks no more until it is told
/// to.
constexpr int quiet_looks_max = 10;

}  // namespace

NetworkLoop::NetworkLoop(boost::asio::io_context& io) : io_(io), guard_(io.get_executor()) {}

void NetworkLoop::start() {
  thread_ = std::thread([this] { main(); });
}

void NetworkLoop::lend(std::function<bool()> wake_to_poll) {
  {
    const std::scoped_lock lock(mutex_);
    wake_to_poll_ = std::move(wake_to_poll);
  }
  interrupt();
}

void NetworkLoop::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  interrupt();
  if (thread_.joinable()) thread_.join();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !held_; });
  guard_.reset();
}

bool NetworkLoop::try_acquire() {
  const std::scoped_lock lock(mutex_);
  if (held_ || stopping_) return false;
  held_ = true;
  ++rounds_;
  return true;
}

/// Channels see to their own exceptions; what is thrown here all the same is one piece of work lost.
void NetworkLoop::poll(Wait wait) {
  process::run_callback("the network", [&] {
    if (wait == Wait::until_something) {
      if (!stay_awake()) io_.run_one();
    } else {
      io_.poll_one();
    }
  });
}

/// What comes within microseconds is met awake. True: something came.
bool NetworkLoop::stay_awake() {
  const bool came = alertness_.wait([this] {
    awake_.store(true, std::memory_order_relaxed);
    return io_.poll_one() != 0;
  });
  awake_.store(false, std::memory_order_relaxed);
  return came;
}

void NetworkLoop::release(bool works) {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    held_ = false;
    wake = stopping_ || (works && !watches_);
    watches_ = watches_ || works;
  }
  if (wake) changed_.notify_all();
}

void NetworkLoop::interrupt() {
  boost::asio::post(io_, [] {});
}

void NetworkLoop::deserted() {
  {
    const std::scoped_lock lock(mutex_);
    wake_to_poll_ = nullptr;
  }
  changed_.notify_all();
}

void NetworkLoop::main() {
  std::unique_lock lock(mutex_);
  std::uint64_t seen = 0;
  for (int quiet_looks = 0; !stopping_;) {
    if (!held_ && (wake_to_poll_ == nullptr || rounds_ == seen)) {
      serve(lock);
      watches_ = true;
      quiet_looks = 0;
    } else if (held_ && rounds_ == seen && ++quiet_looks == quiet_looks_max) {
      watches_ = false;
      changed_.wait(lock, [this] { return stopping_ || watches_ || wake_to_poll_ == nullptr; });
      quiet_looks = 0;
    } else if (rounds_ != seen) {
      quiet_looks = 0;
    }
    seen = rounds_;
    changed_.wait_for(lock, patience, [this] { return stopping_; });
  }
}

/// Polls until an idle thread of the runtime does instead.
void NetworkLoop::serve(std::unique_lock<std::mutex>& lock) {
  held_ = true;
  while (!stopping_) {
    lock.unlock();
    poll(Wait::until_something);
    lock.lock();
    if (wake_to_poll_ == nullptr) continue;
    held_ = false;
    const auto wake = wake_to_poll_;
    lock.unlock();
    const bool taken = wake();
    lock.lock();
    if (taken || held_) break;
    held_ = true;
  }
  if (stopping_) held_ = false;
  ++rounds_;
}

}  // namespace brood::node
