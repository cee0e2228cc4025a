// Hot swap through whole clusters: what a child holds goes with it, and whatever node is lost at whatever
// step, it runs once in the end, with what it held unless the node that had it is the one that was lost.
#include <ranges>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace handover_test {

struct HotSwap : ::testing::Test {
  HotSwap() {
    cluster.change = [](std::size_t, Settings& settings) {
      settings.strategies = make_strategies({.migration = "hot_swap"}).value();
    };
  }
  /// n1 and n2 run `count` children that hold something; then n3 boots, until `kind` would be sent, if any is
  /// named.
  void join(int count) { join(many(count)); }
  void join(std::vector<NamedSpec> specs) {
    cluster.boot(0);
    cluster.boot(1);
    cluster.run(4s);
    cluster.start(0, std::move(specs));
    cluster.run(1s);
    for (std::size_t i = 0; i < 2; ++i)
      for (const auto& [id, epoch] : cluster.nodes[i].processes)
        cluster.nodes[i].state[id] = "held " + id.text();
    cluster.boot(2);
    cluster.run(4s);
  }
  /// Runs once each, with what it held.
  void expect_nothing_lost(int count) {
    expect_each_once(cluster, count);
    for (int i = 0; i < count; ++i) {
      const ChildId id = id_of("c" + std::to_string(i));
      EXPECT_EQ(cluster.nodes[cluster.host(id.text())].state[id], "held " + id.text());
    }
    for (const auto& node : cluster.nodes) {
      EXPECT_TRUE(node.frozen.empty());
      EXPECT_TRUE(node.prepared.empty());
    }
  }
  /// A child that belongs on n3 once that is there, and where it runs before.
  std::string traveller() {
    for (int i = 0; i < 30; ++i)
      if (cluster.nodes[0].core->placement(id_of("c" + std::to_string(i))).front() == cluster.nodes[2].name)
        return "c" + std::to_string(i);
    return "none";
  }
  Cluster cluster{3};
};

TEST_F(HotSwap, AJoinTakesWhatTheChildrenHold) {
  join(30);
  EXPECT_GT(cluster.nodes[2].processes.size(), 3U);
  expect_nothing_lost(30);
  std::uint64_t moved = 0;
  for (const auto& node : cluster.nodes) moved += node.core->stats().handovers;
  EXPECT_EQ(moved, cluster.nodes[2].processes.size());
}

TEST_F(HotSwap, WhatAStepHasToSayOfManyMovesIsOneMessage) {
  cluster.batched = {0, 1, 2};
  cluster.record = true;
  join(60);
  expect_nothing_lost(60);
  std::size_t messages = 0, words = 0;
  for (const auto& [from, body] : cluster.sent)
    if (const auto* handovers = std::get_if<Handovers>(&body)) {
      ++messages;
      words += handovers->words.size();
    }
  // An offer, two answers and a commit each.
  EXPECT_EQ(words, 4 * cluster.nodes[2].processes.size());
  EXPECT_LE(messages, words / 4);
}

TEST_F(HotSwap, ADrainTakesThemElsewhere) {
  join(30);
  cluster.give(0, ClientDrain{{900}});
  cluster.run(4s);
  EXPECT_TRUE(cluster.nodes[0].left);
  EXPECT_EQ(cluster.result(900), "no answer");
  EXPECT_TRUE(cluster.last[900]);
  cluster.kill(0);
  cluster.run(2s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, AChildThatBelongsThereNoMoreGoesOnWhereItIs) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  ASSERT_GT(cluster.nodes[0].frozen.size() + cluster.nodes[1].frozen.size(), 3U);
  cluster.give(2, SettingsChanged{{"counter", "echo"}, 0});
  cluster.run(1s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, NoMoreAreFrozenAtOnceThanMayMove) {
  cluster.change = [before = cluster.change](std::size_t i, Settings& settings) {
    before(i, settings);
    settings.moves_in_flight = 2;
  };
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_GE(cluster.nodes[i].frozen.size(), 1U);
    EXPECT_LE(cluster.nodes[i].frozen.size(), 2U);
  }
}

