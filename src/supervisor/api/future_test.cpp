// What starts, stops and calls return: futures, results of many, and handlers that wait for siblings.
#include <gtest/gtest.h>

#include <atomic>
#include <brood/brood.hpp>
#include <set>
#include <thread>

#include "supervisor/node/node_test_support.hpp"

namespace brood::inline v0 {
namespace future_test {

using namespace std::chrono_literals;
using test::Places;

/// Passed on along the path, by co_await or by get(); the answer is that of the last.
struct await_along {
  std::vector<std::string> path;
};
struct wait_along {
  std::vector<std::string> path;
};
struct held {};
struct note {
  int number;
};
struct noted {
  using reply = std::vector<int>;
};
struct end_self {};
struct end_self_waiting {};

class Sibling : public Worker {
 public:
  using handles = messages<await_along, wait_along, held, note, noted, end_self, end_self_waiting>;
  static constexpr std::string_view worker_name = "sibling";
  explicit Sibling(int opening = 0) {
    Places::wait_for_gate();
    if (opening < 0) throw std::runtime_error("below zero");
    if (opening > 0) notes_.push_back(opening);
  }

  Task<std::string> on(await_along a) {
    if (a.path.empty()) co_return "end";
    const std::string next = a.path.front();
    a.path.erase(a.path.begin());
    const auto asked = child(next).call<std::string>(std::move(a), 20s);
    co_return words(co_await asked);
  }
  std::string on(wait_along w) {
    if (w.path.empty()) return "end";
    const std::string next = w.path.front();
    w.path.erase(w.path.begin());
    return words(child(next).call<std::string>(std::move(w), 20s).get());
  }
  Task<int> on(held) {
    const Future<int> open(gate());
    const Result<int> value = co_await open;
    co_return value ? *value : -1;
  }
  void on(note n) { notes_.push_back(n.number); }
  std::vector<int> on(noted) const { return notes_; }
  Result<void> on(end_self) {
    (void)Places::at(self().node).stop_child(context().identity().child_id);
    return {};
  }
  Result<void> on(end_self_waiting) {
    return Places::at(self().node).stop_child(context().identity().child_id).get();
  }

  static std::shared_ptr<detail::FutureValue<int>> gate() {
    std::lock_guard lock(mutex_);
    if (!gate_) gate_ = std::make_shared<detail::FutureValue<int>>();
    return gate_;
  }
  static void new_gate() {
    std::lock_guard lock(mutex_);
    gate_.reset();
  }

