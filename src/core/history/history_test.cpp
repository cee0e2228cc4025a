// What each node remembers of children and members, and which of them comes and goes.
#include "core/history/history.hpp"

#include "core/history/turnover.hpp"
#include "core/parts_testing.hpp"
#include "core/rows/child_table.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace history_test {

std::string text(const Happening& one) {
  static const std::map<What, std::string> words{
      {What::started, "started"},      {What::crashed, "crashed"},        {What::ended, "ended"},
      {What::became_active, "active"}, {What::became_passive, "passive"}, {What::stop_asked, "stop asked"},
      {What::given_up, "given up"},    {What::member_joins, "joins"},     {What::member_up, "up"},
      {What::member_drains, "drains"}, {What::member_left, "left"},       {What::member_lost, "lost"},
      {What::locked, "locked"},        {What::unlocked, "unlocked"}};
  std::string all = words.at(one.what) + " " + one.node.text().substr(0, 2);
  if (one.why != Why::unknown) all += " " + std::string(to_string(one.why));
  if (!one.other.text().empty()) all += " " + one.other.text().substr(0, 2);
  return all;
}

std::vector<std::string> told(const Cluster& cluster, std::size_t node, std::string_view id) {
  HistoryQuery query;
  query.id = id_of(id);
  std::vector<std::string> all;
  for (const Happening& one : cluster.nodes[node].core->history(query).happenings) all.push_back(text(one));
  return all;
}

using Lines = std::vector<std::string>;

/// An id that is on that node while all three are up.
std::string id_on(const Cluster& cluster, std::size_t node) {
  for (int i = 0;; ++i) {
    std::string id = "c" + std::to_string(i);
    if (cluster.nodes[0].core->node_for(id_of(id)) == cluster.nodes[node].name) return id;
  }
}

std::string short_name(const Cluster& cluster, std::size_t node) {
  return cluster.nodes[node].name.text().substr(0, 2);
}

TEST(HistoryOfChildren, EveryNodeKnowsWhoAskedForAStartAndForAStop) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = id_on(cluster, 1);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.stop(2, id);
  cluster.run();
  for (std::size_t node = 0; node < 3; ++node)
    EXPECT_EQ(told(cluster, node, id), (Lines{"started n2 asked n1", "stop asked n3", "ended n2 stopped"}))
        << node;
}

TEST(HistoryOfChildren, ACrashIsToldWithItsReasonWhetherItWaitsOrNot) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = id_on(cluster, 0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.exit(id, false, "first");
  cluster.run();
  cluster.exit(id, false, "second");
  cluster.run(1s);
  for (std::size_t node = 0; node < 2; ++node) {
    EXPECT_EQ(told(cluster, node, id), (Lines{"started n1 asked n1", "started n1 crashed",
                                              "crashed n1 crashed", "started n1 crashed"}))
        << node;
    HistoryQuery query;
    query.id = id_of(id);
    const auto page = cluster.nodes[node].core->history(query);
    EXPECT_EQ(page.happenings[1].words, "first");
    EXPECT_TRUE(page.happenings[1].restart);
    EXPECT_EQ(page.happenings[2].words, "second");
  }
  EXPECT_EQ(cluster.nodes[1].core->instances(id_of(id)).front().instance.here, Why::asked);
}

TEST(HistoryOfChildren, AMoveToANewNodeNamesIt) {
  Cluster cluster(3);
  cluster.boot(0);
  cluster.boot(1);
  cluster.run(4s);
  cluster.start(0, many(60));
  cluster.run(1s);
  cluster.boot(2);
  cluster.run(2s);
  std::size_t moved = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string id = "c" + std::to_string(i);
    if (cluster.host(id) != 2) continue;
    ++moved;
    const Lines first = told(cluster, 0, id);
    ASSERT_EQ(first.size(), 3U) << id;
    EXPECT_EQ(first[1], "ended " + first[0].substr(8, 2) + " joined n3") << id;
    EXPECT_EQ(first[2], "started n3 joined " + first[0].substr(8, 2)) << id;
    EXPECT_EQ(cluster.nodes[1].core->instances(id_of(id)).front().instance.here, Why::joined);
  }
  EXPECT_GT(moved, 5U);
}

TEST(HistoryOfChildren, AfterALossTheNextNodeSaysThatTheFormerWasLost) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = id_on(cluster, 2);
  cluster.start(0, {spec_of(id)});
  cluster.run(2s);  // one that has just started would be a suspect, and wait
  cluster.kill(2);
  cluster.run(2s);
  const std::string there = short_name(cluster, cluster.host(id));
  EXPECT_EQ(told(cluster, 0, id),
            (Lines{"started n3 asked n1", "ended n3 node_lost", "started " + there + " node_lost n3"}));
  EXPECT_EQ(told(cluster, 0, id), told(cluster, 1, id));
  // A member's end stands before those of its children.
  const auto page = cluster.nodes[0].core->history({});
  std::uint64_t lost = 0;
  std::uint64_t ended = 0;
  for (const Happening& one : page.happenings) {
    if (one.what == What::member_lost) lost = one.number;
    if (one.what == What::ended) ended = one.number;
  }
  EXPECT_GT(lost, 0U);
  EXPECT_GT(ended, lost);
}

