// What a Future and its copies share, and how coroutines wait for it. Included by future.hpp and task.hpp.
#pragma once

#include <atomic>
#include <brood/result.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {
class Context;
}

namespace brood::inline v0::detail {

template <typename T>
inline constexpr bool is_never = false;

/// One answer that is to come. It is given once; who is first counts.
///
/// Thread rule: every function from any thread.
class FutureCore : public std::enable_shared_from_this<FutureCore> {
 public:
  FutureCore() = default;
  virtual ~FutureCore() = default;
  FutureCore(const FutureCore&) = delete;
  FutureCore& operator=(const FutureCore&) = delete;

  [[nodiscard]] bool ready() const noexcept { return state_.load(std::memory_order_acquire) == State::ready; }
  /// Inside a handler another thread does its scheduler's work meanwhile.
  void wait();
  /// False: the time was over first.
  bool wait_for(std::chrono::milliseconds time);
  /// Runs `then` once: here and now when it is ready, else on the thread that makes it so. It must be quick;
  /// what it throws is logged.
  void when_done(std::function<void()> then);
  /// False: it was ready before.
  virtual bool fail(Error error) = 0;

  /// The handler of `waiter` waits for it from now on, until wait_ends(). Where that makes a circle of
  /// waiting handlers the future ends with `deadlock`.
  virtual void wait_begins(const Pid& waiter) { (void)waiter; }
  virtual void wait_ends(const Pid& waiter) { (void)waiter; }
  /// Once, before it is ready: nobody's handler waits for another any more because of it, also those that
  /// have yet to wake. Whoever has answered may ask back at once, and that is no circle.
  virtual void wait_is_over() {}

 protected:
  /// True for one caller, who then stores the answer and calls finish().
  [[nodiscard]] bool claim() { return !claimed_.exchange(true, std::memory_order_acq_rel); }
  void finish();

 private:
  template <typename Wait>
  bool wait_in_handler(const Wait& wait);
  bool came_while_awake();
  /// False: the time was over first; none is no end.
  bool sleep_until(std::optional<std::chrono::steady_clock::time_point> until);

  struct State {
    static constexpr std::uint32_t pending = 0;
    static constexpr std::uint32_t awaited = 1;  ///< Somebody sleeps until it is another.
    static constexpr std::uint32_t ready = 2;
  };

  std::atomic<bool> claimed_{false};
  std::atomic<std::uint32_t> state_{State::pending};
  std::mutex mutex_;
  std::vector<std::function<void()>> then_;
};

template <typename V>
class FutureValue : public FutureCore {
 public:
  /// False: there was an answer before.
  bool set(Result<V> value) {
    if (!claim()) return false;
    value_.emplace(std::move(value));
    finish();
    return true;
  }
  bool fail(Error error) override { return set(Result<V>(std::move(error))); }
  /// Once it is ready.
  [[nodiscard]] const Result<V>& value() const { return *value_; }

 private:
  std::optional<Result<V>> value_;
};

/// Whoever is to give an answer; where the last of its owners goes without one, it is that `why`.
template <typename V>
class Giver {
 public:
  Giver(std::shared_ptr<FutureValue<V>> to, Error why) : to_(std::move(to)), why_(std::move(why)) {}
  ~Giver() { (void)to_->fail(std::move(why_)); }
  Giver(const Giver&) = delete;
  Giver& operator=(const Giver&) = delete;
  void give(Result<V> value) { (void)to_->set(std::move(value)); }

 private:
  std::shared_ptr<FutureValue<V>> to_;
  Error why_;
};

/// How a function runs as a handler of its own of the worker whose handler the calling thread runs; empty
/// where it runs none.
[[nodiscard]] std::function<void(std::function<void()>)> poster_of_handler();
[[nodiscard]] Error worker_has_ended();
[[nodiscard]] Error then_threw(const char* words);
[[nodiscard]] Error cancelled();

/// What the coroutines of one handler share: whose handler it is. Null outside of handlers.
struct HandlerPromise {
  Context* context = nullptr;
};

template <typename Promise>
[[nodiscard]] Context* context_of([[maybe_unused]] std::coroutine_handle<Promise> at) {
  if constexpr (std::is_base_of_v<HandlerPromise, Promise>) {
    return at.promise().context;
  } else {
    return nullptr;
  }
}

/// A coroutine that waits for a future, as long as it does.
class Suspension {
 public:
  Suspension() = default;
  Suspension(Suspension&&) = delete;
  ~Suspension() { end(); }
  /// `at` goes on once `core` is ready: as a part of its handler, on its process; outside of handlers on the
  /// thread that makes it ready.
  void begin(std::shared_ptr<FutureCore> core, Context* context, std::coroutine_handle<> at);
  void end();

 private:
  std::shared_ptr<FutureCore> core_;
  std::optional<Pid> waiter_;
};

}  // namespace brood::inline v0::detail

#pragma GCC visibility pop