 private:
  static std::string words(const Result<std::string>& answer) {
    return answer ? *answer : std::string(to_string(answer.error().code));
  }
  static inline std::mutex mutex_;
  static inline std::shared_ptr<detail::FutureValue<int>> gate_;
  std::vector<int> notes_;
};

class SupervisorFutures : public ::testing::Test {
 protected:
  void make(std::size_t nodes) {
    Sibling::new_gate();
    places = std::make_unique<Places>(nodes, [](Node& node) { return node.workers().add<Sibling>(); });
    ASSERT_TRUE(places->formed());
  }
  Supervisor& web(std::size_t index = 0) { return places->web(index); }
  StartResult start_all(const std::vector<std::string>& ids, const StartOptions& options = {}) {
    std::vector<ChildSpec> specs;
    for (const std::string& id : ids) specs.push_back(ChildSpec::of<Sibling>(id));
    auto result = web().start_children(specs, options).get();
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(StartResult{});
  }
  template <typename M>
  std::string ask(const std::string& id, M message) {
    const auto before = std::chrono::steady_clock::now();
    auto answer = web().call<std::string>(id, std::move(message), 25s).get();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 15s);
    return answer ? *answer : "failed: " + std::string(to_string(answer.error().code));
  }
  std::unique_ptr<Places> places;
};

// ---- waiting in handlers ---------------------------------------------------------------------------------

TEST_F(SupervisorFutures, AThousandHandlersThatAwaitEachOtherFinishOnTwoThreads) {
  make(1);
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back("s" + std::to_string(i));
  ASSERT_TRUE(start_all(ids).ok());
  EXPECT_EQ(ask("s0", await_along{std::vector(ids.begin() + 1, ids.end())}), "end");
}

TEST_F(SupervisorFutures, TwoHandlersThatCallEachOtherAreADeadlockAtOnce) {
  make(1);  // with two threads
  ASSERT_TRUE(start_all({"a", "b"}).ok());
  EXPECT_EQ(ask("a", await_along{{"b", "a"}}), "deadlock");
  EXPECT_EQ(ask("a", wait_along{{"b", "a"}}), "deadlock");
  EXPECT_EQ(ask("a", await_along{{"a"}}), "deadlock");
  EXPECT_EQ(ask("a", await_along{{"b"}}), "end") << "nobody waits any more";
}

TEST_F(SupervisorFutures, ACircleThroughThreeNodesIsADeadlock) {
  make(3);
  for (std::size_t i = 0; i < 3; ++i) {
    const NodeName on = places->name(i);
    ASSERT_TRUE(web().start_child(ChildSpec::of<Sibling>("n" + std::to_string(i)), {.on = on}).get());
  }
  EXPECT_EQ(ask("n0", await_along{{"n1", "n2"}}), "end");
  EXPECT_EQ(ask("n0", await_along{{"n1", "n2", "n0"}}), "deadlock");
  EXPECT_EQ(ask("n0", wait_along{{"n1", "n2", "n0"}}), "deadlock");
  EXPECT_EQ(ask("n2", await_along{{"n0", "n1"}}), "end") << "nobody waits any more";
}

// When its last wait begins, those that are across nodes have been followed in vain. It may be one within a
// node, or one across with one within behind it.
TEST_F(SupervisorFutures, ACircleWithAWaitWithinANodeThatIsClosedLateIsADeadlock) {
  make(2);
  for (const std::size_t of_last : {0U, 1U}) {
    Sibling::new_gate();
    const std::string n = std::to_string(of_last);
    const std::vector<std::pair<std::string, std::size_t>> where{
        {"a" + n, 0}, {"b" + n, 1}, {"c" + n, of_last}};
    for (const auto& [id, at] : where)
      ASSERT_TRUE(web().start_child(ChildSpec::of<Sibling>(id), {.on = places->name(at)}).get());
    const auto held_call = web().call<int>("c" + n, held{}, 20s);
    const auto circle = web().call<std::string>("a" + n, await_along{{"b" + n, "c" + n, "a" + n}}, 20s);
    EXPECT_FALSE(circle.wait_for(200ms)) << "the chains were followed meanwhile";
    Sibling::gate()->set(5);
    EXPECT_EQ(held_call.get().value(), 5);
    ASSERT_TRUE(circle.wait_for(10s)) << where[2].second;
    EXPECT_EQ(circle.get().value(), "deadlock");
  }
}

TEST_F(SupervisorFutures, ALongWaitAcrossNodesIsNoDeadlock) {
  make(2);
  const auto [here, there] = places->ids_apart();
  ASSERT_TRUE(start_all({here, there}).ok());
  const auto held_call = web().call<int>(there, held{}, 20s);
  const auto behind = web().call<std::string>(here, await_along{{there}}, 20s);
  EXPECT_FALSE(behind.wait_for(200ms)) << "the chain was followed meanwhile";
  Sibling::gate()->set(5);
  EXPECT_EQ(held_call.get().value(), 5);
  EXPECT_EQ(behind.get().value(), "end");
}

TEST_F(SupervisorFutures, AHandlerMayStopItselfAsLongAsItDoesNotWait) {
  make(1);
  ASSERT_TRUE(start_all({"a", "b"}).ok());
  EXPECT_EQ(web().call<void>("a", end_self_waiting{}).get().error().code, Errc::deadlock);
  EXPECT_TRUE(web().call<void>("b", end_self{}).get());
  EXPECT_TRUE(test::eventually([&] { return !web().whereis("b"); }));
}

// ---- futures ---------------------------------------------------------------------------------------------

TEST_F(SupervisorFutures, StartsAndCallsReturnAtOnceAndGoOnByThemselves) {
  make(1);
  Places::close_gate();
  const auto started = web().start_child(ChildSpec::of<Sibling>("a", 4));
  EXPECT_FALSE(started.ready());
  const auto pid = started.then([](const Result<Started>& child) { return child->pid; });
  Places::open_gate();
  EXPECT_EQ(pid.get().value(), started.get()->pid);
  EXPECT_EQ(started.get()->id, Id("a"));
  EXPECT_EQ(web().call("a", noted{}).get().value(), std::vector<int>{4});
}

TEST_F(SupervisorFutures, ACallThatIsCancelledBeforeItsChildRunsIsNotSent) {
  make(1);
  Places::close_gate();
  const auto started = web().start_child(ChildSpec::of<Sibling>("a"));
  ASSERT_TRUE(test::eventually([&] { return web().child_lookup("a").has_value(); }));
  const auto dropped = web().call<void>("a", note{1}, 20s), kept = web().call<void>("a", note{2}, 20s);
  EXPECT_TRUE(dropped.cancel());
  EXPECT_EQ(dropped.get().error().code, Errc::cancelled);
  Places::open_gate();
  EXPECT_TRUE(kept.get());
  EXPECT_EQ(web().call("a", noted{}).get().value(), std::vector<int>{2});
}

TEST_F(SupervisorFutures, ASignalIsForProgramsAndADrainForWhoHasOthers) {
  make(1);
  ASSERT_TRUE(web().start_child(ChildSpec::of<Sibling>("a")).get());
  EXPECT_EQ(web().signal_child("a", 1).get().error().code, Errc::invalid_argument);
  EXPECT_EQ(web().signal_child("nobody", 1).get().error().code, Errc::no_such_child);
  EXPECT_EQ(web().drain(20s).error().code, Errc::no_target);
  EXPECT_TRUE(web().call("a", noted{}).get()) << "it stays where nobody could take it";
}

TEST_F(SupervisorFutures, ADrainTakesTheChildrenOfOneSupervisorAway) {
  make(2);
  std::vector<ChildSpec> specs;
  for (int i = 0; i < 20; ++i) specs.push_back(ChildSpec::of<Sibling>("c" + std::to_string(i)));
  ASSERT_TRUE(web().start_children(specs).get());
  const auto drained = web().drain(20s);
  ASSERT_TRUE(drained) << drained.error().message;
  EXPECT_TRUE(web().local_children().empty());
  EXPECT_TRUE(test::eventually([&] { return web(1).local_children().size() == specs.size(); }));
}

TEST_F(SupervisorFutures, AllIsStoppedAfterTheEndAndNothingDangles) {
  auto node = std::make_unique<Node>(NodeOptions{.leave_timeout = 0ms});
  ASSERT_TRUE(node->workers().add<Sibling>());
  auto bank = std::make_unique<Supervisor>(*node, SupervisorOptions{.name = "bank"});
  auto spec = ChildSpec::of<Sibling>("a");
  spec.shutdown.patience = 50ms;
  ASSERT_TRUE(bank->start_child(spec).get());
  Sibling::new_gate();
  const ChildRef<Sibling> ref(*bank, "a");
  const auto answered = ref.call(noted{});
  EXPECT_TRUE(answered.get());
  const auto waits = ref.call(held{}, 10min);
  bank.reset();
  EXPECT_FALSE(waits.get()) << "it was not waited for until its time was over";
  EXPECT_EQ(ref.call(noted{}).get().error().code, Errc::stopped);
  ref.cast(note{1});
  EXPECT_EQ(ref.send(note{1}).error().code, Errc::stopped);
  EXPECT_FALSE(ref.pid());
  node.reset();
  EXPECT_EQ(ref.call(noted{}).get().error().code, Errc::stopped);
  EXPECT_TRUE(answered.get()) << "an answer stays";
}

// ---- many at once ----------------------------------------------------------------------------------------

TEST_F(SupervisorFutures, StartChildrenSaysWhatWorkedAndWhatDidNot) {
  make(1);
  const auto result = web()
                          .start_children({ChildSpec::of<Sibling>("a"),
                                           {.id = "b", .run = WorkerSpec{"unheard-of"}},
                                           ChildSpec::of<Sibling>("a"),
                                           ChildSpec::of<Sibling>("c"),
                                           {.id = "d"}})
                          .get();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(result->cids(), (std::vector<Id>{"a", "c"}));
  EXPECT_EQ(result->first()->id, Id("a"));
  EXPECT_EQ(result->pid(), web().whereis("a"));
  EXPECT_EQ(result->pids(), (std::vector<Pid>{*web().whereis("a"), *web().whereis("c")}));
  EXPECT_EQ(result->node(), places->name(0));
  EXPECT_EQ(result->nodes(), std::vector<NodeName>{places->name(0)});
  ASSERT_NE(result->error_of("b"), nullptr);
  EXPECT_EQ(result->error_of("b")->error.code, Errc::no_such_worker);
  EXPECT_EQ(result->error_of("a")->error.code, Errc::invalid_argument) << "it was there twice";
  EXPECT_EQ(result->error_of("d")->error.code, Errc::invalid_argument);
  EXPECT_EQ(result->error_of("c"), nullptr);
  EXPECT_EQ(result->format().substr(0, 17), "2 started, 3 not:");
  EXPECT_FALSE(result->rollback);
  EXPECT_TRUE(web().start_children({}).get()->ok());
}

TEST_F(SupervisorFutures, RollbackStopsWhatWasStarted) {
  make(2);
  const std::vector<ChildSpec> specs{ChildSpec::of<Sibling>("a"), ChildSpec::of<Sibling>("bad", -1),
                                     ChildSpec::of<Sibling>("c")};
  const auto result = web().start_children(specs, {.on_failure = OnFailure::rollback}).get();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->rollback);
  EXPECT_EQ(result->cids(), (std::vector<Id>{"a", "c"})) << "they had been started";
  EXPECT_FALSE(web().whereis("a"));
  EXPECT_FALSE(web().whereis("c"));
  EXPECT_TRUE(start_all({"a", "c"}, {.on_failure = OnFailure::rollback}).ok());
  EXPECT_TRUE(web().whereis("a"));
}