TEST_F(HotSwap, ARefusalLeavesTheChildWhereItIsAndItIsTriedAgain) {
  for (int i = 0; i < 30; ++i) cluster.fail_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U);
  EXPECT_GT(cluster.nodes[0].core->stats().handovers_failed, 0U);
  cluster.fail_prepares.clear();
  cluster.run(15s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, ANodeThatLeavesDoesNotWaitForEverForWhatCannotBeHandedOver) {
  join(30);
  for (int i = 0; i < 30; ++i) cluster.fail_prepares.insert(id_of("c" + std::to_string(i)));
  cluster.give(0, ClientDrain{{900}});
  cluster.run(20s);
  EXPECT_TRUE(cluster.nodes[0].left);
  cluster.kill(0);
  cluster.run(1s);
  expect_each_once(cluster, 30);
}

TEST_F(HotSwap, AHandlerThatDoesNotEndPutsTheMoveOff) {
  for (int i = 0; i < 30; ++i) cluster.fail_freezes.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  cluster.fail_freezes.clear();
  cluster.run(15s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, AMoveThatTakesLongerThanItsTimeIsTakenBackAndTriedAgain) {
  for (const std::int64_t most : {5000, 10'000}) {
    cluster = Cluster(3);
    cluster.change = [most](std::size_t, Settings& settings) {
      settings.strategies =
          make_strategies({.migration = StrategyChoice{"hot_swap", {{"child_migration_timeout_ms", most}}}})
              .value();
    };
    for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
    join(30);
    EXPECT_GT(cluster.nodes[0].frozen.size(), 1U);
    cluster.run(4s);
    EXPECT_EQ(cluster.nodes[0].core->stats().handovers_failed > 0, most == 5000);
    cluster.run(4s);
    EXPECT_GT(cluster.nodes[0].core->stats().handovers_failed, 0U);
    for (int i = 0; i < 30; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U) << "it goes on";
    cluster.hold_prepares.clear();
    cluster.run(30s);
    expect_nothing_lost(30);
  }
}

TEST_F(HotSwap, AHandlerHasItsTimeAndTheOldPidIsKeptForAWhileLessOnANodeThatLeaves) {
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies =
        make_strategies({.migration = StrategyChoice{"hot_swap",
                                                     {{"handover_data_wait_ms", std::int64_t{700}},
                                                      {"retention_ms", std::int64_t{2000}}}}})
            .value();
  };
  std::set<Duration> patience, retention;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const HandoverStep& step : effects.handovers) {
      if (const auto* freeze = std::get_if<Freeze>(&step)) patience.insert(freeze->patience);
      if (const auto* depart = std::get_if<Depart>(&step)) retention.insert(depart->retention);
    }
  };
  join(30);
  EXPECT_EQ(patience, std::set<Duration>{700ms});
  EXPECT_EQ(std::exchange(retention, {}), std::set<Duration>{2s});
  cluster.give(0, ClientDrain{{900}});
  cluster.run(4s);
  EXPECT_EQ(retention, std::set<Duration>{500ms});
  const auto by_itself = make_strategies({.migration = "hot_swap"}).value().migration->hands_over();
  EXPECT_EQ(by_itself->data_wait, 3s);
  EXPECT_EQ(by_itself->timeout, 10s);
  EXPECT_EQ(by_itself->retention, 5s);
}

class Brisk final : public Migration {
 public:
  [[nodiscard]] std::string name() const override { return "brisk/1"; }
  [[nodiscard]] std::optional<HandoverTimes> hands_over() const override {
    return HandoverTimes{.data_wait = 50ms, .timeout = 100ms, .retention = 70ms};
  }
  [[nodiscard]] bool stops_before_start() const override { return true; }
};

TEST_F(HotSwap, AMigrationOfOnesOwnHandsOverInItsTimes) {
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies = make_strategies({.migration = std::make_shared<const Brisk>()}).value();
  };
  std::size_t departed = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const HandoverStep& step : effects.handovers) {
      if (const auto* freeze = std::get_if<Freeze>(&step)) {
        EXPECT_EQ(freeze->patience, 50ms);
      }
      if (const auto* depart = std::get_if<Depart>(&step)) {
        EXPECT_EQ(depart->retention, 70ms);
        ++departed;
      }
    }
  };
  join(30);
  EXPECT_GT(departed, 3U);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, TheTargetIsLostBeforeTheCommit) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_GT(cluster.nodes[0].frozen.size() + cluster.nodes[1].frozen.size(), 3U);
  cluster.kill(2);
  cluster.hold_prepares.clear();
  cluster.run(2s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, TheSourceIsLostWhenTheTargetIsReady) {
  // The answers of the target do not come, so the sources do not commit.
  cluster.lost_words.insert(HandoverWord(OfferAnswer{}).index());
  join(30);
  const std::set<ChildId> at_first = cluster.nodes[0].frozen;
  ASSERT_GT(at_first.size(), 1U);
  ASSERT_GT(cluster.nodes[2].prepared.size(), at_first.size());
  cluster.lost_words.clear();
  cluster.kill(0);
  cluster.run(3s);
  expect_each_once(cluster, 30);
  for (const ChildId& id : at_first) EXPECT_EQ(cluster.nodes[2].state[id], "held " + id.text());
  for (const ChildId& id : cluster.nodes[2].prepared | std::views::keys)
    ADD_FAILURE() << id.text() << " still waits";
}

