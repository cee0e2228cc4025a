// Moves under load: every message is handled once, and each sender's in its order.
#include <map>
#include <random>

#include "process/handover/handover_test_support.hpp"

namespace load_test {

struct item {
  std::int64_t sender;
  std::int64_t number;
};
struct count {};
struct broken {};

/// Checks what it is sent; what it knows moves with it.
class Checker : public brood::Worker {
 public:
  using handles = brood::messages<item, count, broken>;
  std::int64_t on(item i) {
    auto& last = last_[i.sender];
    if (i.number != last + 1) broken_ = broken_ == 0 ? i.number : broken_;
    last = i.number;
    return i.number;
  }
  std::int64_t on(count) const {
    std::int64_t sum = 0;
    for (const auto& [sender, number] : last_) sum += number;
    return sum;
  }
  std::int64_t on(broken) const { return broken_; }
  std::pair<std::map<std::int64_t, std::int64_t>, std::int64_t> save() const { return {last_, broken_}; }
  void restore(std::pair<std::map<std::int64_t, std::int64_t>, std::int64_t> state) {
    last_ = std::move(state.first);
    broken_ = state.second;
  }

 private:
  std::map<std::int64_t, std::int64_t> last_;
  std::int64_t broken_ = 0;
};

}  // namespace load_test

namespace brood::process {
namespace {

using namespace testing;
using load_test::Checker;
using load_test::item;

constexpr std::int64_t senders = 4;

class LoadedMoves : public RuntimeTest {
 protected:
  /// Sends until told to stop: casts, and every tenth message a call that must be answered.
  void send_until(std::atomic<bool>& stop, std::int64_t sender, const std::function<Pid()>& to) {
    std::int64_t number = 0;
    while (!stop) {
      ++number;
      if (number % 10 != 0) {
        if (!runtime.cast(to(), Message::of(item{sender, number}))) ++lost_;
        continue;
      }
      const auto answer = runtime.call_and_wait(to(), Message::of(item{sender, number}), patience);
      if (!answer || *answer != encode(number)) ++failed_;
    }
    sent_ += number;
  }
  std::int64_t ask(const Pid& pid, Message question) {
    const auto answer = runtime.call_and_wait(pid, std::move(question), patience);
    return answer ? decode<std::int64_t>(*answer).value_or(-1) : -2;
  }
  void check(const Pid& pid) {
    EXPECT_EQ(ask(pid, Message::of(load_test::broken{})), 0) << "out of order, lost or twice from there on";
    EXPECT_EQ(ask(pid, Message::of(load_test::count{})), sent_);
    EXPECT_EQ(lost_, 0);
    EXPECT_EQ(failed_, 0);
  }

  std::atomic<std::int64_t> sent_{0}, lost_{0}, failed_{0};
  Mover mover{runtime.handover()};
};

TEST_F(LoadedMoves, FrozenAndThawedNothingIsLostOrTwiceOrOutOfOrder) {
  const Pid pid = runtime.spawn(make_behaviour<Checker>({}), {});
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::int64_t i = 0; i < senders; ++i)
    threads.emplace_back([&, i] { send_until(stop, i, [&] { return pid; }); });
  for (int round = 0; round < 60; ++round) {
    ASSERT_TRUE(mover.freeze(pid));
    if (round % 2 == 0) {
      const auto parcel = mover.capture(pid);
      EXPECT_TRUE(parcel.has_value());
      if (parcel && round % 4 == 0) {
        const auto target = mover.restore(make_behaviour<Checker>({}), *parcel);
        EXPECT_TRUE(target && mover.discard(*target));
      }
    }
    ASSERT_TRUE(mover.thaw(pid));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  check(pid);
}

TEST_F(LoadedMoves, MovedNothingIsLostOrTwiceOrOutOfOrder) {
  // Everybody goes on sending to the first pid, so that every message takes the way through the stubs.
  const Pid first = runtime.spawn(make_behaviour<Checker>({}), {});
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::int64_t i = 0; i < senders; ++i)
    threads.emplace_back([&, i] { send_until(stop, i, [&] { return first; }); });
  Pid at = first;
  for (int round = 0; round < 12; ++round) {
    const auto parcel = mover.pack(at);
    ASSERT_TRUE(parcel.has_value()) << parcel.error().message;
    const auto target = mover.restore(make_behaviour<Checker>({}), *parcel);
    ASSERT_TRUE(target.has_value()) << target.error().message;
    ASSERT_TRUE(mover.become_stub(at, *target, {.keep_at_least = 10min, .keep_at_most = 20min}));
    ASSERT_TRUE(mover.open(*target));
    at = *target;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  // The last casts are on their way through twelve stubs; a call takes the same way.
  EXPECT_GE(ask(first, Message::of(load_test::count{})), 0);
  check(at);
}

}  // namespace
}  // namespace brood::process
