// What handlers may ask of a Supervisor: calls by id, starts and stops, and what they get where they would
// wait for themselves. Also what waits for a child that does not run.
#include <gtest/gtest.h>

#include <brood/brood.hpp>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "supervisor/node/node_test_support.hpp"

namespace brood::inline v0 {
namespace handler_calls_test {

/// Calls the first of `path` by id, which calls the next. The answer is that of the last.
struct relay {
  std::vector<std::string> path;
};
struct stop {
  std::string id;
};
struct start {
  std::string id;
};
struct note {
  int number;
};
struct noted {};
struct fall {};
struct refuse {};

using namespace std::chrono_literals;
using test::Places;

class Caller : public Worker {
 public:
  using handles = messages<relay, stop, start, note, noted, fall, refuse>;
  Caller() { Places::wait_for_gate(); }

  std::string on(relay r) {
    if (r.path.empty()) return "end";
    const std::string next = r.path.front();
    r.path.erase(r.path.begin());
    return words(here().call<std::string>(next, std::move(r), 20s).get());
  }
  std::string on(stop s) {
    const auto stopped = here().stop_child(s.id, {.timeout = 20s}).get();
    return stopped ? "ok" : std::string(to_string(stopped.error().code));
  }
  std::string on(start s) {
    const auto started =
        here().start_child({.id = s.id, .run = WorkerSpec{"caller"}}, {.timeout = 20s}).get();
    return started ? "ok" : std::string(to_string(started.error().code));
  }
  void on(note n) { notes_.push_back(n.number); }
  std::vector<int> on(noted) const { return notes_; }
  void on(fall) { throw std::runtime_error("fell"); }
  Result<int> on(refuse) { return Error{Errc::not_allowed, "not today"}; }