TEST_F(HotSwap, ACommitThatIsLostIsSaidAgain) {
  cluster.lost_words.insert(HandoverWord(Commit{}).index());
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  EXPECT_GT(cluster.nodes[2].prepared.size(), 3U);
  EXPECT_GT(cluster.nodes[0].core->stats().handovers, 0U);
  cluster.lost_words.clear();
  cluster.run(3s);
  expect_nothing_lost(30);
}

// Its row that says that it has moved would stay for ever.
TEST_F(HotSwap, TheWordThatAMoveHasBeenSeenMayBeLost) {
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const Send& send : effects.sends)
      if (const auto* handovers = std::get_if<Handovers>(&send.body))
        for (const HandoverWord& word : handovers->words)
          if (std::holds_alternative<Commit>(word))
            cluster.lost_words.insert(HandoverWord(OfferAnswer{}).index());
  };
  join(30);
  ASSERT_GT(cluster.nodes[2].processes.size(), 1U);
  cluster.watch = {};
  cluster.lost_words.clear();
  cluster.run(15s);
  expect_nothing_lost(30);
}

TEST_F(HotSwap, TheTargetIsLostAfterTheCommitAndTheChildStartsAnew) {
  cluster.lost_words.insert(HandoverWord(Commit{}).index());
  join(30);
  cluster.kill(2);
  cluster.lost_words.clear();
  cluster.run(3s);
  expect_each_once(cluster, 30);
}

// A node that wakes still has its instance, which others have started anew meanwhile and are about to move.
TEST_F(HotSwap, ANodeThatWakesInTheMiddleOfAMoveEndsItsOwn) {
  join(0);
  cluster.drop_channels(2, false);
  cluster.kill(2);
  cluster.run(2s);
  cluster.start(0, many(30));
  cluster.run(1s);
  const auto asleep = cluster.nodes[1].processes;
  ASSERT_GT(asleep.size(), 3U);
  cluster.pause(1);
  cluster.drop_channels(1, true);
  cluster.run(20s);
  cluster.lost_words.insert(HandoverWord(Commit{}).index());
  cluster.boot(2);
  cluster.run(4s);
  ASSERT_GT(cluster.nodes[2].prepared.size(), 3U);
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const HandoverStep& step : effects.handovers) {
      const auto* open = std::get_if<Open>(&step);
      EXPECT_EQ(open ? cluster.alive(open->id.text()) : 0U, 0U) << "it is opened beside another";
    }
  };
  cluster.resume(1);
  cluster.run(8s);
  cluster.lost_words.clear();
  cluster.run(20s);
  expect_each_once(cluster, 30);
}

// What runs below a supervisor cannot be taken along: it ends, and only then starts anew.
TEST_F(HotSwap, ALocalSupervisorMovesCold) {
  std::vector<NamedSpec> specs;
  for (int i = 0; i < 30; ++i) {
    const auto spec = opened(spec_of("c" + std::to_string(i), "supervisor"));
    spec->needs = "counter";
    specs.push_back(spec);
  }
  cluster.watch = [&](std::size_t, const Effects& effects) {
    EXPECT_TRUE(effects.handovers.empty());
    for (int i = 0; i < 30; ++i) EXPECT_LE(cluster.alive("c" + std::to_string(i)), 1U);
  };
  join(std::move(specs));
  expect_each_once(cluster, 30);
  EXPECT_GT(cluster.nodes[2].processes.size(), 3U);
  for (const auto& [id, held] : cluster.nodes[2].state) EXPECT_EQ(held, "new");
}

