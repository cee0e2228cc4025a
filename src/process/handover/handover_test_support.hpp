// What the tests of moves share: a worker whose state moves, and waiting for the steps of a move.
#pragma once

#include "process/handover/handover.hpp"
#include "process/test_support.hpp"

namespace handover_test {

struct add {
  std::int64_t amount;
};
struct note {
  std::int64_t number;
};
struct all {};
struct later {};
struct answer {};
struct tick {};

struct State {
  std::vector<std::int64_t> seen;
  std::vector<brood::Promise<std::int64_t>> promises;
};

/// Writes down what it handles, in order, and moves with all of it.
class Ledger : public brood::Worker {
 public:
  using handles = brood::messages<add, note, all, later, answer, tick>;
  std::int64_t on(add a) {
    state_.seen.push_back(a.amount);
    return a.amount;
  }
  void on(note n) { state_.seen.push_back(n.number); }
  std::vector<std::int64_t> on(all) const { return state_.seen; }
  brood::Later<std::int64_t> on(later) {
    auto [out, promise] = defer<std::int64_t>();
    state_.promises.push_back(promise);
    return out;
  }
  void on(answer) {
    for (const auto& promise : state_.promises) promise.set(static_cast<std::int64_t>(state_.seen.size()));
    state_.promises.clear();
  }
  void on(tick) { (void)context().send_after(std::chrono::milliseconds(5), brood::Message::of(note{-1})); }
  void info(const brood::Term& message) {
    const auto* items = message.as_tuple();
    if (items != nullptr && items->size() == 2 && (*items)[0].is_atom("note"))
      if (const auto* number = (*items)[1].as_integer()) state_.seen.push_back(*number);
  }
  State save() const { return state_; }
  void restore(State state) { state_ = std::move(state); }

 private:
  State state_;
};

}  // namespace handover_test

namespace brood::process::testing {

/// Runs a step of a move and waits for its answer.
template <typename T>
Result<T> wait_for(const std::function<void(std::function<void(Result<T>)>)>& step) {
  const auto channel = std::make_shared<Channel<Result<T>>>();
  step([channel](Result<T> result) { channel->put(std::move(result)); });
  auto got = channel->take();
  if (!got) return Error{Errc::timeout, "no answer to the step"};
  return std::move(*got);
}

struct Mover {
  Handover handover;

  Result<void> freeze(const Pid& pid, std::chrono::milliseconds limit = patience) {
    return wait_for<void>([&](auto done) { handover.freeze(pid, limit, done); });
  }
  Result<Parcel> capture(const Pid& pid, CaptureOptions options = {}) {
    return wait_for<Parcel>([&](auto done) { handover.capture(pid, options, done); });
  }
  Result<void> thaw(const Pid& pid) {
    return wait_for<void>([&](auto done) { handover.thaw(pid, done); });
  }
  Result<Pid> restore(std::unique_ptr<Behaviour> behaviour, Parcel parcel, SpawnOptions options = {}) {
    return wait_for<Pid>([&](auto done) {
      handover.restore(std::move(behaviour), std::move(options), std::move(parcel), done);
    });
  }
  Result<void> become_stub(const Pid& pid, const Pid& to, StubOptions options = {}) {
    return wait_for<void>([&](auto done) { handover.become_stub(pid, to, options, done); });
  }
  Result<void> open(const Pid& pid) {
    return wait_for<void>([&](auto done) { handover.open(pid, done); });
  }
  Result<void> discard(const Pid& pid) {
    return wait_for<void>([&](auto done) { handover.discard(pid, done); });
  }
  Result<SavedState> end_with_state(const Pid& pid, ExitReason reason) {
    return wait_for<SavedState>([&](auto done) { handover.end_with_state(pid, reason, done); });
  }
  Result<SavedState> save(const Pid& pid) {
    return wait_for<SavedState>([&](auto done) { handover.save(pid, done); });
  }
  /// Freezes and captures; the parcel as it arrives elsewhere.
  Result<Parcel> pack(const Pid& pid) {
    if (auto frozen = freeze(pid); !frozen) return frozen.error();
    auto parcel = capture(pid);
    if (!parcel) return parcel.error();
    return decode_parcel(encode_parcel(*parcel));
  }
};

inline std::string words(const Result<void>& result) {
  return result ? "ok" : std::string(to_string(result.error().code));
}

class Moves : public ProbeTest {
 protected:
  Pid ledger() { return runtime.spawn(make_behaviour<handover_test::Ledger>({}), {}); }
  std::vector<std::int64_t> seen(const Pid& pid) {
    const auto answer = runtime.call_and_wait(pid, Message::of(handover_test::all{}), patience);
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer ? *decode<std::vector<std::int64_t>>(*answer) : std::vector<std::int64_t>{};
  }
  Mover mover{runtime.handover()};
};

}  // namespace brood::process::testing