TEST_F(SupervisorFutures, ACircleOfChildrenThatWaitForEachOtherIsRefusedByName) {
  make(1);
  ChildSpec a = ChildSpec::of<Sibling>("a");
  ChildSpec b = ChildSpec::of<Sibling>("b");
  a.after = {"b"};
  b.after = {"a"};
  const auto both = web().start_children({a, b}).get();
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, Errc::invalid_argument);
  EXPECT_NE(both.error().message.find("a after b after a"), std::string::npos) << both.error().message;
  const auto alone = web().start_child(a).get();
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, Errc::invalid_argument) << "there is no b";
  b.after.clear();
  EXPECT_TRUE(web().start_children({a, b}).get()->ok());
}

TEST_F(SupervisorFutures, RollbackLeavesWhatWasThereBefore) {
  make(1);
  ASSERT_TRUE(start_all({"there"}).ok());
  const std::vector<ChildSpec> specs{ChildSpec::of<Sibling>("there"), ChildSpec::of<Sibling>("bad", -1)};
  const auto result = web().start_children(specs, {.on_failure = OnFailure::rollback}).get();
  EXPECT_FALSE(result->ok());
  EXPECT_FALSE(result->rollback) << "nothing was started";
  EXPECT_TRUE(web().whereis("there"));
}

