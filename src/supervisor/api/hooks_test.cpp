// Hooks and the history on a real node: what is told of a child from its start to its stop, and what a start
// waits for.
#include <gtest/gtest.h>

#include <brood/brood.hpp>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "supervisor/node/node_test_support.hpp"

namespace brood::inline v0 {
namespace hooks_test {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;
using test::eventually;

struct crash {};
struct value {};

class Box : public Worker {
 public:
  using handles = messages<crash, value>;
  explicit Box(std::string text) : text_(std::move(text)) {}
  void on(crash) { throw std::runtime_error("fell"); }
  std::string on(value) { return text_; }

 private:
  std::string text_;
};

class HooksOnANode : public ::testing::Test {
 protected:
  HooksOnANode() { EXPECT_TRUE(node.workers().add<Box>("box")); }
  ~HooksOnANode() override { web.reset(); }

  void begin(SupervisorOptions options) {
    options.name = "web";
    options.form_wait = 0ms;
    web = std::make_unique<Supervisor>(node, std::move(options));
    ASSERT_TRUE(node.wait_up(10s));
  }
  void say(const std::string& line) {
    const std::scoped_lock lock(mutex);
    said.push_back(line);
  }
  Lines lines() {
    const std::scoped_lock lock(mutex);
    return said;
  }
  ::testing::AssertionResult say_in_the_end(const Lines& expected) {
    eventually([&] { return lines().size() >= expected.size(); });
    if (lines() == expected) return ::testing::AssertionSuccess();
    std::string all;
    for (const std::string& line : lines()) all += line + "\n";
    return ::testing::AssertionFailure() << "said:\n" << all;
  }
  std::vector<Hook> of_children() {
    const auto first = [](const auto& list) { return list.front().child.id.text(); };
    return {
        on<hooks::PreChildrenStart>("t",
                                    [this](const auto& e) { say("pre " + e.children.front().id.text()); }),
        on<hooks::PostChildrenStart>("t", [this, first](const auto& e) { say("post " + first(e.children)); }),
        on<hooks::ProcessStartups>("t",
                                   [this, first](const auto& e) {
                                     say(std::string(e.children.front().ok ? "started " : "failed ") +
                                         first(e.children));
                                   }),
        on<hooks::RegistryPidInsert>("t", [this](const auto& e) { say("insert " + e.id.text()); }),
        on<hooks::RegistryPidRemove>(
            "t", [this](const auto& e) { say("remove " + e.id.text() + " " + e.nodes.front().text()); }),
        on<hooks::ChildProcessPidUpdate>(
            "t",
            [this](const auto& e) { say("update " + e.id.text() + (e.before == e.after ? " same" : "")); }),
        on<hooks::CoordinatorShutdown>("t", [this](const auto& e) { say("over " + e.reason); })};
  }

