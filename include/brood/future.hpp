// Future: an answer that is to come, of a call, a start, a stop.
//
//   auto total = bank.call<std::int64_t>("alice", deposit{25});     // sent; does not wait
//   total.get();                                                    // waits: a Result<std::int64_t>
//   total.then([](brood::Result<std::int64_t> cents) { ... });
//   brood::Result<std::int64_t> cents = co_await total;             // in a coroutine: brood/task.hpp
//
// What is asked for goes on whether anybody looks at its future or not; a future that is dropped is an answer
// that nobody reads. It outlives all else: once the node or the supervisor has ended it is ready, with
// `stopped` where nothing else was answered before.
//
// Thread rule: every function from any thread; copies share the one answer. In a handler of a worker get()
// and wait_for() hold up that worker and no thread (another takes over), and co_await holds up the worker
// only. A handler that would wait for its own worker, or for one that waits for it, directly or through
// others, on however many nodes, gets `deadlock`: at once where all are on this node, after some hundredths
// of a second where not. The message was sent all the same, and may be handled once the handlers have
// returned.
#pragma once

#include <brood/codec.hpp>
#include <brood/detail/future_core.hpp>
#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

template <typename T>
class Future;

namespace detail {

template <typename T>
struct ThenResult {
  using value = T;
};
template <typename T>
struct ThenResult<Result<T>> {
  using value = T;
};
template <typename T>
struct ThenResult<Future<T>> {
  using value = T;
};

template <typename T>
inline constexpr bool is_future = false;
template <typename T>
inline constexpr bool is_future<Future<T>> = true;

/// How a Future<T> is read off what its copies share.
template <typename T>
[[nodiscard]] Result<T> read_value(const FutureCore& core) {
  return static_cast<const FutureValue<T>&>(core).value();
}

}  // namespace detail

template <typename T>
class [[nodiscard]] Future {
 public:
  using value_type = T;
  using Read = Result<T> (*)(const detail::FutureCore&);

  Future(std::shared_ptr<detail::FutureCore> core, Read read) : core_(std::move(core)), read_(read) {}
  explicit Future(std::shared_ptr<detail::FutureValue<T>> value)
      : core_(std::move(value)), read_(&detail::read_value<T>) {}
  /// One that is ready.
  [[nodiscard]] static Future of(Result<T> value) {
    auto made = std::make_shared<detail::FutureValue<T>>();
    (void)made->set(std::move(value));
    return Future(std::move(made));
  }

  [[nodiscard]] const std::shared_ptr<detail::FutureCore>& core() const { return core_; }
  /// Waits for the answer. It can be asked again, by any copy: the answer stays.
  [[nodiscard]] Result<T> get() const {
    core_->wait();
    return read_(*core_);
  }
  /// Waits at most that long. True: it is ready.
  bool wait_for(std::chrono::milliseconds time) const { return core_->wait_for(time); }
  /// Whether get() would answer at once.
  [[nodiscard]] bool ready() const noexcept { return core_->ready(); }
  /// The answer is not waited for any more: it is `cancelled` for all copies. What was asked for is not
  /// undone, and may still happen; a call whose message has not left yet (its child does not run) is not
  /// sent. False: the answer was there before.
  bool cancel() const { return core_->fail(detail::cancelled()); }

  /// Runs `f` with the answer, a Result<T>, once. What it returns (a value, a Result or another Future) is
  /// that of the future that is returned. Called in a handler of a worker, `f` runs as a handler of its own
  /// of that worker, one at a time with the others; where the worker ends before, `f` does not run, and the
  /// returned future is `stopped`. Called elsewhere, it runs on a thread of the node, or here where the
  /// answer is there already, and must not block. What it throws ends the worker, as from any handler,
  /// or is logged; the returned future is then `died`.
  template <typename F>
  auto then(F f) const {
    using Returned = std::invoke_result_t<F&, Result<T>>;
    using U = typename detail::ThenResult<Returned>::value;
    auto made = std::make_shared<detail::FutureValue<U>>();
    auto giver = std::make_shared<detail::Giver<U>>(made, detail::worker_has_ended());
    auto run = [core = core_, read = read_, giver, f = std::make_shared<F>(std::move(f))] {
      try {
        if constexpr (std::is_void_v<Returned>) {
          std::invoke(*f, read(*core));
          giver->give(Result<void>());
        } else if constexpr (detail::is_future<Returned>) {
          Returned next = std::invoke(*f, read(*core));
          next.core()->when_done([next, giver] { giver->give(next.get()); });
        } else {
          giver->give(std::invoke(*f, read(*core)));
        }
      } catch (const std::exception& error) {
        giver->give(detail::then_threw(error.what()));
        throw;
      } catch (...) {
        giver->give(detail::then_threw("not a std::exception"));
        throw;
      }
    };
    giver.reset();
    if (auto post = detail::poster_of_handler()) {
      core_->when_done([post = std::move(post), run = std::move(run)] { post(run); });
    } else {
      core_->when_done(std::move(run));
    }
    return Future<U>(std::move(made));
  }

  /// In a coroutine: the answer, a Result<T>. In a handler (brood/task.hpp) the worker takes no other message
  /// meanwhile, and no thread waits. In any other coroutine it goes on on a thread of the node, and must not
  /// block there.
  [[nodiscard]] auto operator co_await() const& { return Awaiter(*this); }
  /// What is awaited has a name; brood/task.hpp says why.
  template <typename Any = T>
  auto operator co_await() && {
    static_assert(detail::is_never<Any>, "brood: name it first, `auto answer = ...; co_await answer`");
    return Awaiter(*this);
  }

 private:
  class Awaiter {
   public:
    explicit Awaiter(const Future& future) : future_(future) {}
    [[nodiscard]] bool await_ready() const noexcept { return future_.ready(); }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> at) {
      suspension_.begin(future_.core_, detail::context_of(at), at);
    }
    [[nodiscard]] Result<T> await_resume() {
      suspension_.end();
      return future_.read_(*future_.core_);
    }

   private:
    Future future_;
    detail::Suspension suspension_;
  };

  std::shared_ptr<detail::FutureCore> core_;
  Read read_ = nullptr;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