TEST_F(SupervisorFutures, RollbackStartsNothingWhereASpecIsNone) {
  make(1);
  const std::vector<ChildSpec> specs{ChildSpec::of<Sibling>("a"), {.id = "d"}};
  const auto result = web().start_children(specs, {.on_failure = OnFailure::rollback}).get();
  EXPECT_EQ(result.error().code, Errc::invalid_argument);
  EXPECT_TRUE(web().children().empty());
}

TEST_F(SupervisorFutures, RollbackTakesBackAStartThatIsLate) {
  make(1);
  const auto is_wanted = [&] { return !web().children().empty(); };
  for (const bool several : {false, true}) {
    Places::close_gate();
    const StartOptions options{.await_timeout = 500ms, .on_failure = OnFailure::rollback};
    std::optional<Future<Started>> one;
    std::optional<Future<StartResult>> many;
    if (several)
      many = web().start_children({ChildSpec::of<Sibling>("late")}, options);
    else
      one = web().start_child(ChildSpec::of<Sibling>("late"), options);
    EXPECT_TRUE(test::eventually(is_wanted));
    EXPECT_TRUE(test::eventually([&] { return !is_wanted(); })) << "it is taken back";
    Places::open_gate();
    const Error error = several ? many->get()->error_of("late")->error : one->get().error();
    EXPECT_EQ(error.code, Errc::timeout);
    EXPECT_NE(error.message.find("taken back"), std::string::npos) << error.message;
    EXPECT_FALSE(web().whereis("late"));
    EXPECT_FALSE(is_wanted());
  }
}

