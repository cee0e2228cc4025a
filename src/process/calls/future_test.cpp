// Futures by themselves, and handlers that are coroutines.
#include <atomic>

#include "process/test_support.hpp"

namespace brood::process::testing {

namespace future_test {

using Value = brood::detail::FutureValue<int>;

struct ask {
  Pid whom;
};
struct quick {};
struct twice {};
struct slow {};
struct marks {};
struct fall {};
struct poke {};
struct refuse {};
struct later {};

/// What other threads make ready.
class Promised {
 public:
  static std::shared_ptr<Value> make() {
    std::lock_guard lock(mutex_);
    made_ = std::make_shared<Value>();
    return made_;
  }
  static Future<int> future() {
    std::lock_guard lock(mutex_);
    return Future<int>(made_);
  }

 private:
  static inline std::mutex mutex_;
  static inline std::shared_ptr<Value> made_;
};

struct Noted {
  ~Noted() { *at = true; }
  std::atomic<bool>* at;
};

class Asker : public Worker {
 public:
  using handles = messages<ask, quick, twice, slow, marks, fall, poke, refuse, later>;
  static inline std::atomic<bool> destroyed{false};
  static inline std::atomic<int> waiting{0};

  Task<std::string> on(ask a) {
    ++waiting;
    const auto asked = call<std::string>(a.whom, quick{});
    const Result<std::string> answer = co_await asked;
    --waiting;
    co_return answer ? *answer : std::string(to_string(answer.error().code));
  }
  std::string on(quick) { return "quick"; }
  Task<int> once() {
    const auto promised = Promised::future();
    co_return *co_await promised + 1;
  }
  Task<int> on(twice) {
    const auto first = once();
    const int value = co_await first;
    const auto promised = Promised::future();
    co_return value + *co_await promised;
  }
  Task<int> on(const slow&) {
    const Noted noted{&destroyed};
    marks_.push_back("begins");
    ++waiting;
    const auto promised = Promised::future();
    const Result<int> value = co_await promised;
    --waiting;
    marks_.push_back("ends");
    co_return *value;
  }
  std::vector<std::string> on(marks) const { return marks_; }
  Task<> on(fall) {
    const auto promised = Promised::future();
    (void)co_await promised;
    throw std::runtime_error("fell");
  }
  void on(poke) { marks_.push_back("poked"); }
  Task<Result<int>> on(refuse) {
    const auto promised = Promised::future();
    (void)co_await promised;
    co_return Error{Errc::not_allowed, "not today"};
  }
  Future<int> on(later) { return Promised::future(); }

 private:
  std::vector<std::string> marks_;
};

class Thenner : public Worker {
 public:
  using handles = messages<slow, marks>;
  void on(slow) {
    (void)Promised::future().then([this](const Result<int>& value) { sum_ += *value; });
  }
  int on(marks) const { return sum_; }

