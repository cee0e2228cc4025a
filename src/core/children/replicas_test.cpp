// Children with several instances, on a few cores: how many run and where, what ends them, and which of them
// is the active one.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace replicas_test {

Strategies replicated(Setting factor, const std::string& mode) {
  return make_strategies(
             {.redundancy = StrategyChoice{"replication", {{"factor", std::move(factor)}, {"mode", mode}}}})
      .value();
}

class Replicas : public ::testing::Test {
 protected:
  Cluster& form(std::size_t nodes, Setting factor, const std::string& mode, std::size_t booted = 99) {
    cluster_ = std::make_unique<Cluster>(nodes);
    cluster_->change = [factor, mode, more = change_](std::size_t i, Settings& settings) {
      settings.strategies = replicated(factor, mode);
      if (more) more(i, settings);
    };
    cluster_->watch = [this](std::size_t, const Effects&) { never_two_active(); };
    for (std::size_t i = 0; i < std::min(nodes, booted); ++i) cluster_->boot(i);
    cluster_->run(4s);
    return *cluster_;
  }
  Cluster& cluster() { return *cluster_; }

  std::vector<std::size_t> hosts(std::string_view id) const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < cluster_->nodes.size(); ++i)
      if (cluster_->nodes[i].processes.count(id_of(id)) != 0) all.push_back(i);
    return all;
  }
  /// The nodes whose processes were told that they are active.
  std::vector<std::size_t> active(std::string_view id) const {
    std::vector<std::size_t> all;
    for (const std::size_t i : hosts(id)) {
      const auto& roles = cluster_->nodes[i].roles;
      const auto found = roles.find(id_of(id));
      if (found != roles.end() && found->second == Role::active) all.push_back(i);
    }
    return all;
  }
  std::size_t first(std::string_view id) const {
    for (const auto& node : cluster_->nodes)
      if (node.core && !node.left) return cluster_->index(node.core->placement(id_of(id)).front());
    return cluster_->nodes.size();
  }
  /// `many(count)` each run on the first `r` nodes of their orders, and all nodes say so.
  void expect_on_first(int count, std::size_t r, bool one_is_active) {
    for (int c = 0; c < count; ++c) {
      const std::string id = "c" + std::to_string(c);
      for (const auto& node : cluster_->nodes) {
        if (!node.core || node.left) continue;
        auto order = node.core->placement(id_of(id));
        order.resize(std::min(order.size(), r));
        const auto known = node.core->instances(id_of(id));
        ASSERT_EQ(known.size(), order.size()) << id;
        for (std::size_t at = 0; at < known.size(); ++at) {
          EXPECT_EQ(known[at].host.node, order[at]) << id;
          EXPECT_EQ(known[at].instance.phase, Phase::running) << id;
          EXPECT_EQ(known[at].instance.role, at == 0 || !one_is_active ? Role::active : Role::passive) << id;
        }
        for (const NodeName& name : order)
          EXPECT_EQ(cluster_->nodes[cluster_->index(name)].processes.count(id_of(id)), 1U) << id;
      }
      EXPECT_EQ(active(id).size(), one_is_active ? 1U : hosts(id).size()) << id;
    }
  }

  std::function<void(std::size_t, Settings&)> change_;
  bool one_is_active_ = false;

 private:
  void never_two_active() {
    if (!one_is_active_) return;
    for (int c = 0; c < 30; ++c) {
      const std::string id = "c" + std::to_string(c);
      ASSERT_LE(active(id).size(), 1U) << id;
    }
  }
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Replicas, EachRunsOnTheFirstNodesOfItsOrder) {
  form(4, std::int64_t{2}, "active_active");
  cluster().start(1, many(30));
  cluster().run(1s);
  expect_on_first(30, 2, false);
}

TEST_F(Replicas, OnFewerNodesThanTheFactorThereAreAsManyAsNodes) {
  form(4, std::int64_t{3}, "active_active", 2);
  const auto client = cluster().start(0, many(30));
  cluster().run(1s);
  EXPECT_EQ(cluster().replies[client].size(), 30U);
  expect_on_first(30, 3, false);
  cluster().boot(2);
  cluster().run(2s);
  expect_on_first(30, 3, false);
  cluster().boot(3);
  cluster().run(2s);
  expect_on_first(30, 3, false);
}