TEST_F(SupervisorFutures, CheckExistingStartsAllOrNone) {
  make(1);
  ASSERT_TRUE(start_all({"a"}).ok());
  const std::vector<ChildSpec> specs{ChildSpec::of<Sibling>("a"), ChildSpec::of<Sibling>("b")};
  const auto refused = web().start_children(specs, {.check_existing = true}).get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::already_started);
  EXPECT_EQ(encoded_to_string(refused.error().detail), "[<<\"a\">>]");
  EXPECT_EQ(refused.error().message, "1 of them run already, so none was started: a");
  EXPECT_FALSE(web().whereis("b"));
  const auto one = web().start_child(specs[0], {.check_existing = true}).get();
  EXPECT_EQ(decode<Pid>(one.error().detail).value(), *web().whereis("a"));
  const auto each = web().start_children(specs).get();
  EXPECT_EQ(each->cids(), std::vector<Id>{"b"});
}

TEST_F(SupervisorFutures, AwaitTimeoutEndsTheWaitAndNotTheStart) {
  make(1);
  Places::close_gate();
  const auto result = web().start_children({ChildSpec::of<Sibling>("a")}, {.await_timeout = 50ms}).get();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error_of("a")->error.code, Errc::timeout);
  Places::open_gate();
  EXPECT_TRUE(test::eventually([&] { return web().whereis("a").has_value(); }));
}

TEST_F(SupervisorFutures, MetadataOfAllIsThatOfEachThatSaysNothingElse) {
  make(1);
  auto own = ChildSpec::of<Sibling>("own");
  own.tag = "mine";
  const Term all = Term::map({{Term::atom("tag"), Term::binary("ours")}, {Term::atom("n"), Term(1)}});
  ASSERT_TRUE(web().start_children({own, ChildSpec::of<Sibling>("other")}, {.metadata = all}).get()->ok());
  EXPECT_EQ(web().child_lookup("own")->tag, "mine");
  EXPECT_EQ(web().child_lookup("other")->tag, "ours");
  EXPECT_EQ(*web().child_lookup("own")->metadata.get("n"), Term(1));
  EXPECT_EQ(web().start_children({own}, {.metadata = Term(5)}).get()->errors.size(), 1U);
}

