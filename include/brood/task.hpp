// Task: what a handler returns that is a coroutine, and any coroutine that such a handler awaits.
//
//   brood::Task<brood::Result<std::int64_t>> on(transfer t) {
//     const auto withdrawn = child(t.from).call<std::int64_t>(withdraw{t.cents});
//     const brood::Result<std::int64_t> left = co_await withdrawn;
//     if (!left) co_return left.error();
//     const auto deposited = child(t.to).call<std::int64_t>(deposit{t.cents});
//     co_return co_await deposited;
//   }
//
// What is awaited has a name: g++ 12 destroys some of the temporaries of a co_await expression twice.
//
// While it awaits, its worker takes no other message and holds no thread. A worker that is stopped, moved or
// reached by an exit signal ends or moves when the handler has ended, as with any handler; only a kill (also
// the one that comes when the patience of a stop is over) and the end of the node end it where it stands:
// what it holds is destroyed, and its caller is told as of any worker that dies. Standby copies of the state
// are taken whenever it begins to await, too.
//
// A handler that may refuse returns Task<Result<T>>. An exception that leaves it ends the worker, as from any
// other handler. It may await Futures and Tasks, and nothing else: only these know whose handler it is.
//
// Thread rule: a task is begun by awaiting it, once, and belongs to the handler that does; its parts run on
// whichever scheduler thread is free, one at a time. Objects that a thread must keep (a lock) may not be held
// across a co_await.
#pragma once

#include <brood/future.hpp>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

template <typename T>
class Task;

namespace detail {

template <typename T>
inline constexpr bool is_task = false;
template <typename T>
inline constexpr bool is_task<Task<T>> = true;

/// What the promises of all coroutines of a handler have.
struct HandlerCoroutine : HandlerPromise {
  template <typename Awaited>
  Awaited&& await_transform(Awaited&& awaited) {
    static_assert(is_future<std::remove_cvref_t<Awaited>> || is_task<std::remove_cvref_t<Awaited>>,
                  "brood: in a handler co_await takes a brood::Future or a brood::Task, nothing else");
    return static_cast<Awaited&&>(awaited);
  }
};

struct TaskPromiseBase : HandlerCoroutine {
  std::coroutine_handle<> parent = nullptr;
  std::exception_ptr thrown = nullptr;

  static std::suspend_always initial_suspend() noexcept { return {}; }
  struct ToParent {
    static bool await_ready() noexcept { return false; }
    template <typename Promise>
    static std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> at) noexcept {
      return at.promise().parent;
    }
    static void await_resume() noexcept {}
  };
  static ToParent final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }
};

template <typename T>
struct TaskPromise : TaskPromiseBase {
  Task<T> get_return_object();
  template <typename U>
  requires std::is_constructible_v<T, U&&>
  void return_value(U&& given) { value.emplace(std::forward<U>(given)); }
  T take() {
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
  }
  std::optional<T> value;
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  static void return_void() noexcept {}
  void take() const {
    if (thrown) std::rethrow_exception(thrown);
  }
};

}  // namespace detail

template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// Runs it to its end and gives what it returned, or throws what it threw. Once.
  [[nodiscard]] auto operator co_await() const& noexcept { return Awaiter{handle_}; }
  template <typename Any = T>
  auto operator co_await() && noexcept {
    static_assert(detail::is_never<Any>, "brood: name it first, `auto task = ...; co_await task`");
    return Awaiter{handle_};
  }

 private:
  struct Awaiter {
    Handle task;
    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
      task.promise().parent = parent;
      task.promise().context = detail::context_of(parent);
      return task;
    }
    T await_resume() { return task.promise().take(); }
  };
  Handle handle_;
};

namespace detail {

template <typename T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

/// A handler that is a coroutine, from its first step to its last. Whoever runs a step gets what it throws.
class Handling {
 public:
  struct promise_type : HandlerCoroutine {
    Handling get_return_object() {
      return Handling(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    [[noreturn]] static void unhandled_exception() { throw; }
    static void return_void() noexcept {}
  };

  Handling() = default;
  Handling(Handling&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Handling& operator=(Handling&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Handling() {
    if (handle_) handle_.destroy();
  }
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;

  void begin(Context* context) {
    handle_.promise().context = context;
    handle_.resume();
  }
  [[nodiscard]] bool done() const { return !handle_ || handle_.done(); }

 private:
  explicit Handling(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_ = nullptr;
};

}  // namespace detail

}  // namespace brood::inline v0

#pragma GCC visibility pop