TEST_F(Replicas, TheFactorMayBeTheSizeOfTheCluster) {
  form(4, std::string("cluster_size"), "active_active", 3);
  cluster().start(0, many(30));
  cluster().run(1s);
  expect_on_first(30, 99, false);
  cluster().boot(3);
  cluster().run(2s);
  expect_on_first(30, 99, false);
  cluster().kill(1);
  cluster().run(2s);
  expect_on_first(30, 99, false);
}

TEST_F(Replicas, ALostOneIsReplacedAndTheOthersGoOn) {
  form(4, std::int64_t{2}, "active_active");
  cluster().start(0, many(30));
  cluster().run(1s);
  std::map<std::string, std::map<std::size_t, Epoch>> before;
  for (int c = 0; c < 30; ++c)
    for (const std::size_t i : hosts("c" + std::to_string(c)))
      before["c" + std::to_string(c)][i] = cluster().nodes[i].processes.at(id_of("c" + std::to_string(c)));
  cluster().kill(2);
  cluster().run(2s);
  expect_on_first(30, 2, false);
  for (const auto& [id, epochs] : before)
    for (const auto& [i, epoch] : epochs) {
      if (i != 2) {
        EXPECT_EQ(cluster().nodes[i].processes.at(id_of(id)), epoch) << id;
      }
    }
}

TEST_F(Replicas, WhoComesToBelongToTheFirstStartsBeforeTheOtherEnds) {
  form(4, std::int64_t{2}, "active_passive", 3);
  one_is_active_ = true;
  cluster().start(0, many(30));
  cluster().run(1s);
  expect_on_first(30, 2, true);
  std::size_t least = 99;
  auto watch = cluster().watch;
  cluster().watch = [&, watch](std::size_t i, const Effects& effects) {
    watch(i, effects);
    for (int c = 0; c < 30; ++c) least = std::min(least, cluster().alive("c" + std::to_string(c)));
  };
  cluster().boot(3);
  cluster().run(2s);
  EXPECT_EQ(least, 2U);
  expect_on_first(30, 2, true);
}

TEST_F(Replicas, AStartIsAnsweredWhenAllRun) {
  form(3, std::int64_t{2}, "active_passive");
  cluster().hold_starts.insert(id_of("a"));
  const auto client = cluster().start(0, {spec_of("a")});
  cluster().run(1s);
  EXPECT_EQ(cluster().result(client), "no answer");
  EXPECT_EQ(cluster().stop(0, "a"), client + 1);
}

TEST_F(Replicas, AStartDoesNotWaitForEverForTheOthers) {
  form(3, std::int64_t{2}, "active_active");
  const std::size_t other = [&] {
    cluster().start(0, {spec_of("a")});
    cluster().run(1s);
    const auto second = cluster().index(cluster().nodes[0].core->placement(id_of("a"))[1]);
    cluster().stop(0, "a");
    cluster().run(1s);
    return second;
  }();
  auto watch = cluster().watch;
  std::uint64_t client = 0;
  cluster().watch = [&](std::size_t i, const Effects& effects) {
    watch(i, effects);
    // Its start is never heard of again.
    if (i == other && !effects.starts.empty()) cluster().hold_starts.insert(id_of("a"));
    if (i != other) cluster().hold_starts.clear();
  };
  client = cluster().start(0, {spec_of("a")});
  cluster().run(1s);
  if (cluster().alive("a") == 1) {
    EXPECT_EQ(cluster().result(client), "no answer");
    cluster().run(2s);
  }
  EXPECT_EQ(cluster().result(client), "ok");
}

TEST_F(Replicas, AStopIsAnsweredWhenAllAreGone) {
  form(4, std::int64_t{3}, "active_passive");
  one_is_active_ = true;
  cluster().start(0, many(30));
  cluster().run(1s);
  std::uint64_t client = 0;
  bool answered = false;
  cluster().watch = [&](std::size_t, const Effects& effects) {
    for (const Reply& reply : effects.replies) {
      if (reply.client.value != client) continue;
      answered = true;
      EXPECT_EQ(cluster().alive("c7"), 0U);
    }
  };
  client = cluster().stop(1, "c7");
  cluster().run(1s);
  EXPECT_TRUE(answered);
  EXPECT_EQ(cluster().result(client), "ok");
  for (const auto& node : cluster().nodes) EXPECT_TRUE(node.core->instances(id_of("c7")).empty());
}