TEST_F(SupervisorFutures, StopChildrenSaysWhereTheyRan) {
  make(1);
  ASSERT_TRUE(start_all({"a", "b"}).ok());
  const auto result = web().stop_children({"a", "none", "b", "a"}).get();
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(result->cids(), (std::vector<Id>{"a", "b"}));
  EXPECT_EQ(result->first()->nodes, std::vector<NodeName>{places->name(0)});
  EXPECT_EQ(result->nodes(), std::vector<NodeName>{places->name(0)});
  EXPECT_EQ(result->error_of("none")->error.code, Errc::no_such_child);
  EXPECT_EQ(result->format(),
            "2 stopped, 1 not:\n  none: " + result->errors[0].error.message + " (no_such_child)");
}

// ---- what is known of a child ----------------------------------------------------------------------------

TEST_F(SupervisorFutures, MetadataIsChangedFromAnyNodeWhileTheChildRunsOn) {
  make(2);
  ASSERT_TRUE(start_all({"a"}).ok());
  const auto pid = web().whereis("a");
  const auto count = [](const Term& old) {
    const Term* n = old.get("n");
    return Term::map({{Term::atom("n"), Term(n ? *n->as_integer() + 1 : std::int64_t{1})},
                      {Term::atom("tag"), Term::binary("counted")}});
  };
  for (std::int64_t i = 1; i <= 4; ++i) {
    Supervisor& from = web(static_cast<std::size_t>(i % 2));
    ASSERT_TRUE(from.update_metadata("a", count).get());
    for (std::size_t at = 0; at < 2; ++at)
      EXPECT_TRUE(test::eventually([&] {
        const auto child = web(at).child_lookup("a");
        return child && child->metadata.get("n") && *child->metadata.get("n") == Term(i);
      }));
  }
  EXPECT_EQ(web(1).children({.tag = "counted"})->children.size(), 1U);
  EXPECT_EQ(web().whereis("a"), pid);
  auto spec = ChildSpec::of<Sibling>("a");
  for (std::size_t at = 0; at < 2; ++at)
    EXPECT_EQ(web(at).start_child(spec).get().error().code, Errc::already_started) << "as it was started";
  spec.metadata = web().child_lookup("a")->metadata;
  EXPECT_EQ(web().start_child(spec).get().error().code, Errc::already_started) << "as it is now";
  spec.metadata = Term::map({{Term::atom("n"), Term(7)}});
  EXPECT_EQ(web().start_child(spec).get().error().code, Errc::conflict) << "as it never was";
  EXPECT_EQ(web().update_metadata("none", count).get().error().code, Errc::no_such_child);
  EXPECT_EQ(web().update_metadata("a", [](const Term&) { return Term(1); }).get().error().code,
            Errc::invalid_argument);
}

TEST_F(SupervisorFutures, MetadataThatNobodyCouldReadAgainIsRefused) {
  make(1);
  const auto nested = [](int levels) {
    Term inside = Term::list({});
    for (int i = 0; i < levels; ++i) inside = Term::list({inside});
    return Term::map({{Term::atom("in"), inside}});
  };
  const auto start = [&](const char* id, Term metadata) {
    auto spec = ChildSpec::of<Sibling>(id, 5);
    spec.metadata = std::move(metadata);
    return web().start_child(spec).get();
  };
  ASSERT_TRUE(start("a", nested(200)));
  EXPECT_EQ(web().child_lookup("a")->metadata, nested(200));
  const auto refused = start("b", nested(300));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::malformed) << refused.error().message;
  EXPECT_NE(refused.error().message.find("metadata"), std::string::npos) << refused.error().message;
  EXPECT_EQ(web().update_metadata("a", [&](const Term&) { return nested(300); }).get().error().code,
            Errc::malformed);
  EXPECT_EQ(web().child_lookup("a")->metadata, nested(200));
}

