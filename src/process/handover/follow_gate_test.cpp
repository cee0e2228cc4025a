// What stands between a worker that others follow and its callers.
#include <gtest/gtest.h>

#include <atomic>

#include "process/handover/handover_test_support.hpp"

namespace follow_test {

struct add {
  std::int64_t amount;
};
struct drop {
  std::int64_t amount;
};
struct get {};
struct wait {};
struct crash {};

std::atomic<int> saves{0};
brood::process::testing::Channel<brood::Promise<std::int64_t>> promises;

class Counter : public brood::Worker {
 public:
  using handles = brood::messages<add, drop, get, wait, crash>;
  std::int64_t on(add a) { return count_ += a.amount; }
  void on(drop d) { count_ -= d.amount; }
  std::int64_t on(get) const { return count_; }
  brood::Later<std::int64_t> on(wait) {
    ++count_;
    auto [later, promise] = defer<std::int64_t>();
    promises.put(promise);
    return later;
  }
  void on(crash) { throw std::runtime_error("as asked"); }
  std::int64_t save() const {
    ++saves;
    return count_;
  }
  brood::Result<void> restore(std::int64_t count) {
    if (count == 13) return brood::Error{brood::Errc::invalid_argument, "an unlucky state"};
    count_ = count;
    return {};
  }

 private:
  std::int64_t count_ = 0;
};

/// As that, and gives what was added alone.
class Adder : public brood::Worker {
 public:
  using handles = brood::messages<add, get>;
  std::int64_t on(add a) {
    added_ += a.amount;
    return count_ += a.amount;
  }
  std::int64_t on(get) const { return count_; }
  std::int64_t save() const { return count_; }
  void restore(std::int64_t count) { count_ = count; }
  std::optional<std::int64_t> changes() {
    const std::int64_t added = std::exchange(added_, 0);
    if (added == 0) return std::nullopt;
    return added;
  }
  void apply(std::int64_t added) { count_ += added; }

 private:
  std::int64_t count_ = 0, added_ = 0;
};

}  // namespace follow_test

namespace brood::process::testing {
namespace {

using follow_test::add;
using follow_test::get;

class Follows : public ProbeTest {
 protected:
  template <typename W = follow_test::Counter>
  Pid spawn(Role role, KeptState state = {}, FollowOptions options = {}) {
    auto behaviour = make_behaviour<W>({});
    options.send = [this](SavedCopy copy) { sent.put(std::move(copy)); };
    gate = runtime.handover().follow(behaviour, std::move(options));
    gate->begin_as(role, std::move(state));
    SpawnOptions spawn_options;
    spawn_options.on_started = [this](const Result<void>& result) { started.put(result); };
    spawn_options.on_exit = [this](const ExitReason& reason) { ended.put(reason.text()); };
    const Pid pid = runtime.spawn(std::move(behaviour), std::move(spawn_options));
    auto begun = started.take();
    EXPECT_TRUE(begun.has_value());
    start_error = begun && !*begun ? begun->error().message : "";
    return pid;
  }
  /// An active one whose first state is held.
  template <typename W = follow_test::Counter>
  Pid active(FollowOptions options = {}) {
    const Pid pid = spawn<W>(Role::active, {}, std::move(options));
    gate->followed(next().number);
    return pid;
  }
  template <typename M>
  void call(const Pid& pid, M message) {
    runtime.call(pid, Message::of(std::move(message)), patience,
                 [this](CallResult result) { answers.put(text(result)); });
  }
  SavedCopy next() {
    auto copy = sent.take();
    EXPECT_TRUE(copy.has_value());
    return copy ? *copy : SavedCopy{};
  }
  std::string answer() {
    const auto got = answers.take();
    return got ? *got : "nothing";
  }
  static std::int64_t value(const SavedCopy& copy) { return *decode<std::int64_t>(*copy.state); }
  static SharedState state(std::int64_t of) { return std::make_shared<const Bytes>(encode(of).octets()); }
  void become(const Pid& pid, Role role, KeptState kept = {}) {
    const auto done = std::make_shared<Gate>();
    runtime.set_role(pid, {role, 1, true, [done] { done->open(); },
                           [gate = gate, role, kept] { gate->become(role, kept); }});
    EXPECT_TRUE(done->wait());
  }