TEST_F(Replicas, ACrashedOneIsStartedAgainWhereItWas) {
  form(4, std::int64_t{2}, "active_active");
  cluster().start(0, {spec_of("a")});
  cluster().run(1s);
  const auto before = hosts("a");
  cluster().exit_on(before[1], "a", false);
  cluster().run(1s);
  EXPECT_EQ(hosts("a"), before);
}

TEST_F(Replicas, OneThatCannotRunDoesNotStopTheOthers) {
  change_ = [](std::size_t, Settings& settings) { settings.attempts_max = settings.rounds_max = 1; };
  form(3, std::string("cluster_size"), "active_active");
  cluster().start(0, {spec_of("a")});
  cluster().run(1s);
  const std::size_t bad = hosts("a")[1];
  for (int round = 0; round < 5; ++round) {
    if (cluster().nodes[bad].processes.count(id_of("a")) != 0) cluster().exit_on(bad, "a", false);
    cluster().run(6s);
    EXPECT_GE(cluster().alive("a"), 2U);
    for (const auto& node : cluster().nodes) EXPECT_FALSE(node.core->spec(id_of("a"))->trouble->failed);
  }
  cluster().run(6s);
  EXPECT_EQ(cluster().alive("a"), 3U);
}

TEST_F(Replicas, OneThatFailsTooOftenIsReplacedByTheNextNode) {
  change_ = [](std::size_t, Settings& settings) { settings.attempts_max = 1; };
  form(4, std::int64_t{2}, "active_active");
  cluster().start(0, {spec_of("a")});
  cluster().run(1s);
  const auto before = hosts("a");
  cluster().exit_on(before[0], "a", false);
  cluster().run(1s);
  const auto now = hosts("a");
  EXPECT_EQ(now.size(), 2U);
  EXPECT_EQ(std::count(now.begin(), now.end(), before[0]), 0);
  EXPECT_EQ(std::count(now.begin(), now.end(), before[1]), 1);
}

// While it is stuck its partner is given to another instance; then the partner is its own, and waits for it.
TEST_F(Replicas, OneThatWasStuckIsHandedOverOnceItRunsAgain) {
  change_ = [](std::size_t, Settings& settings) {
    settings.strategies.migration = make_strategies({.migration = "hot_swap"}).value().migration;
  };
  form(4, std::int64_t{2}, "active_active", 2);
  cluster().keep_state = true;
  cluster().start(0, many(60));
  cluster().run(1s);
  const auto all = cluster().nodes[0].processes;
  for (const auto& [id, epoch] : all) cluster().give(0, StuckChanged{id, epoch, true});
  for (const auto& [id, epoch] : all) cluster().hold_prepares.insert(id);
  for (const std::size_t late : {2U, 3U}) cluster().boot(late);
  cluster().run(2s);
  for (const auto& [id, epoch] : all) cluster().give(0, StuckChanged{id, epoch, false});
  cluster().run(100ms);
  cluster().hold_prepares.clear();
  cluster().run(120s);
  expect_on_first(60, 2, false);
}

TEST_F(Replicas, ATransientChildEndsWithAnyOfItsInstances) {
  form(3, std::int64_t{2}, "active_active");
  cluster().start(0, {spec_of("a", "counter", Restart::transient)});
  cluster().run(1s);
  cluster().exit_on(hosts("a")[1], "a", true);
  cluster().run(1s);
  EXPECT_EQ(cluster().alive("a"), 0U);
  for (const auto& node : cluster().nodes) EXPECT_EQ(node.core->size(), 0U);
}

TEST_F(Replicas, WithRolesATransientChildEndsWithItsActiveInstanceOnly) {
  form(3, std::int64_t{2}, "active_passive");
  cluster().start(0, {spec_of("a", "counter", Restart::transient)});
  cluster().run(1s);
  const std::size_t leader = active("a").at(0);
  const auto all = hosts("a");
  const std::size_t reserve = all[0] == leader ? all[1] : all[0];
  cluster().exit_on(reserve, "a", true);
  cluster().run(1s);
  EXPECT_EQ(hosts("a"), all);
  EXPECT_EQ(active("a"), std::vector{leader});
  cluster().exit_on(leader, "a", true);
  cluster().run(1s);
  EXPECT_EQ(cluster().alive("a"), 0U);
  for (const auto& node : cluster().nodes) EXPECT_EQ(node.core->size(), 0U);
}

