// Who is told, in which order, and what a handler that is slow or throws does to others. And what is made of
// a step that tells of members that go.
#include "supervisor/hooks/hook_table.hpp"

#include <gtest/gtest.h>

#include <future>

#include "supervisor/hooks/alters.hpp"
#include "supervisor/hooks/hook_feed.hpp"

namespace brood::supervisor {
namespace hook_table_test {

using std::chrono::milliseconds;

/// Names, in the order in which handlers say them.
struct Said {
  void add(const std::string& what) {
    const std::scoped_lock lock(mutex);
    all.push_back(what);
  }
  std::vector<std::string> take() {
    const std::scoped_lock lock(mutex);
    return std::exchange(all, {});
  }
  std::mutex mutex;
  std::vector<std::string> all;
};
using Lines = std::vector<std::string>;

struct HookTableTest : ::testing::Test {
  std::shared_ptr<Lanes> lanes = std::make_shared<Lanes>();
  std::shared_ptr<HookTable> table = make({});
  Said said;

  std::shared_ptr<HookTable> make(HookLimits limits) {
    return std::make_shared<HookTable>("web", limits, lanes);
  }
  Hook join(const std::string& id, int priority = 0) {
    return on<hooks::PreClusterJoin>(
        id, [this, id](const hooks::PreClusterJoin& event) { said.add(id + " " + event.node.text()); },
        priority);
  }
  Lines told(const std::string& node = "n1") {
    table->tell(hooks::PreClusterJoin{node});
    wait();
    return said.take();
  }
  void wait() {
    std::promise<void> reached;
    ASSERT_TRUE(lanes->events.put([&] { reached.set_value(); }));
    reached.get_future().wait();
  }
};

TEST_F(HookTableTest, GreaterPrioritiesGoFirstAndEqualOnesAsTheyCame) {
  ASSERT_TRUE(table->add({join("a"), join("b", 5), join("c"), join("d", -1), join("e", 5)}));
  EXPECT_EQ(told(), (Lines{"b n1", "e n1", "a n1", "c n1", "d n1"}));
  Lines listed;
  for (const HookInfo& hook : table->list()) listed.push_back(hook.id);
  EXPECT_EQ(listed, (Lines{"b", "e", "a", "c", "d"}));
  EXPECT_TRUE(table->cancel("pre_cluster_join", "e"));
  EXPECT_FALSE(table->cancel("pre_cluster_join", "e"));
  EXPECT_EQ(told(), (Lines{"b n1", "a n1", "c n1", "d n1"}));
}

TEST_F(HookTableTest, AreAddedAllOrNone) {
  ASSERT_TRUE(table->add({join("a")}));
  EXPECT_EQ(table->add({join("b"), join("a")}).error().code, Errc::already_exists);
  EXPECT_EQ(table->add({Hook{"", "pre_cluster_join", 0, [](const HookEvent&) {}, {}}}).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(table->add({Hook{"x", "pre_cluster_join", 0, {}, {}}}).error().code, Errc::invalid_argument);
  EXPECT_EQ(table->list().size(), 1U);
  // The same id under another key is another hook; a key may have ProcessHub's name.
  ASSERT_TRUE(table->add({Hook{"a", "post_cluster_join_hook", 0, [](const HookEvent&) {}, {}}}));
  EXPECT_TRUE(table->cancel("post_cluster_join", "a"));
}

TEST_F(HookTableTest, WhatNobodyWantsIsNotAskedFor) {
  EXPECT_FALSE(table->wants<hooks::PreClusterJoin>());
  ASSERT_TRUE(table->add({join("a")}));
  EXPECT_TRUE(table->wants<hooks::PreClusterJoin>());
  EXPECT_FALSE(table->wants<hooks::PostClusterJoin>());
  table->cancel("pre_cluster_join", "a");
  EXPECT_FALSE(table->wants<hooks::PreClusterJoin>());
}

TEST_F(HookTableTest, OneThatThrowsIsCountedAndTheNextIsTold) {
  ASSERT_TRUE(table->add({on<hooks::PreClusterJoin>(
      "bad", [](const hooks::PreClusterJoin&) { throw std::runtime_error("no"); }, 9)}));
  ASSERT_TRUE(table->add({join("good")}));
  EXPECT_EQ(told(), (Lines{"good n1"}));
  EXPECT_EQ(table->counters().thrown, 1U);
  EXPECT_EQ(table->counters().told, 1U);
}

TEST_F(HookTableTest, WhatDoesNotFitIsDroppedAndCountedAndWhoTellsDoesNotWait) {
  table = make({.queue_max = 3});
  std::promise<void> gate;
  auto open = gate.get_future().share();
  ASSERT_TRUE(
      table->add({on<hooks::PreClusterJoin>("slow", [&](const hooks::PreClusterJoin&) { open.wait(); })}));
  for (int i = 0; i < 10; ++i) table->tell(hooks::PreClusterJoin{"n1"});
  EXPECT_EQ(table->counters().dropped, 7U);
  EXPECT_EQ(table->counters().waiting, 3U);
  gate.set_value();
  wait();
  EXPECT_EQ(table->counters().told, 3U);
  EXPECT_EQ(table->counters().waiting, 0U);
}

TEST_F(HookTableTest, KeysOfOnesOwnAreTold) {
  ASSERT_TRUE(
      table->add({on_own("deployed", "mine", [this](const Term& data) { said.add(to_string(data)); })}));
  ASSERT_TRUE(table->emit("deployed", Term(5)));
  ASSERT_TRUE(table->emit("nobody_listens", Term(6)));
  wait();
  EXPECT_EQ(said.take(), (Lines{"5"}));
  EXPECT_EQ(table->emit("pre_cluster_join", Term(1)).error().code, Errc::invalid_argument);
  EXPECT_EQ(table->emit("child_data_alter", Term(1)).error().code, Errc::invalid_argument);
}

TEST_F(HookTableTest, AKeyOfBroodsIsNoneOfOnesOwn) {
  for (const char* key : {"pre_cluster_join", "pre_cluster_join_hook", "child_data_alter"}) {
    const auto added = table->add({on_own("deployed", "fine", [](const Term&) {}),
                                   on_own(key, "mine", [this](const Term&) { said.add("told"); })});
    ASSERT_FALSE(added) << key;
    EXPECT_EQ(added.error().code, Errc::invalid_argument);
    EXPECT_NE(added.error().message.find("hook 'mine': on_own() is for keys of the program's own"),
              std::string::npos)
        << added.error().message;
  }
  EXPECT_TRUE(table->list().empty()) << "all or none";
  EXPECT_FALSE(table->wants<hooks::PreClusterJoin>());
}

struct Hears final : Listener {
  explicit Hears(Said& to) : said(to) {}
  void on_process_start(const std::string&, const Id& id, const Pid&) override {
    said.add("start " + id.text());
  }
  void on_process_stop(const std::string&, const Id& id, const std::vector<Pid>& pids) override {
    said.add("stop " + id.text() + " of " + pids.front().node.text());
  }
  void on_node_up(const std::string& of, const NodeName& node) override {
    said.add(of + " up " + node.text());
  }
  void on_node_down(const std::string& of, const NodeName& node) override {
    said.add(of + " down " + node.text());
  }
  Said& said;
};

TEST_F(HookTableTest, ListenersHearOfTheirChildrenAndOfNodesOnceInTheCluster) {
  const auto start = [&](const char* id) {
    table->tell_listeners(*ChildId::binary(id), true,
                          [id](Listener& to, const std::string& of) { to.on_process_start(of, id, {}); });
  };
  const auto up = [&](bool is_mine) {
    table->tell_listeners(std::nullopt, is_mine,
                          [](Listener& to, const std::string& of) { to.on_node_up(of, "n2"); });
  };
  EXPECT_FALSE(table->listens());
  const auto some = table->listen({std::make_shared<Hears>(said), "web-", false});
  EXPECT_TRUE(table->listens());
  start("web-1"), start("db-1"), up(false), up(true);
  wait();
  EXPECT_EQ(said.take(), (Lines{"start web-1", "web up n2"}));
  table->unlisten(some);
  table->listen({std::make_shared<Hears>(said), "", true});
  start("db-1"), up(false);
  wait();
  EXPECT_EQ(said.take(), (Lines{"start db-1", "web up n2"}));
}

struct Throws final : Listener {
  void on_process_start(const std::string&, const Id&, const Pid&) override {
    throw std::runtime_error("no");
  }
};

TEST_F(HookTableTest, AListenerThatThrowsIsCountedAndTheOthersHear) {
  table->listen({std::make_shared<Throws>(), "", false});
  table->listen({std::make_shared<Hears>(said), "", false});
  for (const char* id : {"a", "b"})
    table->tell_listeners(*ChildId::binary(id), true,
                          [term = Term::binary(id)](Listener& to, const std::string& of) {
                            to.on_process_start(of, term, {});
                          });
  wait();
  EXPECT_EQ(said.take(), (Lines{"start a", "start b"}));
  EXPECT_EQ(table->counters().thrown, 2U);
}

TEST_F(HookTableTest, SubscribersGetTheKeysThatTheyAskedForAsTerms) {
  std::promise<void> got;
  const auto one = table->subscribe({"pre_cluster_join_hook"}, [&](std::string_view key, const Term& data) {
    said.add(std::string(key) + " " + to_string(data));
    return true;
  });
  ASSERT_TRUE(one);
  const auto all = table->subscribe({}, [&](std::string_view key, const Term&) {
    said.add("all " + std::string(key));
    if (key == "registry_pid_remove") got.set_value();
    return true;
  });
  ASSERT_TRUE(all);
  table->tell(hooks::PreClusterJoin{"n1@h"});
  table->tell(hooks::RegistryPidRemove{"a", {"n1@h"}});
  got.get_future().wait();
  EXPECT_EQ(said.take(), (Lines{"pre_cluster_join n1@h", "all pre_cluster_join", "all registry_pid_remove"}));
  EXPECT_EQ(table->counters().subscribers, 2U);
  table->unsubscribe(*one);
  table->unsubscribe(*all);
  EXPECT_FALSE(table->wants<hooks::PreClusterJoin>());
}

TEST_F(HookTableTest, AnAlterThatThrowsHasChangedNothingAndTheNextGoesOn) {
  ASSERT_TRUE(table->add({on_start(
                              "bad",
                              [](hooks::StartData& data) {
                                data.args = Term(1);
                                throw 1;
                              },
                              2),
                          on_start("good", [](hooks::StartData& data) {
                            data.args = Term::list({data.args, Term::atom("more")});
                          })}));
  EXPECT_TRUE(table->alters());
  hooks::StartData data{"web", "a", Term::map({}), false, "counter", Term(7)};
  table->alter(data);
  EXPECT_EQ(to_string(data.args), "[7,more]");
  EXPECT_EQ(table->counters().thrown, 1U);
}

TEST(HookLane, LeavesAJobBehindThatDoesNotReturn) {
  auto gate = std::make_shared<std::promise<void>>();
  auto open = gate->get_future().share();
  Lane lane;
  std::promise<void> begun;
  ASSERT_TRUE(lane.put([&begun, open] {
    begun.set_value();
    open.wait();
  }));
  begun.get_future().wait();
  ASSERT_TRUE(lane.put([] { ADD_FAILURE() << "it was dropped"; }));
  lane.finish(milliseconds(10));
  EXPECT_FALSE(lane.put([] {}));
  gate->set_value();
}

// ---- what is made of a step -----------------------------------------------------------------------------

struct HookFeedTest : HookTableTest {
  void step(const core::Effects& effects) {
    feed.before(effects);
    feed.after(effects);
    wait();
  }
  static core::Happening lost(const char* id, bool is_mine) {
    core::Happening one;
    one.what = core::What::ended;
    one.why = core::Why::node_lost;
    one.id = *ChildId::binary(id);
    one.node = NodeName("n2@h");
    one.creation = 3;
    one.pid = {7, 0};
    one.is_mine = is_mine;
    return one;
  }
  static core::MemberEvent member(core::MemberState state) {
    return {core::SessionId{NodeName("n2@h"), 3, 1}, state, ""};
  }
  static core::Settings settings() {
    core::Settings settings;
    settings.self = NodeName("n1@h");
    return settings;
  }
  core::Core core{settings()};
  Registry registry;
  HookFeed feed{*table, registry, core, [] { return HookFeed::Self{NodeName("n1@h"), 1}; }};
};

TEST_F(HookFeedTest, ALossIsToldOnceWithTheChildrenThatWereLost) {
  const auto node = [this](const char* what) {
    return [this, what](const auto& event) { said.add(std::string(what) + " " + event.node.text()); };
  };
  ASSERT_TRUE(table->add({on<hooks::PreClusterJoin>("t", node("comes")),
                          on<hooks::PreClusterLeave>("t", node("goes")),
                          on<hooks::PostClusterLeave>("t", [this](const hooks::PostClusterLeave& event) {
                            std::string all = "gone " + event.node.text();
                            for (const Id& id : event.lost) all += " " + id.text();
                            said.add(all);
                          })}));
  core::Effects effects;
  effects.members = {member(core::MemberState::joining), member(core::MemberState::up)};
  step(effects);
  EXPECT_EQ(said.take(), (Lines{"comes n2@h"}));
  effects = {};
  effects.members = {member(core::MemberState::draining), member(core::MemberState::down)};
  effects.happened = {lost("a", false), lost("b", true)};
  step(effects);
  EXPECT_EQ(said.take(), (Lines{"goes n2@h"})) << "once, though it drained before";
  effects = {};
  effects.turns = {{core::Turn::Kind::settled, NodeName("n2@h"), false, false}};
  step(effects);
  EXPECT_EQ(said.take(), (Lines{"gone n2@h a b"}));
}

TEST_F(HookFeedTest, ForWhatALostNodeRanTheNewOwnerAloneIsToldThatItStopped) {
  table->listen({std::make_shared<Hears>(said), "", false});
  core::Effects effects;
  effects.happened = {lost("a", false), lost("b", true)};
  effects.turns = {{core::Turn::Kind::went, NodeName("n2@h"), false, true},
                   {core::Turn::Kind::went, NodeName("n3@h"), false, false}};
  step(effects);
  EXPECT_EQ(said.take(), (Lines{"web down n2@h", "stop b of n2@h"}));
}

TEST_F(HookFeedTest, OfANodeThatComesListenersHearOnceInTheClusterOrEverywhere) {
  core::Effects effects;
  effects.turns = {{core::Turn::Kind::came, NodeName("n2@h"), true, true},
                   {core::Turn::Kind::came, NodeName("n3@h"), true, false}};
  const auto once = table->listen({std::make_shared<Hears>(said), "", false});
  step(effects);
  EXPECT_EQ(said.take(), (Lines{"web up n2@h"}));
  table->unlisten(once);
  table->listen({std::make_shared<Hears>(said), "", true});
  step(effects);
  EXPECT_EQ(said.take(), (Lines{"web up n2@h", "web up n3@h"}));
}

TEST_F(HookFeedTest, AStartThatIsPassedOnIsToldWithTheNodeAndItsChildren) {
  ASSERT_TRUE(table->add({on<hooks::ForwardedMigration>("t", [this](const hooks::ForwardedMigration& event) {
    std::string all = "to " + event.to.text();
    for (const hooks::ChildData& child : event.children)
      all += " " + child.id.text() + " of " + child.worker + " on " + child.nodes.front().text();
    said.add(all);
  })}));
  const auto spec = [](const char* id) {
    auto made = std::make_shared<core::Spec>();
    made->worker = "counter";
    return core::NamedSpec{*ChildId::binary(id), std::move(made)};
  };
  core::Effects effects;
  effects.forwarded = {{NodeName("n2@h"), {spec("a"), spec("b")}}, {NodeName("n3@h"), {spec("c")}}};
  step(effects);
  EXPECT_EQ(said.take(),
            (Lines{"to n2@h a of counter on n2@h b of counter on n2@h", "to n3@h c of counter on n3@h"}));
}

TEST_F(HookTableTest, AnAlterThatEndsAfterItsSupervisorTouchesNothingOfThat) {
  std::promise<void> began, go_on;
  ASSERT_TRUE(table->add({on_start("slow", [&](hooks::StartData&) {
    began.set_value();
    go_on.get_future().wait();
  })}));
  boost::asio::io_context control;
  int asked = 0;
  {
    auto owner = std::make_shared<int>(0);
    Alters alters(control, table, [&] {
      ++asked;
      return std::shared_ptr<void>(owner);
    });
    const auto spec = std::make_shared<core::Spec>();
    alters.ask({*ChildId::atom("a"), spec}, {}, false, [](const core::SpecPtr&) { FAIL() << "it is over"; });
    began.get_future().wait();
  }
  go_on.set_value();
  lanes->alters.finish(milliseconds(10000));
  control.run();  // and its timer, which was taken back
  EXPECT_EQ(asked, 1) << "while it was there";
}

}  // namespace hook_table_test
}  // namespace brood::supervisor