  Channel<SavedCopy> sent;
  Channel<std::string> answers, ended;
  Channel<Result<void>> started;
  std::shared_ptr<FollowGate> gate;
  std::string start_error;
};

TEST_F(Follows, AReplyWaitsUntilTheStateAfterItIsHeld) {
  const Pid pid = active();
  call(pid, add{5});
  const SavedCopy copy = next();
  EXPECT_EQ(value(copy), 5);
  EXPECT_EQ(answers.size(), 0U);
  gate->followed(copy.number);
  EXPECT_EQ(answer(), "5");
}

TEST_F(Follows, OneStateIsUnderWayAndTheNextTakesAllAlong) {
  const Pid pid = active();
  call(pid, add{1});
  const SavedCopy first = next();
  for (int i = 0; i < 100; ++i) call(pid, add{1});
  (void)runtime.cast(pid, Message::of(add{1000}));
  // Behind all of these.
  become(pid, Role::active);
  // That saves nothing: one is under way.
  EXPECT_EQ(sent.size(), 0U);
  gate->followed(first.number);
  EXPECT_EQ(answer(), "1");
  const SavedCopy second = next();
  EXPECT_EQ(value(second), 1101) << "a cast rides along";
  EXPECT_EQ(answers.size(), 0U);
  gate->followed(second.number);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(answer(), std::to_string(i + 2));
  EXPECT_EQ(sent.size(), 0U);
}

TEST_F(Follows, ACallThatOnlyReadsSendsNothing) {
  const Pid pid = active();
  call(pid, add{5});
  gate->followed(next().number);
  EXPECT_EQ(answer(), "5");
  call(pid, get{});
  EXPECT_EQ(answer(), "5");
  EXPECT_EQ(sent.size(), 0U);
}

TEST_F(Follows, ACallThatOnlyReadsWaitsForWhatItHasRead) {
  const Pid pid = active();
  call(pid, add{5});
  const SavedCopy copy = next();
  call(pid, get{});
  become(pid, Role::active);
  EXPECT_EQ(answers.size(), 0U);
  gate->followed(copy.number);
  // The role that it was told again makes it save once more, so that the others know it by that.
  EXPECT_EQ(answer(), "5");
  gate->followed(next().number);
  EXPECT_EQ(answer(), "5");
}

TEST_F(Follows, ADeferredReplyWaitsToo) {
  const Pid pid = active();
  call(pid, follow_test::wait{});
  auto promise = follow_test::promises.take();
  ASSERT_TRUE(promise.has_value());
  EXPECT_EQ(sent.size(), 0U) << "nobody waits for the state yet";
  std::thread([&] { promise->set(7); }).join();
  const SavedCopy copy = next();
  EXPECT_EQ(value(copy), 1);
  EXPECT_EQ(answers.size(), 0U);
  gate->followed(copy.number);
  EXPECT_EQ(answer(), "7");
}

TEST_F(Follows, AnErrorIsAReplyLikeAny) {
  const Pid pid = active();
  runtime.call(pid, message("{unknown, 1}"), patience,
               [this](CallResult result) { answers.put(text(result)); });
  EXPECT_NE(answer().find("type_mismatch"), std::string::npos);
}

TEST_F(Follows, AWorkerThatCrashesEndsTheCallsWhoseRepliesWait) {
  const Pid pid = active();
  call(pid, add{5});
  (void)next();
  call(pid, follow_test::crash{});
  EXPECT_EQ(answer(), "error: died");
  EXPECT_EQ(answer(), "error: died");
  EXPECT_TRUE(ended.take().has_value());
  gate->followed(99);
}

TEST_F(Follows, APassiveOneHandlesNoCalls) {
  const Pid pid = spawn(Role::passive);
  call(pid, add{5});
  EXPECT_EQ(answer(), "error: no_such_child");
  EXPECT_EQ(sent.size(), 0U);
  become(pid, Role::active, {0, state(40), {}});
  gate->followed(next().number);
  call(pid, get{});
  EXPECT_EQ(answer(), "40");
}

TEST_F(Follows, OneThatBecomesPassiveSendsWhatWasNotSent) {
  const Pid pid = active();
  call(pid, add{1});
  const SavedCopy first = next();
  call(pid, add{1});
  (void)runtime.cast(pid, Message::of(add{10}));
  become(pid, Role::passive);
  const SavedCopy last = next();
  EXPECT_TRUE(last.is_whole);
  EXPECT_EQ(value(last), 12);
  gate->followed(first.number);
  EXPECT_EQ(answers.size(), 0U) << "the last one covers it too";
  gate->followed(last.number);
  EXPECT_EQ(answer(), "1");
  EXPECT_EQ(answer(), "2");
  call(pid, add{1});
  EXPECT_EQ(answer(), "error: no_such_child");
}

TEST_F(Follows, WhatWasNeverHeldIsNotAnsweredByALaterState) {
  const Pid pid = active();
  call(pid, add{1});
  (void)next();
  become(pid, Role::passive);
  become(pid, Role::active, {0, state(100), {}});
  EXPECT_NE(answer().find("timeout"), std::string::npos);
  const SavedCopy copy = next();
  EXPECT_EQ(value(copy), 100);
  call(pid, get{});
  gate->followed(copy.number);
  EXPECT_EQ(answer(), "100");
}

TEST_F(Follows, APromiseOfWhenItWasActiveBeforeIsNotAnsweredByALaterState) {
  const Pid pid = active();
  call(pid, follow_test::wait{});
  auto promise = follow_test::promises.take();
  ASSERT_TRUE(promise.has_value());
  become(pid, Role::passive);
  EXPECT_EQ(value(next()), 1);
  become(pid, Role::active, {0, state(100), {}});
  gate->followed(next().number);
  promise->set(1);
  EXPECT_NE(answer().find("timeout"), std::string::npos) << "the state that is held may be without it";
}

TEST_F(Follows, AnActiveOneStartsWithTheStateItIsGiven) {
  const Pid pid = spawn(Role::active, {0, state(7), {}});
  EXPECT_EQ(value(next()), 7) << "under its own name from now on";
  gate->followed(1);
  call(pid, get{});
  EXPECT_EQ(answer(), "7");
}

TEST_F(Follows, AStateThatIsRefusedIsAFailedStartOrAnEnd) {
  (void)spawn(Role::active, {0, state(13), {}});
  EXPECT_EQ(start_error, "an unlucky state");
  const Pid pid = spawn(Role::passive);
  runtime.set_role(pid, {Role::active, 1, true, nullptr, [gate = gate] {
                           gate->become(Role::active, {0, state(13), {}});
                         }});
  const auto reason = ended.take();
  ASSERT_TRUE(reason.has_value());
  EXPECT_NE(reason->find("an unlucky state"), std::string::npos) << *reason;
}

TEST_F(Follows, WithAPeriodNoReplyWaits) {
  FollowOptions options;
  options.every = 10ms;
  const Pid pid = spawn(Role::active, {}, std::move(options));
  EXPECT_EQ(value(next()), 0);
  call(pid, add{5});
  EXPECT_EQ(answer(), "5");
  EXPECT_EQ(value(next()), 5);
  (void)runtime.cast(pid, Message::of(add{5}));
  EXPECT_EQ(value(next()), 10);
}

TEST_F(Follows, ChangesAreSentInPlaceOfTheWhole) {
  const Pid pid = active<follow_test::Adder>();
  for (int i = 1; i <= 3; ++i) {
    call(pid, add{i});
    const SavedCopy copy = next();
    EXPECT_FALSE(copy.is_whole);
    EXPECT_EQ(value(copy), i);
    gate->followed(copy.number);
    (void)answer();
  }
  call(pid, get{});
  EXPECT_EQ(answer(), "6");
  EXPECT_EQ(sent.size(), 0U);
}

TEST_F(Follows, AfterManyChangesTheWholeIsSentAgain) {
  FollowOptions options;
  options.changes_max = 2;
  const Pid pid = active<follow_test::Adder>(std::move(options));
  std::string kinds;
  for (int i = 0; i < 6; ++i) {
    call(pid, add{1});
    const SavedCopy copy = next();
    kinds += copy.is_whole ? 'w' : 'c';
    gate->followed(copy.number);
    (void)answer();
  }
  EXPECT_EQ(kinds, "ccwccw");
}

TEST_F(Follows, ChangesAreAppliedInOrderBehindTheWhole) {
  const Pid pid = spawn<follow_test::Adder>(Role::active, {0, state(10), {state(1), state(2)}});
  const SavedCopy copy = next();
  EXPECT_TRUE(copy.is_whole);
  EXPECT_EQ(value(copy), 13);
  gate->followed(copy.number);
  call(pid, get{});
  EXPECT_EQ(answer(), "13");
}

TEST_F(Follows, ChangesOfAnotherVersionAreRefusedInWords) {
  (void)spawn<follow_test::Adder>(Role::active, {3, state(10), {state(1)}});
  EXPECT_NE(start_error.find("version 3"), std::string::npos) << start_error;
}

}  // namespace
}  // namespace brood::process::testing