TEST_F(SupervisorFutures, AChildThatFailedIsTriedAgainAtOnce) {
  make(1);
  EXPECT_EQ(web().retry("none").get().error().code, Errc::no_such_child);
  ASSERT_TRUE(start_all({"a"}).ok());
  EXPECT_TRUE(web().retry("a").get());
}

TEST_F(SupervisorFutures, ARefFindsItsChildAnewAtEachUse) {
  make(2);
  ASSERT_TRUE(web().start_child(ChildSpec::of<Sibling>("a", 7), {.on = places->name(0)}).get());
  const ChildRef<Sibling> ref(web(1), "a");
  ASSERT_TRUE(test::eventually([&] { return ref.pid().has_value(); })) << "by the table of another node";
  const auto before = ref.pid();
  ASSERT_TRUE(web().restart_child("a").get());
  EXPECT_TRUE(test::eventually([&] { return ref.pid() && ref.pid() != before; }));
  EXPECT_EQ(ref.call(noted{}).get().value(), (std::vector<int>{7}));
  ASSERT_TRUE(web().stop_child("a").get());
  EXPECT_EQ(ref.call(noted{}).get().error().code, Errc::no_such_child);
  ASSERT_TRUE(web().start_child(ChildSpec::of<Sibling>("a", 9), {.on = places->name(1)}).get());
  EXPECT_EQ(ref.call(noted{}).get().value(), (std::vector<int>{9})) << "another one, on another node";
}

TEST_F(SupervisorFutures, ARefOfAClassKnowsWhatIsAnswered) {
  make(1);
  const ChildRef<Sibling> ref(web(), "a");
  EXPECT_EQ(ref.call(noted{}).get().error().code, Errc::no_such_child);
  ASSERT_TRUE(web().start_child(ChildSpec::of<Sibling>("a", 7)).get());
  static_assert(std::is_same_v<decltype(ref.call(noted{})), Future<std::vector<int>>>);
  static_assert(std::is_same_v<decltype(ref.call(held{})), Future<int>>);
  static_assert(std::is_same_v<decltype(ref.call(end_self{})), Future<void>>);
  ref.cast(note{8});
  EXPECT_EQ(ref.call(noted{}).get().value(), (std::vector<int>{7, 8}));
  EXPECT_EQ(ref.pid(), web().whereis("a"));
}

TEST_F(SupervisorFutures, ACallSaysItsTypeAlsoWhereTheMessageIsOne) {
  make(1);
  ASSERT_TRUE(web().start_child(ChildSpec::of<Sibling>("a", 7)).get());
  const auto by_supervisor = web().call<Term>("a", Term::atom("noted"));
  static_assert(std::is_same_v<decltype(by_supervisor), const Future<Term>>);
  EXPECT_EQ(by_supervisor.get().value(), Term::list({Term(7)}));
  const auto by_ref = ChildRef<Worker>(web(), "a").call<Term>(Term::atom("noted"), 5s);
  static_assert(std::is_same_v<decltype(by_ref), const Future<Term>>);
  EXPECT_EQ(by_ref.get().value(), by_supervisor.get().value());
}

TEST_F(SupervisorFutures, ARestartBeginsAnewUnderAnotherPid) {
  make(1);
  const auto first = web().start_child(ChildSpec::of<Sibling>("a", 5)).get();
  ASSERT_TRUE(first) << first.error().message;
  web().cast("a", note{8});
  const auto again = web().restart_child("a").get();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_NE(again->pid, first->pid);
  EXPECT_EQ(web().call("a", noted{}).get().value(), (std::vector<int>{5})) << "it is what its spec says";
  EXPECT_EQ(web().restart_child("nobody").get().error().code, Errc::no_such_child);
}

TEST_F(SupervisorFutures, AnEndDoesNotWaitForAStopThatNobodyWaitsFor) {
  make(1);
  ASSERT_TRUE(start_all({"a"}).ok());
  const auto begin = std::chrono::steady_clock::now();
  (void)web().stop_child("a");
  places.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
}

}  // namespace future_test
}  // namespace brood::inline v0