TEST_F(Replicas, ATemporaryChildOutlivesTheLossOfANodeButNotOfAll) {
  form(4, std::int64_t{2}, "active_active");
  cluster().start(0, {spec_of("a", "counter", Restart::temporary)});
  cluster().run(1s);
  const auto before = hosts("a");
  cluster().kill(before[0]);
  cluster().run(2s);
  EXPECT_EQ(cluster().alive("a"), 2U);
  const auto now = hosts("a");
  cluster().kill(now[0]);
  cluster().kill(now[1]);
  cluster().run(2s);
  EXPECT_EQ(cluster().alive("a"), 0U);
  for (const auto& node : cluster().nodes) {
    if (node.core) {
      EXPECT_EQ(node.core->size(), 0U);
    }
  }
}

TEST_F(Replicas, ADrainTakesTheRoleAwayFirst) {
  form(3, std::int64_t{2}, "active_passive");
  one_is_active_ = true;
  cluster().start(0, many(30));
  cluster().run(1s);
  cluster().give(1, ClientDrain{{9999}});
  cluster().run(2s);
  EXPECT_TRUE(cluster().nodes[1].left);
  EXPECT_TRUE(cluster().last[9999]);
  expect_on_first(30, 2, true);
}

TEST_F(Replicas, ADrainOfOneThatRunsEverywhereOnlyEndsItsInstances) {
  form(3, std::string("cluster_size"), "active_passive");
  one_is_active_ = true;
  cluster().start(0, many(30));
  cluster().run(1s);
  cluster().give(2, ClientDrain{{9999}});
  cluster().run(2s);
  EXPECT_TRUE(cluster().nodes[2].left);
  expect_on_first(30, 99, true);
}

TEST_F(Replicas, AWorkerThatKillsItsNodesIsFailedAfterTwo) {
  form(6, std::int64_t{2}, "active_active");
  cluster().start(0, {spec_of("a")});
  cluster().run(5s);
  for (int round = 0; round < 2; ++round) {
    const std::size_t victim = hosts("a").at(0);
    cluster().give(victim, Crashing{id_of("a"), cluster().nodes[victim].processes.at(id_of("a"))});
    cluster().run();
    cluster().kill(victim);
    cluster().run(5s);
  }
  std::size_t up = 0;
  for (const auto& node : cluster().nodes) {
    if (!node.core) continue;
    ++up;
    EXPECT_TRUE(node.core->spec(id_of("a"))->trouble->failed);
  }
  EXPECT_EQ(up, 4U);
  EXPECT_EQ(cluster().alive("a"), 0U) << "its last node is not risked, and no more are started";
}

// ---- roles -------------------------------------------------------------------------------------------

TEST_F(Replicas, TheFirstOfTheOrderIsTheActiveOne) {
  form(4, std::int64_t{3}, "active_passive");
  one_is_active_ = true;
  std::size_t roles_changed = 0;
  auto watch = cluster().watch;
  cluster().watch = [&, watch](std::size_t i, const Effects& effects) {
    watch(i, effects);
    roles_changed += effects.roles.size();
  };
  cluster().start(1, many(30));
  cluster().run(2s);
  expect_on_first(30, 3, true);
  EXPECT_EQ(roles_changed, 0U) << "each was started as what it is";
}

TEST_F(Replicas, AChildThatIsAloneIsActive) {
  form(1, std::int64_t{2}, "active_passive");
  const auto client = cluster().start(0, {spec_of("a")});
  cluster().run();
  EXPECT_EQ(cluster().result(client), "ok");
  EXPECT_EQ(active("a").size(), 1U);
}

TEST_F(Replicas, APassiveOneTakesOverFromALostNodeAtOnceAndWithAGreaterEpoch) {
  form(4, std::int64_t{2}, "active_passive");
  one_is_active_ = true;
  cluster().start(0, many(30));
  cluster().run(2s);
  const std::size_t leader = active("c3").at(0);
  Epoch before;
  for (const auto& one : cluster().nodes[leader].core->instances(id_of("c3")))
    before = std::max(before, one.instance.epoch);
  cluster().kill(leader);
  cluster().run(100ms);
  EXPECT_EQ(active("c3").size(), 1U);
  cluster().run(2s);
  expect_on_first(30, 2, true);
  const std::size_t next = active("c3").at(0);
  EXPECT_GT(cluster().nodes[next].core->instances(id_of("c3")).front().instance.epoch, before);
}