  std::mutex mutex;
  Lines said;
  std::atomic<int> asked = 0, percent = 25;  // of a load that is measured for as long as `web` is there
  Node node{NodeOptions{}};
  std::unique_ptr<Supervisor> web;
};

TEST_F(HooksOnANode, AreToldOfAChildFromItsStartToItsStop) {
  SupervisorOptions options;
  options.hooks = of_children();
  begin(std::move(options));
  ASSERT_TRUE(web->start_child({.id = "a", .run = WorkerSpec{"box", args(std::string("x"))}}).get());
  Lines expected{"pre a", "post a", "insert a", "started a"};
  ASSERT_TRUE(say_in_the_end(expected));
  web->cast("a", crash{});
  for (const char* line : {"pre a", "post a", "insert a", "update a", "started a"})
    expected.emplace_back(line);
  ASSERT_TRUE(say_in_the_end(expected));
  ASSERT_TRUE(web->stop_child("a").get());
  expected.emplace_back("remove a nonode@nohost");
  ASSERT_TRUE(say_in_the_end(expected));
  const auto why = web->why("a");
  ASSERT_TRUE(why);
  Lines events;
  for (const HistoryEvent& event : why->events) events.push_back(event.event + " " + event.cause);
  EXPECT_EQ(events, (Lines{"started asked", "started crashed", "stop_asked ", "ended stopped"}));
  EXPECT_EQ(why->state, "it is gone");
  web.reset();
  expected.emplace_back("over shutdown");
  ASSERT_TRUE(say_in_the_end(expected));
}

TEST_F(HooksOnANode, ComeAndGoWhileTheSupervisorRuns) {
  begin({});
  Hooks hooks = web->hooks();
  ASSERT_TRUE(hooks.add(of_children()));
  EXPECT_EQ(hooks.list().size(), 7U);
  EXPECT_FALSE(hooks.add(of_children())) << "they are there";
  for (const HookInfo& hook : hooks.list()) {
    if (hook.key == "process_startups") continue;
    EXPECT_TRUE(hooks.cancel(hook.key, hook.id));
  }
  ASSERT_TRUE(web->start_child({.id = "a", .run = WorkerSpec{"box", args(std::string("x"))}}).get());
  EXPECT_FALSE(web->start_child({.id = "b", .run = WorkerSpec{"box", args(5)}}).get());
  ASSERT_TRUE(say_in_the_end({"started a", "failed b"}));
  ASSERT_TRUE(hooks.add(on_own("mine", "t", [this](const Term& data) { say("own " + to_string(data)); })));
  ASSERT_TRUE(hooks.emit("mine", Term::atom("now")));
  ASSERT_TRUE(say_in_the_end({"started a", "failed b", "own now"}));
  web.reset();
  EXPECT_EQ(hooks.emit("mine", Term(1)).error().code, Errc::stopped);
}

TEST_F(HooksOnANode, OneThatHangsHoldsUpNoChild) {
  std::promise<void> gate;
  auto open = gate.get_future().share();
  SupervisorOptions options;
  options.hooks = {on<hooks::PreChildrenStart>("hangs", [open](const auto&) { open.wait(); })};
  options.hook_limits.queue_max = 2;
  begin(std::move(options));
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(
        web->start_child({.id = "c" + std::to_string(i), .run = WorkerSpec{"box", args(std::string("x"))}})
            .get());
  EXPECT_EQ(web->hooks().counters().dropped, 3U);
  gate.set_value();
}

TEST_F(HooksOnANode, MayChangeWhatAChildStartsWith) {
  SupervisorOptions options;
  options.hooks = {on_start("secret", [](hooks::StartData& data) {
    if (data.id == "a") data.args = Term::list({Term::binary(data.restart ? "again" : "altered")});
  })};
  begin(std::move(options));
  for (const char* id : {"a", "b"})
    ASSERT_TRUE(web->start_child({.id = id, .run = WorkerSpec{"box", args(std::string("plain"))}}).get());
  EXPECT_EQ(web->call<std::string>("a", value{}).get().value(), "altered");
  EXPECT_EQ(web->call<std::string>("b", value{}).get().value(), "plain");
  web->cast("a", crash{});
  EXPECT_TRUE(eventually([&] { return web->call<std::string>("a", value{}).get().value_or("") == "again"; }));
  EXPECT_TRUE(web->stop_child("a").get());
}

TEST_F(HooksOnANode, AStartDoesNotWaitForAnAlterThatHangs) {
  std::promise<void> gate;
  auto open = gate.get_future().share();
  SupervisorOptions options;
  options.hooks = {on_start("hangs", [open](hooks::StartData& data) {
    open.wait();
    data.args = Term::list({Term::binary("late")});
  })};
  options.hook_limits.alter_timeout = 30ms;
  begin(std::move(options));
  ASSERT_TRUE(web->start_child({.id = "a", .run = WorkerSpec{"box", args(std::string("plain"))}}).get());
  EXPECT_EQ(web->call<std::string>("a", value{}).get().value(), "plain");
  EXPECT_EQ(web->hooks().counters().late_alters, 1U);
  gate.set_value();
}

TEST_F(HooksOnANode, AStopOfAChildThatWaitsForAnAlterIsAnsweredAtOnce) {
  std::promise<void> begun;
  std::promise<void> gate;
  auto open = gate.get_future().share();
  SupervisorOptions options;
  options.hooks = {on_start("hangs", [&begun, open](hooks::StartData&) {
    begun.set_value();
    open.wait();
  })};
  options.hook_limits.alter_timeout = 600s;
  begin(std::move(options));
  std::thread starter([this] {
    EXPECT_FALSE(web->start_child({.id = "a", .run = WorkerSpec{"box", args(std::string("x"))}}).get());
  });
  begun.get_future().wait();
  EXPECT_TRUE(web->stop_child("a").get());
  starter.join();
  gate.set_value();
  EXPECT_FALSE(web->whereis("a"));
}

struct Hears final : Listener {
  explicit Hears(std::function<void(const std::string&)> to) : say(std::move(to)) {}
  void on_process_start(const std::string& of, const Id& id, const Pid&) override {
    say(of + " start " + id.text());
  }
  void on_process_stop(const std::string& of, const Id& id, const std::vector<Pid>& pids) override {
    say(of + " stop " + id.text() + " " + std::to_string(pids.size()));
  }
  std::function<void(const std::string&)> say;
};

TEST_F(HooksOnANode, AListenerHearsOfTheProcessesOfItsChildren) {
  SupervisorOptions options;
  options.listeners = {
      {std::make_shared<Hears>([this](const std::string& line) { say(line); }), "web-", false}};
  begin(std::move(options));
  for (const char* id : {"web-1", "db-1"})
    ASSERT_TRUE(web->start_child({.id = id, .run = WorkerSpec{"box", args(std::string("x"))}}).get());
  web->cast("web-1", crash{});
  EXPECT_TRUE(say_in_the_end({"web start web-1", "web stop web-1 1", "web start web-1"}));
  ASSERT_TRUE(web->stop_child("web-1").get());
  EXPECT_TRUE(say_in_the_end({"web start web-1", "web stop web-1 1", "web start web-1", "web stop web-1 1"}));
}

TEST_F(HooksOnANode, TheHistoryIsBoundedAndReadOnFromWhereOneHasCome) {
  SupervisorOptions options;
  options.history_events = 4;
  begin(std::move(options));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(web->start_child({.id = "a", .run = WorkerSpec{"box", args(std::string("x"))}}).get());
    ASSERT_TRUE(web->stop_child("a").get());
  }
  const auto why = web->why("a");
  ASSERT_TRUE(why);
  EXPECT_EQ(why->events.size(), 4U);
  const auto page = web->events();
  ASSERT_TRUE(page);
  ASSERT_TRUE(web->start_child({.id = "b", .run = WorkerSpec{"box", args(std::string("x"))}}).get());
  const auto more = web->events({.after = page->next});
  ASSERT_TRUE(more);
  ASSERT_EQ(more->events.size(), 1U);
  EXPECT_EQ(more->events[0].text, "b started on nonode@nohost: nonode@nohost was asked to start it");
  EXPECT_EQ(web->events({.prefix = "b"})->events.size(), 1U);
  EXPECT_EQ(web->why("nobody").error().code, Errc::no_such_child);
}

TEST_F(HooksOnANode, TheLeaderIsToldWhatANodeCountsForOnlyWhenThatChanges) {
  SupervisorOptions options;
  options.strategies.distribution = StrategyChoice{
      "load_balancer", {{"push_interval_ms", std::int64_t{100}}, {"max_history_size", std::int64_t{1}}}};
  options.load = [this] { return ++asked, percent / 100.0; };
  options.hooks = {on<hooks::ScoreboardUpdated>("t", [this](const auto& e) {
    // Before its first view it is on no board.
    const NodeScore before = e.before.nodes.empty() ? NodeScore{} : e.before.nodes.front();
    say(e.node.text() + " " + std::to_string(static_cast<int>(100 * before.score)) + " " +
        std::to_string(static_cast<int>(100 * e.now.score)) + " " + std::to_string(before.told));
  })};
  begin(std::move(options));
  ASSERT_TRUE(say_in_the_end({"nonode@nohost 0 25 0"}));
  ASSERT_TRUE(eventually([&] { return asked >= 6; }));
  ASSERT_TRUE(say_in_the_end({"nonode@nohost 0 25 0"})) << "it has told the same again and again";
  percent = 75;
  ASSERT_TRUE(eventually([&] { return lines().size() > 1; }));
  EXPECT_EQ(lines()[1].substr(0, 17), "nonode@nohost 25 ");
}

// ---- several nodes -------------------------------------------------------------------------------------

struct Counted final : Listener {
  void on_node_up(const std::string&, const NodeName& node) override {
    count("up " + node.text().substr(0, 2));
  }
  void on_node_down(const std::string&, const NodeName& node) override {
    count("down " + node.text().substr(0, 2));
  }
  void on_node_terminate(const std::string&, const NodeName& node, const std::string& reason,
                         const std::vector<TerminatedChild>& children) override {
    count("terminate " + node.text().substr(0, 2) + " " + reason);
    const std::scoped_lock lock(mutex);
    for (const TerminatedChild& child : children) went[child.id.text()] = child.went_to.text().substr(0, 2);
  }
  void count(const std::string& what) {
    const std::scoped_lock lock(mutex);
    ++counts[what];
  }
  std::map<std::string, int> now() {
    const std::scoped_lock lock(mutex);
    return counts;
  }
  std::mutex mutex;
  std::map<std::string, int> counts;
  std::map<std::string, std::string> went;
};

TEST(HooksOfACluster, ListenersHearOfNodesOnceOrEverywhere) {
  test::Places places(3, [](Node& node) { return node.workers().add<Box>("box"); });
  ASSERT_TRUE(places.formed());
  const auto once = std::make_shared<Counted>();
  const auto everywhere = std::make_shared<Counted>();
  std::string there;
  for (int i = 0; i < 20; ++i) {
    const std::string id = "c" + std::to_string(i);
    ASSERT_TRUE(
        places.web(0).start_child({.id = id, .run = WorkerSpec{"box", args(std::string("x"))}}).get());
    if (places.web(2).mine(id)) there = id;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    places.web(i).hooks().listen({once, "", false});
    places.web(i).hooks().listen({everywhere, "", true});
  }
  places.end(2);
  const std::map<std::string, int> one{{"terminate p3 shutdown", 1}, {"down p3", 1}};
  const std::map<std::string, int> each{{"terminate p3 shutdown", 2}, {"down p3", 2}};
  EXPECT_TRUE(eventually([&] { return once->now() == one && everywhere->now() == each; }));
  const std::scoped_lock lock(once->mutex);
  ASSERT_FALSE(there.empty());
  const std::string to = once->went[there];
  EXPECT_TRUE(to == "p1" || to == "p2") << to;
}

}  // namespace hooks_test
}  // namespace brood::inline v0