TEST(HistoryOfChildren, AMoveByHandNamesWhoWasAskedForIt) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = id_on(cluster, 0);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.give(1, ClientMove{{77}, MoveKind::to_node, id_of(id), cluster.nodes[2].name});
  cluster.run(1s);
  ASSERT_EQ(cluster.host(id), 2U);
  for (std::size_t node = 0; node < 3; ++node) {
    EXPECT_EQ(told(cluster, node, id),
              (Lines{"started n1 asked n1", "ended n1 moved n3", "started n3 moved n1"}));
    HistoryQuery query;
    query.id = id_of(id);
    EXPECT_EQ(cluster.nodes[node].core->history(query).happenings.back().words, "n2@test");
  }
}

TEST(HistoryOfChildren, ADrainSaysWhereEachWent) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = id_on(cluster, 1);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.give(1, ClientDrain{{9}});
  cluster.run(2s);
  EXPECT_EQ(told(cluster, 0, id),
            (Lines{"started n2 asked n1", "ended n2 drained n1", "started n1 drained n2"}));
  Lines members;
  for (const Happening& one : cluster.nodes[0].core->history({}).happenings)
    if (!one.is_of_child() && one.node == cluster.nodes[1].name) members.push_back(text(one));
  EXPECT_EQ(Lines(members.end() - 2, members.end()), (Lines{"drains n2", "left n2"}));
}

TEST(HistoryOfChildren, AHotSwapIsAMoveLikeAnother) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = make_strategies({.migration = "hot_swap"}).value();
  };
  cluster.form();
  const std::string id = id_on(cluster, 1);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.give(1, ClientDrain{{9}});
  cluster.run(2s);
  ASSERT_EQ(cluster.host(id), 0U);
  EXPECT_EQ(told(cluster, 0, id),
            (Lines{"started n2 asked n1", "ended n2 drained n1", "started n1 drained n2"}));
}

// ---- its bounds ------------------------------------------------------------------------------------------

struct HistoryPart : ::testing::Test {
  World world;
  FakeNotes notes;
  FakeOutbox outbox;
  ChildTable children;

  void happen(History& history, int number, const std::string& words = {}) {
    Step s = world.step();
    Child& child = children.obtain(id_of("c" + std::to_string(number)));
    Gone gone{Why::stopped, {}, words};
    const SessionId host = session_of("a@test");
    history.told(s, child, {host, std::nullopt, nullptr, &gone});
    history.flush(s);
  }
  void member(History& history, const std::string& node) {
    Step s = world.step();
    s.member(session_of(node), MemberState::up, "");
    history.flush(s);
  }
};

TEST_F(HistoryPart, KeepsNoMoreThanItMayAndMembersAreNotWashedAway) {
  world.settings.history_events = 10;
  History history(world.settings);
  member(history, "b@test");
  for (int i = 0; i < 50; ++i) happen(history, i);
  EXPECT_EQ(history.size(), 11U);
  const auto page = history.read({});
  ASSERT_EQ(page.happenings.size(), 11U);
  EXPECT_EQ(page.happenings.front().what, What::member_up);
  EXPECT_EQ(page.happenings.back().id, id_of("c49"));
  EXPECT_EQ(page.next, 51U);
}