// Without the wait the children of the other side, which may take five seconds to end, and those here that
// are promoted would be active at the same time.
TEST_F(Replicas, BehindASplitAPassiveOneWaitsUntilTheOtherSideHasEnded) {
  change_ = [](std::size_t, Settings& settings) {
    const StrategyChoice of_three{"static_quorum",
                                  {{"quorum_size", std::int64_t{3}}, {"startup_confirm", true}}};
    settings.strategies.partition = make_strategies({.partition = of_three}).value().partition;
  };
  form(5, std::int64_t{2}, "active_passive");
  one_is_active_ = true;
  cluster().start(0, many(30));
  cluster().run(2s);
  expect_on_first(30, 2, true);
  for (int c = 0; c < 30; ++c) cluster().hold_stops.insert(id_of("c" + std::to_string(c)));
  cluster().split({{0, 1, 2}, {3, 4}});
  cluster().run(4s);
  std::size_t kept = 0;
  for (int c = 0; c < 30; ++c) kept += active("c" + std::to_string(c)).at(0) >= 3 ? 1 : 0;
  EXPECT_GT(kept, 0U) << "some do not end at once on the side that is locked";
  cluster().hold_stops.clear();
  cluster().run(18s);
  for (int c = 0; c < 30; ++c) {
    const std::string id = "c" + std::to_string(c);
    EXPECT_EQ(hosts(id).size(), 2U) << id;
    EXPECT_LT(hosts(id).back(), 3U) << id;
    EXPECT_EQ(active(id).size(), 1U) << id;
  }
  cluster().heal();
  cluster().run(5s);
  expect_on_first(30, 2, true);
}

TEST_F(Replicas, AnActiveOneThatIsRestartedAtOnceKeepsItsRole) {
  form(3, std::int64_t{2}, "active_passive");
  cluster().start(0, {spec_of("a")});
  cluster().run(2s);
  const std::size_t leader = active("a").at(0);
  cluster().exit_on(leader, "a", false);
  cluster().run(1s);
  EXPECT_EQ(active("a"), std::vector{leader});
}

TEST_F(Replicas, AnActiveOneThatWaitsToBeRestartedIsReplacedAndComesBackWhenItRunsWell) {
  form(3, std::int64_t{2}, "active_passive");
  one_is_active_ = true;
  cluster().start(0, {spec_of("a")});
  cluster().run(2s);
  const std::size_t leader = active("a").at(0);
  cluster().exit_on(leader, "a", false);
  cluster().run();
  cluster().exit_on(leader, "a", false);
  cluster().run();
  ASSERT_EQ(active("a").size(), 1U);
  EXPECT_NE(active("a").at(0), leader);
  cluster().run(5s);
  EXPECT_EQ(hosts("a").size(), 2U);
  EXPECT_NE(active("a").at(0), leader) << "it may crash again";
  cluster().run(6s);
  EXPECT_EQ(active("a"), std::vector{leader});
}

TEST_F(Replicas, TheNewActiveOneWaitsUntilTheOldOneHasBeenTold) {
  form(3, std::int64_t{2}, "active_passive", 2);
  one_is_active_ = true;
  cluster().start(0, many(30));
  cluster().run(2s);
  for (int c = 0; c < 30; ++c) cluster().hold_roles.insert(id_of("c" + std::to_string(c)));
  cluster().boot(2);
  cluster().run(5s);
  std::set<std::string> held;
  for (int c = 0; c < 30; ++c) {
    const std::string id = "c" + std::to_string(c);
    EXPECT_EQ(active(id).size(), 1U) << id;
    if (active(id).at(0) != 2 && first(id) == 2) held.insert(id);
  }
  EXPECT_FALSE(held.empty());
  // The workers return at last.
  for (const std::string& id : held) {
    const std::size_t old = active(id).at(0);
    cluster().nodes[old].roles[id_of(id)] = Role::passive;
    cluster().give(old, RoleTaken{id_of(id), cluster().nodes[old].processes.at(id_of(id))});
  }
  cluster().hold_roles.clear();
  cluster().run(2s);
  expect_on_first(30, 2, true);
}

