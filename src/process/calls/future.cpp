// Futures, and what waits for them.
#include "process/callback.hpp"
#include "process/process.hpp"
#include "process/sched/alertness.hpp"
#include "process/sched/deadline.hpp"
#include "process/sched/parking.hpp"
#include "process/sched/scheduler.hpp"

namespace brood::inline v0::detail {

using process::Runtime;

/// Runs `wait`, which returns whether it is ready; in a handler it is noted who waits.
template <typename Wait>
bool FutureCore::wait_in_handler(const Wait& wait) {
  if (ready()) return true;
  const auto waiter = Runtime::running();
  if (!waiter) return came_while_awake() || wait();
  wait_begins(*waiter);
  bool is_ready = came_while_awake();
  if (!is_ready) {
    const process::Scheduler::BlockingScope blocking;
    is_ready = wait();
  }
  wait_ends(*waiter);
  return is_ready;
}

/// What comes within microseconds is met awake, and without giving the thread away.
bool FutureCore::came_while_awake() {
  static thread_local process::Alertness alertness;
  return alertness.wait([this] { return ready(); });
}

void FutureCore::wait() {
  (void)wait_in_handler([this] { return sleep_until(std::nullopt); });
}

bool FutureCore::wait_for(std::chrono::milliseconds time) {
  return wait_in_handler([&] { return sleep_until(process::deadline_after(time)); });
}

bool FutureCore::sleep_until(std::optional<std::chrono::steady_clock::time_point> until) {
  std::uint32_t seen = state_.load(std::memory_order_acquire);
  while (seen != State::ready) {
    if (seen == State::pending &&
        !state_.compare_exchange_weak(seen, State::awaited, std::memory_order_acq_rel))
      continue;
    if (!process::park(state_, State::awaited, until)) return ready();
    seen = state_.load(std::memory_order_acquire);
  }
  return true;
}

void FutureCore::when_done(std::function<void()> then) {
  {
    const std::lock_guard lock(mutex_);
    if (!ready()) {
      then_.push_back(std::move(then));
      return;
    }
  }
  (void)process::run_callback("what follows a future", [&] { then(); });
}

void FutureCore::finish() {
  // Whoever is told may let go of it.
  const auto keep = weak_from_this().lock();
  wait_is_over();
  std::vector<std::function<void()>> then;
  std::uint32_t before = State::pending;
  {
    const std::lock_guard lock(mutex_);
    before = state_.exchange(State::ready, std::memory_order_acq_rel);
    then.swap(then_);
  }
  if (before == State::awaited) process::wake_all(&state_);
  for (auto& next : then) (void)process::run_callback("what follows a future", [&] { next(); });
}

std::function<void(std::function<void()>)> poster_of_handler() {
  Context* context = current_context();
  return context == nullptr ? nullptr : context->poster();
}

Error worker_has_ended() {
  return {Errc::stopped, "the worker that was to go on with the answer has ended"};
}

Error then_threw(const char* words) {
  return {Errc::died, std::string("what was to follow the answer threw: ") + words};
}

Error cancelled() {
  return {Errc::cancelled, "it was cancelled; what was asked for may still happen"};
}

void HandlingAnswer::give(Result<EncodedTerm> answer) {
  if (slot == nullptr) {
    kept = std::move(answer);
  } else {
    (void)slot->answer(answer ? std::move(*answer) : encode_error(answer.error()));
  }
}

void Suspension::begin(std::shared_ptr<FutureCore> core, Context* context, std::coroutine_handle<> at) {
  auto wake = context == nullptr ? nullptr : context->suspend(at);
  if (!wake) {
    // Nothing of this object after that: the coroutine may be over.
    core->when_done([at] { at.resume(); });
    return;
  }
  waiter_ = context->self();
  core_ = core;
  core->wait_begins(*waiter_);
  core->when_done(std::move(wake));
}

void Suspension::end() {
  if (const auto core = std::move(core_)) core->wait_ends(*waiter_);
}

namespace {

/// Of a worker outside any supervisor.
class NoSiblings final : public Siblings {
 public:
  Future<EncodedTerm> call(const Id&, Message, std::chrono::milliseconds) override {
    return Future<EncodedTerm>::of(nobody());
  }
  void cast(const Id&, Message) override {}
  Result<void> send(const Id&, Message) override { return nobody(); }
  [[nodiscard]] std::optional<Pid> whereis(const Id&) const override { return std::nullopt; }

 private:
  static Error nobody() {
    return {Errc::no_such_supervisor, "this worker runs outside any supervisor, and has no siblings"};
  }
};

}  // namespace

std::shared_ptr<Siblings> siblings_of(const Context& context) {
  static const auto none = std::make_shared<NoSiblings>();
  return context.identity().siblings ? context.identity().siblings : none;
}

}  // namespace brood::inline v0::detail