TEST_F(HistoryPart, KeepsNoMoreBytesThanItMay) {
  world.settings.history_bytes = 20'000;
  History history(world.settings);
  for (int i = 0; i < 100; ++i) happen(history, i, std::string(4000, 'x'));
  EXPECT_LE(history.bytes(), 20'000U);
  EXPECT_GE(history.size(), 3U);
  world.settings.history_bytes = 0;
  History none(world.settings);
  happen(none, 1);
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(world.effects.happened.size(), 1U) << "hooks are told all the same";
}

TEST_F(HistoryPart, IsReadOnFromWhereOneHasCome) {
  world.settings.history_events = 10;
  History history(world.settings);
  for (int i = 0; i < 5; ++i) happen(history, i);
  HistoryQuery query;
  query.limit = 2;
  EXPECT_EQ(history.read(query).happenings.front().id, id_of("c3")) << "without a place: the newest";
  query.after = 1;
  auto page = history.read(query);
  ASSERT_EQ(page.happenings.size(), 2U);
  EXPECT_EQ(page.happenings.front().number, 2U);
  EXPECT_EQ(page.next, 3U);
  EXPECT_EQ(page.lost, 0U);
  for (int i = 5; i < 20; ++i) happen(history, i);
  page = history.read(query);
  EXPECT_EQ(page.happenings.front().number, 11U);
  EXPECT_EQ(page.lost, 9U);
  query = {};
  query.prefix = "c1";
  EXPECT_EQ(history.read(query).happenings.size(), 10U);
  query.prefix = "c12";
  EXPECT_EQ(history.read(query).happenings.size(), 1U);
}

// ---- who comes and goes ----------------------------------------------------------------------------------

struct Watched {
  explicit Watched(Cluster& cluster, std::size_t count) : all(count) {
    cluster.watch = [this, &cluster](std::size_t i, const Effects& effects) {
      static const std::map<Turn::Kind, std::string> words{
          {Turn::Kind::held, "held"},      {Turn::Kind::resumed, "resumed"}, {Turn::Kind::came, "came"},
          {Turn::Kind::went, "went"},      {Turn::Kind::begins, "begins"},   {Turn::Kind::over, "over"},
          {Turn::Kind::settled, "settled"}};
      for (const Turn& turn : effects.turns) {
        std::string line = words.at(turn.kind);
        if (!turn.node.text().empty()) line += " " + turn.node.text().substr(0, 2);
        all[i].push_back(line);
        if (turn.is_mine) ++announced[line];
      }
      (void)cluster;
    };
  }
  std::vector<Lines> all;
  std::map<std::string, int> announced;
};

TEST(Turnovers, AJoinIsToldInOrderAndForAllByOneMember) {
  Cluster cluster(4);
  for (std::size_t i = 0; i < 3; ++i) cluster.boot(i);
  cluster.run(4s);
  cluster.start(0, many(100));
  cluster.run(1s);
  Watched watched(cluster, 4);
  cluster.boot(3);
  cluster.run(6s);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(watched.all[i], (Lines{"held", "came n4", "resumed", "begins n4", "over n4"})) << i;
  EXPECT_EQ(watched.announced["came n4"], 1);
}

TEST(Turnovers, ALossIsToldInOrderAndForAllByOneMember) {
  Cluster cluster(4);
  cluster.form();
  cluster.start(0, many(100));
  cluster.run(1s);
  Watched watched(cluster, 4);
  cluster.kill(3);
  cluster.run(6s);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(watched.all[i], (Lines{"held", "went n4", "resumed", "begins n4", "over n4", "settled n4"}))
        << i;
  EXPECT_EQ(watched.announced["went n4"], 1);
}

TEST(Turnovers, NothingIsToldWhileNothingHappens) {
  Cluster cluster(3);
  cluster.form();
  cluster.start(0, many(30));
  cluster.run(20s);
  std::size_t told = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    told += effects.turns.size() + effects.happened.size() + effects.forwarded.size();
  };
  cluster.run(60s);
  EXPECT_EQ(told, 0U);
}

TEST(Forwards, AStartThatReachesAnotherThanItsCoordinatorIsPassedOnAndThatIsTold) {
  Cluster cluster(3);
  cluster.form();
  const std::string id = id_on(cluster, 2);
  std::vector<std::string> passed;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Forwarded& one : effects.forwarded)
      for (const NamedSpec& spec : one.specs)
        passed.push_back(std::to_string(i + 1) + " " + spec.id.text() + " " + one.to.text());
  };
  const auto& asks = cluster.nodes[0];
  StartRequest request;
  request.request = {asks.name, asks.creation, 99};
  request.view = asks.core->view_hash();
  request.specs = {spec_of(id)};
  cluster.give(1, PeerMessage{asks.name, asks.creation, request});
  cluster.run();
  EXPECT_EQ(passed, (Lines{"2 " + id + " n3@test"}));
  EXPECT_EQ(cluster.alive(id), 1U);
}

TEST(Turnovers, TheOneThatSpeaksOfANodeIsTheSameEverywhereAndNotThatNode) {
  const std::vector<NodeName> up{NodeName("a@x"), NodeName("b@x"), NodeName("c@x")};
  for (int i = 0; i < 50; ++i) {
    const NodeName node("n" + std::to_string(i) + "@x");
    const NodeName speaker = announcer_of(node, up);
    EXPECT_NE(std::find(up.begin(), up.end(), speaker), up.end());
  }
  EXPECT_NE(announcer_of(NodeName("a@x"), up), NodeName("a@x"));
  EXPECT_EQ(announcer_of(NodeName("a@x"), {NodeName("a@x")}), NodeName("a@x"));
  EXPECT_EQ(announcer_of(NodeName("a@x"), {}), NodeName());
}

}  // namespace history_test
}  // namespace brood::core::testing