 private:
  int sum_ = 0;
};

class LastThenner : public Worker {
 public:
  using handles = messages<slow>;
  void on(slow) {
    followed().emplace(Promised::future().then([](const Result<int>&) { return 1; }));
  }
  static std::optional<Future<int>>& followed() {
    static std::optional<Future<int>> held;
    return held;
  }
};

class Pair : public Worker {
 public:
  using handles = messages<ask>;
  Task<std::string> on(ask a) {
    const auto asked = call<std::string>(a.whom, ask{self()}, 20s);
    const Result<std::string> answer = co_await asked;
    co_return answer ? *answer : std::string(to_string(answer.error().code));
  }
};

class Futures : public RuntimeTest {
 protected:
  template <typename W = Asker>
  Pid start() {
    return runtime.spawn(make_behaviour<W>({}), {});
  }
  template <typename T, typename M>
  Future<T> call(const Pid& to, M message, std::chrono::milliseconds timeout = 20s) {
    return brood::detail::reply_future<T>(runtime.ask(to, Message::of(std::move(message)), timeout));
  }
  void TearDown() override { runtime.stop(patience); }
};

TEST_F(Futures, AreReadAsOftenAsOneLikes) {
  const Pid pid = start();
  const Future<std::string> answer = call<std::string>(pid, quick{});
  EXPECT_EQ(answer.get().value(), "quick");
  EXPECT_TRUE(answer.ready());
  EXPECT_EQ(answer.get().value(), "quick");
  const Future<std::string> copy = answer;  // NOLINT: the copy is what is tested
  EXPECT_EQ(copy.get().value(), "quick");
}

TEST_F(Futures, AreWaitedForWithATime) {
  auto value = std::make_shared<Value>();
  const Future<int> future(value);
  EXPECT_FALSE(future.wait_for(5ms));
  for (const auto past : {0ms, -5ms, std::chrono::milliseconds::min()}) EXPECT_FALSE(future.wait_for(past));
  EXPECT_FALSE(future.ready());
  std::thread giver([&] { EXPECT_TRUE(value->set(7)); });
  EXPECT_TRUE(future.wait_for(20s));
  EXPECT_EQ(future.get().value(), 7);
  giver.join();
  EXPECT_FALSE(value->set(8)) << "the first answer counts";
  EXPECT_EQ(future.get().value(), 7);
}

TEST_F(Futures, AreCancelledForAllWhoWait) {
  auto value = std::make_shared<Value>();
  const Future<int> future(value), copy = future;
  EXPECT_TRUE(copy.cancel());
  EXPECT_EQ(future.get().error().code, Errc::cancelled);
  EXPECT_FALSE(value->set(8));
  EXPECT_FALSE(Future<int>::of(1).cancel()) << "it was ready";
}

TEST_F(Futures, ThenGoesOnWithTheAnswer) {
  auto value = std::make_shared<Value>();
  const Future<int> future(value);
  auto text = future.then([](const Result<int>& v) { return std::to_string(*v); });
  auto refused = future.then([](const Result<int>&) -> Result<int> { return Error{Errc::busy, ""}; });
  auto other = std::make_shared<Value>();
  auto chained = future.then([&](const Result<int>&) { return Future<int>(other); });
  auto nothing = future.then([](const Result<int>&) {});
  auto thrown = future.then([](const Result<int>&) -> int { throw std::runtime_error("no"); });
  EXPECT_FALSE(text.ready());
  value->set(3);
  EXPECT_EQ(text.get().value(), "3");
  EXPECT_EQ(refused.get().error().code, Errc::busy);
  EXPECT_TRUE(nothing.get());
  EXPECT_EQ(thrown.get().error().code, Errc::died);
  EXPECT_FALSE(chained.ready());
  other->set(4);
  EXPECT_EQ(chained.get().value(), 4);
  EXPECT_EQ(future.then([](const Result<int>& v) { return *v * 2; }).get().value(), 6) << "ready before";
}

TEST_F(Futures, ThenInAHandlerRunsOnItsWorker) {
  const auto value = Promised::make();
  const Pid pid = start<Thenner>();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(call<void>(pid, slow{}).get());
  EXPECT_EQ(call<int>(pid, marks{}).get().value(), 0);
  value->set(1);
  EXPECT_TRUE(eventually([&] { return call<int>(pid, marks{}).get().value() == 100; }));
}

TEST_F(Futures, WhatWasToFollowInAWorkerThatEndsIsStopped) {
  const auto value = Promised::make();
  const Pid pid = start<LastThenner>();
  ASSERT_TRUE(call<void>(pid, slow{}).get());
  runtime.exit(pid, ExitReason::shutdown());
  ASSERT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
  value->set(1);
  EXPECT_EQ(LastThenner::followed()->get().error().code, Errc::stopped);
  LastThenner::followed().reset();
}

TEST_F(Futures, AHandlerThatAwaitsTakesNothingElseAndHoldsNoThread) {
  const auto value = Promised::make();
  std::vector<Pid> pids;
  std::vector<Future<int>> answers;
  for (int i = 0; i < 100; ++i) {
    pids.push_back(start());
    answers.push_back(call<int>(pids.back(), slow{}));
    ASSERT_TRUE(runtime.cast(pids.back(), Message::of(poke{})));
  }
  ASSERT_TRUE(eventually([] { return Asker::waiting == 100; }));
  EXPECT_EQ(runtime.stats().threads, 2U);
  value->set(5);
  for (const auto& answer : answers) EXPECT_EQ(answer.get().value(), 5);
  for (const Pid& pid : pids)
    EXPECT_EQ(call<std::vector<std::string>>(pid, marks{}).get().value(),
              (std::vector<std::string>{"begins", "ends", "poked"}));
}

TEST_F(Futures, TasksAwaitTasks) {
  const auto value = Promised::make();
  const Pid pid = start();
  const auto answer = call<int>(pid, twice{});
  value->set(5);
  EXPECT_EQ(answer.get().value(), 11);
  EXPECT_EQ(call<int>(pid, twice{}).get().value(), 11) << "nothing to wait for";
}

TEST_F(Futures, AHandlerMayReturnAFutureOrARefusal) {
  const auto value = Promised::make();
  const Pid pid = start();
  const auto answer = call<int>(pid, later{});
  const auto refused = call<int>(pid, refuse{});
  value->set(5);
  EXPECT_EQ(answer.get().value(), 5);
  EXPECT_EQ(refused.get().error().code, Errc::not_allowed);
}

TEST_F(Futures, WhatAHandlerThrowsLaterEndsItsProcess) {
  const auto value = Promised::make();
  const Pid pid = start();
  const auto answer = call<void>(pid, fall{});
  value->set(1);
  EXPECT_EQ(answer.get().error().code, Errc::died);
  EXPECT_EQ(encoded_to_string(answer.get().error().detail), "{exception,<<\"fell\">>}");
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(Futures, OnlyAKillEndsAHandlerWhereItStands) {
  const auto value = Promised::make();
  Asker::destroyed = false;
  Asker::waiting = 0;
  const Pid ends = start(), killed = start();
  const auto first = call<int>(ends, slow{}), second = call<int>(killed, slow{});
  ASSERT_TRUE(eventually([] { return Asker::waiting == 2; }));
  runtime.exit(ends, ExitReason::shutdown());
  runtime.exit(killed, ExitReason::killed());
  EXPECT_EQ(second.get().error().code, Errc::died);
  EXPECT_TRUE(eventually([] { return Asker::destroyed.load(); }));
  EXPECT_FALSE(first.ready());
  EXPECT_TRUE(runtime.is_alive(ends));
  value->set(5);
  EXPECT_EQ(first.get().value(), 5);
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(ends); }));
}