// One member is too busy to say that it has seen the move.
TEST_F(HotSwap, AChildThatIsBackBeforeAllHaveSeenItsMoveAndIsStoppedIsForgotten) {
  cluster.form();
  std::string id = "k0";
  for (int i = 1; cluster.nodes[0].core->node_for(id_of(id)) != cluster.nodes[0].name; ++i)
    id = "k" + std::to_string(i);
  cluster.start(0, {spec_of(id)});
  cluster.run();
  ASSERT_EQ(cluster.host(id), 0U);
  cluster.copies = [this](const NodeName& from, const NodeName&, const MessageBody& body) {
    return from == cluster.nodes[2].name && std::holds_alternative<DeltaAck>(body) ? 0 : 1;
  };
  for (const std::size_t to : {1U, 0U}) {
    cluster.give(0, ClientMove{{900 + to}, MoveKind::to_node, id_of(id), cluster.nodes[to].name});
    cluster.run(100ms);
    ASSERT_EQ(cluster.host(id), to);
  }
  cluster.hold_stops.insert(id_of(id));
  const auto stop = cluster.stop(0, id);
  cluster.run(100ms);
  cluster.exit(id, true);
  cluster.run();
  EXPECT_EQ(cluster.result(stop), "ok");
  cluster.run(3s);
  cluster.copies = {};
  cluster.run(3s);
  for (const auto& node : cluster.nodes) EXPECT_TRUE(node.core->instances(id_of(id)).empty());
}

TEST_F(HotSwap, AStopMeetsAHandOver) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  const std::string id = traveller();
  const auto stop = cluster.stop(1, id);
  cluster.run(1s);
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.alive(id), 0U);
  cluster.hold_prepares.clear();
  cluster.run(15s);
  EXPECT_EQ(cluster.alive(id), 0U);
}

TEST_F(HotSwap, AChildThatEndsWhileItIsFrozenStartsAnew) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  join(30);
  const std::string id = traveller();
  cluster.nodes[cluster.host(id)].frozen.erase(id_of(id));
  cluster.exit(id, false);
  cluster.hold_prepares.clear();
  cluster.run(15s);
  expect_each_once(cluster, 30);
}

TEST_F(HotSwap, AProcessThatEndsBeforeItIsOpenedIsStartedAnewByItsPlace) {
  cluster.lost_words.insert(HandoverWord(Commit{}).index());
  join(30);
  const std::string id = traveller();
  const Epoch epoch = cluster.nodes[2].prepared.at(id_of(id)).first;
  cluster.nodes[2].prepared.erase(id_of(id));
  cluster.give(2, PrepareFailed{id_of(id), epoch, "killed"});
  cluster.lost_words.clear();
  cluster.run(3s);
  expect_each_once(cluster, 30);
  EXPECT_EQ(cluster.nodes[2].state[id_of(id)], "new");
}

// Cold swap: a worker that can save its state has it at its new place too.
struct ColdSwap : HotSwap {
  ColdSwap() {
    cluster.change = nullptr;
    cluster.keep_state = true;
  }
};

TEST_F(ColdSwap, TheStateGoesAlong) {
  join(30);
  EXPECT_GT(cluster.nodes[2].processes.size(), 3U);
  expect_nothing_lost(30);
}