TEST_F(Replicas, TheWordOfAllInTheMomentInWhichItIsNotWaitedForAnyMoreMakesItActive) {
  form(3, std::int64_t{3}, "active_passive");
  std::vector<std::pair<NodeName, MessageBody>> late;
  NodeName claimer;
  cluster().copies = [&](const NodeName& from, const NodeName& to, const MessageBody& body) {
    if (to != claimer || !std::holds_alternative<DeltaAck>(body)) return 1;
    late.emplace_back(from, body);
    return 0;
  };
  const std::size_t mine = cluster().index(*cluster().nodes[0].core->node_for(id_of("x")));
  claimer = cluster().nodes[mine].name;
  cluster().start(mine, {spec_of("x")}, StartMode::ensure);
  cluster().run(100ms);
  ASSERT_EQ(cluster().nodes[mine].processes.count(id_of("x")), 0U) << "it waits for its role";
  ASSERT_FALSE(late.empty());
  // It would start without a role now, and hears in the same step that all know of its claim.
  cluster().copies = {};
  cluster().batched = {mine};
  cluster().set_time(cluster().now.monotonic + 1s);
  for (const auto& [from, body] : late)
    cluster().give(mine, PeerMessage{from, cluster().nodes[cluster().index(from)].creation, body});
  cluster().run(2s);
  EXPECT_EQ(active("x"), std::vector<std::size_t>{mine});
}

TEST_F(Replicas, ANodeThatSleptGivesTheRoleUpBeforeItIsLetGoOn) {
  form(3, std::int64_t{2}, "active_passive");
  cluster().start(0, many(30));
  cluster().run(2s);
  cluster().watch = [&](std::size_t stepped, const Effects& effects) {
    for (int c = 0; c < 30; ++c) {
      const std::string id = "c" + std::to_string(c);
      std::size_t acting = 0;
      for (const std::size_t i : active(id)) {
        const bool fenced =
            i == stepped ? effects.fence.value_or(cluster().nodes[i].fenced) : cluster().nodes[i].fenced;
        if (!cluster().nodes[i].paused && !fenced) ++acting;
      }
      ASSERT_LE(acting, 1U) << id;
    }
  };
  cluster().pause(1);
  cluster().drop_channels(1, true);
  cluster().run(12s);
  cluster().resume(1);
  cluster().run(20s);
  expect_on_first(30, 2, true);
}

TEST_F(Replicas, APassiveReplicaOutlivesTheSleepOfItsNode) {
  form(2, std::int64_t{2}, "active_passive");
  cluster().start(0, many(30));
  cluster().run(2s);
  std::map<std::string, Epoch> before;
  for (int c = 0; c < 30; ++c) {
    const std::string id = "c" + std::to_string(c);
    if (active(id).at(0) == 0) before[id] = cluster().nodes[1].processes.at(id_of(id));
  }
  ASSERT_FALSE(before.empty());
  cluster().pause(1);
  cluster().drop_channels(1, true);
  cluster().run(12s);
  cluster().resume(1);
  cluster().run(20s);
  for (const auto& [id, epoch] : before) EXPECT_EQ(cluster().nodes[1].processes.at(id_of(id)), epoch) << id;
  expect_on_first(30, 2, true);
}

TEST_F(Replicas, AProgramIsToldItsNewRoleByARestart) {
  form(3, std::int64_t{2}, "active_passive");
  auto spec = opened(spec_of("a", "exec"));
  spec->needs = "counter";
  cluster().start(0, {spec});
  cluster().run(2s);
  const std::size_t leader = active("a").at(0);
  const auto all = hosts("a");
  const std::size_t reserve = all[0] == leader ? all[1] : all[0];
  const Epoch before = cluster().nodes[reserve].processes.at(id_of("a"));
  cluster().kill(leader);
  cluster().run(2s);
  EXPECT_EQ(active("a"), std::vector{reserve});
  EXPECT_NE(cluster().nodes[reserve].processes.at(id_of("a")), before);
  EXPECT_EQ(cluster().alive("a"), 2U);
  EXPECT_EQ(cluster().nodes[reserve].core->instances(id_of("a")).front().instance.restarts, 0U);
}

TEST_F(Replicas, BothSidesOfASplitHaveAnActiveOneAndOneIsLeftAfterwards) {
  form(2, std::int64_t{2}, "active_passive");
  cluster().start(0, many(30));
  cluster().run(2s);
  cluster().unreachable = {{cluster().nodes[0].name, cluster().nodes[1].name}};
  cluster().drop_channels(0, false);
  cluster().run(12s);
  EXPECT_EQ(active("c1").size(), 2U);
  cluster().unreachable.clear();
  cluster().run(40s);
  expect_on_first(30, 2, true);
}

}  // namespace replicas_test
}  // namespace brood::core::testing