TEST_F(Futures, HandlersThatAwaitEachOtherAreADeadlockAtOnce) {
  const Pid alone = start(), one = start<Pair>(), other = start<Pair>();
  EXPECT_EQ(call<std::string>(alone, ask{alone}).get().value(), "deadlock");
  EXPECT_EQ(call<std::string>(one, ask{other}).get().value(), "deadlock");
  EXPECT_EQ(call<std::string>(alone, ask{start()}).get().value(), "quick") << "nobody waits any more";
}

TEST_F(Futures, TheEndOfTheRuntimeEndsHandlersThatAwait) {
  const auto value = Promised::make();
  Asker::waiting = 0;
  const auto answer = call<int>(start(), slow{});
  ASSERT_TRUE(eventually([] { return Asker::waiting == 1; }));
  EXPECT_EQ(runtime.stop(patience), 0U);
  EXPECT_FALSE(answer.get());
  value->set(1);  // and nobody minds
}

TEST_F(Futures, ACoroutineOfOnesOwnGoesOnWithTheAnswer) {
  struct Detached {
    struct promise_type {
      static Detached get_return_object() { return {}; }
      static std::suspend_never initial_suspend() noexcept { return {}; }
      static std::suspend_never final_suspend() noexcept { return {}; }
      static void return_void() {}
      static void unhandled_exception() { std::terminate(); }
    };
  };
  Channel<int> seen;
  auto value = std::make_shared<Value>();
  const auto run = [](Future<int> future, Channel<int>& out) -> Detached {
    const Result<int> got = co_await future;
    out.put(*got);
  };
  run(Future<int>(value), seen);
  EXPECT_EQ(seen.size(), 0U);
  value->set(9);
  EXPECT_EQ(seen.take(), 9);
}

}  // namespace future_test
}  // namespace brood::process::testing