TEST_F(ColdSwap, TheNewOneDoesNotRunBeforeTheOldOneHasEnded) {
  for (int i = 0; i < 30; ++i) cluster.hold_stops.insert(id_of("c" + std::to_string(i)));
  join(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  EXPECT_GT(cluster.nodes[2].prepared.size(), 3U);
  for (std::size_t i = 0; i < 2; ++i)
    for (const ChildId& id : std::set<ChildId>(cluster.nodes[i].frozen)) {
      const Epoch epoch = cluster.nodes[i].processes.at(id);
      cluster.nodes[i].processes.erase(id);
      cluster.nodes[i].frozen.erase(id);
      cluster.give(i, Exited{id, epoch, true, "shutdown"});
    }
  cluster.run(2s);
  expect_nothing_lost(30);
}

TEST_F(ColdSwap, TheTargetIsLostWhileTheOldOneEnds) {
  for (int i = 0; i < 30; ++i) cluster.hold_stops.insert(id_of("c" + std::to_string(i)));
  join(30);
  cluster.kill(2);
  cluster.run(1s);
  for (std::size_t i = 0; i < 2; ++i)
    for (const ChildId& id : std::set<ChildId>(cluster.nodes[i].frozen)) {
      const Epoch epoch = cluster.nodes[i].processes.at(id);
      cluster.nodes[i].processes.erase(id);
      cluster.nodes[i].frozen.erase(id);
      cluster.give(i, Exited{id, epoch, true, "shutdown"});
    }
  cluster.run(2s);
  expect_each_once(cluster, 30);
}

TEST_F(ColdSwap, AWorkerWithoutStateEndsAndStartsAnew) {
  cluster.keep_state = false;
  join(30);
  expect_each_once(cluster, 30);
  for (const auto& [id, held] : cluster.nodes[2].state) EXPECT_EQ(held, "new");
}

// Programs that start on their new node before they end on the old one.
struct Overlap : HotSwap {
  Overlap() { cluster.change = nullptr; }

  /// As join(), with programs.
  void join_programs(int count) {
    cluster.boot(0);
    cluster.boot(1);
    cluster.run(4s);
    std::vector<NamedSpec> specs;
    for (int i = 0; i < count; ++i) {
      const auto spec = opened(spec_of("c" + std::to_string(i), "exec"));
      spec->needs = "counter";
      spec->extras.change().ready_within = 60s;
      specs.push_back(spec);
    }
    cluster.start(0, std::move(specs));
    cluster.run(1s);
    cluster.boot(2);
    cluster.run(4s);
  }
  void expect_one_process_each(int count) const {
    for (int i = 0; i < count; ++i) EXPECT_EQ(cluster.alive("c" + std::to_string(i)), 1U);
  }
};

TEST_F(Overlap, AProgramEndsOnlyWhenItsSuccessorIsReady) {
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  std::size_t stops = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    stops += effects.stops.size();
    for (const Stop& stop : effects.stops)
      EXPECT_TRUE(cluster.nodes[2].prepared.contains(stop.id)) << stop.id.text();
    for (const HandoverStep& step : effects.handovers) {
      EXPECT_FALSE(std::holds_alternative<Freeze>(step)) << "nothing of a program is frozen";
      EXPECT_FALSE(std::holds_alternative<Depart>(step));
    }
  };
  join_programs(30);
  cluster.run(20s);
  EXPECT_EQ(stops, 0U) << "none has said that it is ready";
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  expect_one_process_each(30);
  cluster.hold_prepares.clear();
  cluster.run(200s);
  EXPECT_GT(stops, 3U);
  EXPECT_EQ(cluster.nodes[2].processes.size(), stops);
  expect_each_once(cluster, 30);
}

TEST_F(Overlap, WhereTheSuccessorDoesNotStartTheProgramStaysAndIsTriedAgain) {
  for (int i = 0; i < 30; ++i) cluster.fail_prepares.insert(id_of("c" + std::to_string(i)));
  join_programs(30);
  EXPECT_TRUE(cluster.nodes[2].processes.empty());
  expect_one_process_each(30);
  cluster.fail_prepares.clear();
  cluster.run(30s);
  EXPECT_GT(cluster.nodes[2].processes.size(), 3U);
  expect_each_once(cluster, 30);
}

TEST_F(Overlap, ANodeThatLeavesTriesItOnce) {
  join_programs(30);
  ASSERT_GT(cluster.nodes[2].processes.size(), 3U);
  for (int i = 0; i < 30; ++i) cluster.fail_prepares.insert(id_of("c" + std::to_string(i)));
  cluster.give(2, ClientDrain{{9999}});
  cluster.run(5s);
  EXPECT_TRUE(cluster.nodes[2].left);
  expect_one_process_each(30);
}

TEST_F(Overlap, TheNodeIsLostWhileTheSuccessorGetsReady) {
  join_programs(30);
  const auto there = cluster.nodes[2].processes;
  ASSERT_GT(there.size(), 3U);
  for (int i = 0; i < 30; ++i) cluster.hold_prepares.insert(id_of("c" + std::to_string(i)));
  std::map<std::pair<std::size_t, ChildId>, Epoch> under_way;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const HandoverStep& step : effects.handovers)
      if (const auto* prepare = std::get_if<Prepare>(&step)) under_way[{i, prepare->id}] = prepare->epoch;
  };
  cluster.give(2, ClientDrain{{9999}});
  cluster.run(1s);
  EXPECT_EQ(under_way.size(), there.size());
  cluster.kill(2);
  cluster.run(1s);
  // What gets ready on the others is opened then.
  for (const auto& [where, epoch] : under_way) {
    cluster.nodes[where.first].prepared[where.second] = {epoch, ""};
    cluster.give(where.first, Prepared{where.second, epoch, {77, 0}});
  }
  cluster.run(5s);
  expect_each_once(cluster, 30);
}

}  // namespace handover_test
}  // namespace brood::core::testing