 private:
  static std::string words(const Result<std::string>& result) {
    return result ? *result : std::string(to_string(result.error().code));
  }
  Supervisor& here() const { return Places::at(self().node.text()); }
  std::vector<int> notes_;
};

class Handlers : public ::testing::Test {
 protected:
  void make(std::size_t nodes) {
    places = std::make_unique<Places>(nodes, [](Node& node) { return node.workers().add<Caller>("caller"); });
    ASSERT_TRUE(places->formed());
  }
  void start_all(const std::vector<std::string>& ids) {
    started.insert(started.end(), ids.begin(), ids.end());
    for (const std::string& id : ids)
      ASSERT_TRUE(web().start_child({.id = id, .run = WorkerSpec{"caller"}}).get()) << id;
  }
  Supervisor& web() { return places->web(0); }
  /// The answer, which has to come at once: a time-out would take 20 s.
  template <typename M>
  std::string ask(const std::string& id, M message) {
    const auto before = std::chrono::steady_clock::now();
    auto answer = web().call<std::string>(id, std::move(message), 25s).get();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 15s);
    return answer ? *answer : "failed: " + std::string(to_string(answer.error().code));
  }
  // A call that was refused as a circle was sent all the same: what is behind it has been handled when this
  // is answered, and nobody asks for the places that are to go.
  void TearDown() override {
    for (const std::string& id : started) (void)web().call<std::string>(id, relay{}, 10s).get();
  }
  std::unique_ptr<Places> places;
  std::vector<std::string> started;
};

TEST_F(Handlers, CallsByIdAreAnsweredHoweverFewTheThreads) {
  make(1);  // with two threads
  start_all({"a", "b", "c", "d", "e", "f"});
  EXPECT_EQ(ask("a", relay{{"b", "c", "d", "e", "f"}}), "end");
}

TEST_F(Handlers, ACallToOneselfOrInACircleIsADeadlockAtOnce) {
  make(1);
  start_all({"a", "b", "c"});
  EXPECT_EQ(ask("a", relay{{"a"}}), "deadlock");
  EXPECT_EQ(ask("a", relay{{"b", "c", "a"}}), "deadlock");
  EXPECT_EQ(ask("a", relay{{"b", "c", "b"}}), "deadlock");
  EXPECT_EQ(ask("a", relay{{"b", "c"}}), "end") << "nobody waits any more";
}

TEST_F(Handlers, ACircleOfCallsThroughTwoNodesIsADeadlockAtOnce) {
  make(2);
  const auto [here, there] = places->ids_apart();
  start_all({here, there});
  EXPECT_EQ(ask(here, relay{{there}}), "end");
  EXPECT_EQ(ask(here, relay{{there, here}}), "deadlock");
  EXPECT_EQ(ask(there, relay{{here, there}}), "deadlock");
  EXPECT_EQ(ask(there, relay{{here}}), "end") << "nobody waits any more";
}

TEST_F(Handlers, StartAndStopOthersAndDoNotWaitForTheirOwnEnd) {
  make(1);
  start_all({"a", "b"});
  EXPECT_EQ(ask("a", start{"c"}), "ok");
  EXPECT_EQ(ask("a", stop{"c"}), "ok");
  EXPECT_EQ(ask("a", start{"a"}), "already_started");
  EXPECT_EQ(ask("a", stop{"a"}), "deadlock");
  ASSERT_TRUE(test::eventually([&] { return !web().whereis("a"); })) << "it only could not wait for that";
}

TEST_F(Handlers, ARefusalIsAnErrorWhateverTypeIsAskedFor) {
  make(1);
  start_all({"a"});
  EXPECT_EQ(web().call<int>("a", refuse{}).get().error().code, Errc::not_allowed);
  const auto term = web().call<Term>("a", refuse{}).get();
  ASSERT_FALSE(term) << to_string(*term);
  EXPECT_EQ(term.error().code, Errc::not_allowed);
  EXPECT_EQ(term.error().message, "not today");
}

TEST_F(Handlers, ACallMayWaitForEver) {
  make(1);
  start_all({"a"});
  EXPECT_EQ(web().call<std::string>("a", relay{}, std::chrono::milliseconds::max()).get().value(), "end");
  EXPECT_TRUE(web().stop_child("a", {.timeout = std::chrono::milliseconds::max()}).get());
}

TEST_F(Handlers, CastsToAChildThatRestartsKeepTheirOrderAndACallComesAfterThem) {
  make(1);
  start_all({"a"});
  const auto before = web().whereis("a");
  Places::close_gate();  // it is not started again before that opens
  EXPECT_EQ(web().call<void>("a", fall{}).get().error().code, Errc::died);
  ASSERT_TRUE(test::eventually([&] { return !web().whereis("a"); }));
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    web().cast("a", note{i});
    expected.push_back(i);
  }
  std::thread opener([] { Places::open_gate(); });
  for (int i = 100; i < 2000; ++i) {
    web().cast("a", note{i});
    expected.push_back(i);
  }
  EXPECT_EQ(web().call<std::vector<int>>("a", noted{}, 20s).get().value(), expected);
  opener.join();
  EXPECT_NE(web().whereis("a"), before);
}

TEST_F(Handlers, ChildrenComeInPages) {
  make(1);
  std::vector<ChildSpec> specs;
  for (int i = 0; i < 25; ++i)
    specs.push_back(
        {.id = "p" + std::to_string(i), .run = WorkerSpec{"caller"}, .tag = i % 2 == 0 ? "even" : "odd"});
  ASSERT_TRUE(web().start_children(specs).get()->ok());
  std::vector<std::string> ids;
  ChildQuery query{.limit = 10};
  for (;;) {
    auto page = web().children(query);
    ASSERT_TRUE(page);
    EXPECT_LE(page->children.size(), 10U);
    for (const ChildInfo& child : page->children) ids.push_back(child.id.text());
    if (!page->next) break;
    query.after = page->next;
  }
  EXPECT_EQ(ids.size(), 25U);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 25U);
  EXPECT_EQ(web().children({.tag = "even"})->children.size(), 13U);
  EXPECT_EQ(web().children({.local = true})->children.size(), 25U);
  EXPECT_TRUE(web().children({.limit = 0})->children.empty());
  EXPECT_EQ(web().children({.after = Id(Term::list({}))}).error().code, Errc::invalid_argument);
}

}  // namespace handler_calls_test
}  // namespace brood::inline v0
