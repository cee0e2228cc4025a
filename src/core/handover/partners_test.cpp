// Hot swap of children with several instances: each instance that has to move takes along what it holds, and
// its role.
#include "core/handover/partners.hpp"

#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace {

struct HotReplicas : ::testing::Test {
  void form(std::size_t nodes, std::size_t booted, const std::string& mode, std::int64_t factor = 2) {
    cluster = std::make_unique<Cluster>(nodes);
    cluster->change = [mode, factor](std::size_t, Settings& settings) {
      settings.strategies =
          *make_strategies({.redundancy = StrategyChoice{"replication", {{"factor", factor}, {"mode", mode}}},
                            .migration = "hot_swap"});
    };
    cluster->watch = [this](std::size_t, const Effects& effects) {
      starts += effects.starts.size();
      never_two_active();
    };
    for (std::size_t i = 0; i < booted; ++i) cluster->boot(i);
    cluster->run(4s);
    std::vector<NamedSpec> specs;
    for (const NamedSpec& one : many(count)) {
      const auto spec = opened(one);
      spec->worker = worker;
      specs.push_back(spec);
    }
    cluster->start(0, std::move(specs));
    cluster->run(4s);
    for (auto& node : cluster->nodes)
      for (const auto& [id, epoch] : node.processes) node.state[id] = "of " + node.name.text();
    starts = 0;
  }
  /// A child of that id that runs on these nodes.
  static NamedSpec named(const std::string& id, const std::vector<std::string>& nodes) {
    auto spec = opened(spec_of(id));
    for (const auto& node : nodes) spec->extras.change().nodes.emplace_back(node);
    return spec;
  }
  std::string described(const ChildId& id) const {
    std::string all;
    for (const auto& node : cluster->nodes) {
      if (!node.core) continue;
      all += "\n" + node.name.text() + (node.processes.contains(id) ? " has it" : "") +
             (node.roles.contains(id) ? " as " + std::string(to_string(node.roles.at(id))) : "") + ", knows";
      for (const auto& [host, instance] : node.core->instances(id))
        all += " " + host.node.text() + ":" + std::string(to_string(instance.phase)) + "/" +
               std::string(to_string(instance.role));
      for (const NodeName& name : node.core->placement(id)) all += " " + name.text();
    }
    return all;
  }
  void never_two_active() {
    for (int i = 0; i < count; ++i) {
      const ChildId id = id_of("c" + std::to_string(i));
      std::size_t active = 0;
      for (const auto& node : cluster->nodes) {
        const auto role = node.roles.find(id);
        active +=
            node.processes.contains(id) && role != node.roles.end() && role->second == Role::active ? 1 : 0;
      }
      ASSERT_LE(active, with_roles ? 1U : 9U) << id.text() << " " << what << described(id);
    }
  }
  /// Each runs on the first nodes of its order, the first is active, and none began anew.
  void expect_settled(std::size_t factor) {
    EXPECT_EQ(starts, 0U) << "none is started: all are handed over";
    for (int i = 0; i < count; ++i) {
      const ChildId id = id_of("c" + std::to_string(i));
      for (const auto& node : cluster->nodes) {
        if (!node.core || node.left) continue;
        auto order = node.core->placement(id);
        order.resize(std::min(order.size(), factor));
        const auto known = node.core->instances(id);
        ASSERT_EQ(known.size(), order.size()) << id.text();
        for (std::size_t at = 0; at < known.size(); ++at) {
          EXPECT_EQ(known[at].host.node, order[at]) << id.text();
          EXPECT_EQ(known[at].instance.role, at == 0 || !with_roles ? Role::active : Role::passive)
              << id.text();
          const auto& host = cluster->nodes[cluster->index(order[at])];
          ASSERT_TRUE(host.processes.contains(id)) << id.text();
          if (with_roles) {
            EXPECT_EQ(host.roles.at(id), known[at].instance.role) << id.text();
          }
        }
      }
    }
    for (const auto& node : cluster->nodes) {
      EXPECT_TRUE(node.frozen.empty());
      EXPECT_TRUE(node.prepared.empty());
    }
  }
  /// What the instances of that child hold, in order.
  std::vector<Bytes> held(const ChildId& id) const {
    std::vector<Bytes> all;
    for (const auto& node : cluster->nodes)
      if (node.processes.contains(id)) all.push_back(node.state.at(id));
    std::sort(all.begin(), all.end());
    return all;
  }
  std::map<ChildId, std::vector<Bytes>> held_by_all() const {
    std::map<ChildId, std::vector<Bytes>> all;
    for (int i = 0; i < count; ++i)
      all[id_of("c" + std::to_string(i))] = held(id_of("c" + std::to_string(i)));
    return all;
  }

  static constexpr int count = 24;
  std::string worker = "counter";  ///< What all run.
  bool with_roles = true;
  std::string what;
  std::size_t starts = 0;
  std::unique_ptr<Cluster> cluster;
};

TEST_F(HotReplicas, AJoinTakesWhatEachInstanceHolds) {
  form(4, 3, "active_passive");
  const auto before = held_by_all();
  cluster->boot(3);
  cluster->run(10s);
  EXPECT_GT(cluster->nodes[3].processes.size(), 5U);
  EXPECT_EQ(held_by_all(), before);
  expect_settled(2);
}

TEST_F(HotReplicas, AnActiveInstanceThatGoesToTheFirstNodeIsActiveThere) {
  form(3, 3, "active_passive");
  std::size_t seen = 0;
  for (int i = 0; i < 12; ++i) {
    const std::string name = "d" + std::to_string(i);
    const ChildId id = id_of(name);
    cluster->start(0, {named(name, {"n1@test", "n2@test"})});
    cluster->run(2s);
    if (cluster->nodes[0].core->placement(id).front() != NodeName("n1@test")) continue;
    cluster->nodes[0].state[id] = "the active one's";
    const Epoch active = cluster->nodes[0].core->instances(id).front().instance.epoch;
    std::size_t told = 0;
    cluster->watch = [&](std::size_t, const Effects& effects) { told += effects.roles.size(); };
    cluster->start(0, {named(name, {"n2@test", "n3@test"})}, StartMode::apply);
    cluster->run(5s);
    cluster->watch = nullptr;
    EXPECT_EQ(cluster->alive(name), 2U);
    EXPECT_EQ(cluster->nodes[2].state[id], "the active one's");
    if (cluster->nodes[0].core->placement(id).front() != NodeName("n3@test")) continue;
    ++seen;
    EXPECT_EQ(told, 0U) << "nobody had to be told another role";
    EXPECT_EQ(cluster->nodes[2].roles.at(id), Role::active);
    EXPECT_GT(cluster->nodes[0].core->instances(id).front().instance.epoch, active);
  }
  EXPECT_GT(seen, 0U);
}

// The active one's node is lost while its successor gets ready, and the other instance takes the role over.
TEST_F(HotReplicas, WhatGetsReadyWhenItsSourceIsGoneIsPassiveWhateverThatWas) {
  form(3, 3, "active_passive");
  std::optional<Prepare> offered;
  cluster->watch = [&](std::size_t i, const Effects& effects) {
    for (const HandoverStep& step : effects.handovers)
      if (const auto* prepare = std::get_if<Prepare>(&step); prepare && i == 2) offered = *prepare;
  };
  std::string name;
  for (int i = 0; !offered || offered->role != Role::active; ++i) {
    ASSERT_LT(i, 30);
    name = "d" + std::to_string(i);
    cluster->start(0, {named(name, {"n1@test", "n2@test"})});
    cluster->run(2s);
    if (cluster->nodes[0].core->placement(id_of(name)).front() != NodeName("n1@test")) continue;
    cluster->hold_prepares.insert(id_of(name));
    offered.reset();
    cluster->start(0, {named(name, {"n2@test", "n3@test"})}, StartMode::apply);
    cluster->run(1s);
  }
  const ChildId id = id_of(name);
  cluster->kill(0);
  cluster->run(2s);
  ASSERT_EQ(cluster->nodes[1].roles.at(id), Role::active);
  cluster->watch = [&](std::size_t, const Effects&) {
    const auto& [second, third] = std::pair(cluster->nodes[1].roles, cluster->nodes[2].roles);
    EXPECT_FALSE(second.at(id) == Role::active && third.contains(id) && third.at(id) == Role::active);
  };
  cluster->nodes[2].prepared[id] = {offered->epoch, "of n1@test"};
  cluster->nodes[2].prepared_roles[id] = Role::active;
  cluster->give(2, Prepared{id, offered->epoch, {77, 0}});
  cluster->run();
  EXPECT_TRUE(cluster->nodes[2].processes.contains(id));
  cluster->run(2s);
  EXPECT_EQ(cluster->alive(name), 2U);
}

TEST_F(HotReplicas, ADrainTakesWhatEachInstanceHolds) {
  form(4, 4, "active_passive");
  const auto before = held_by_all();
  cluster->give(1, ClientDrain{ClientId{7}});
  cluster->run(10s);
  EXPECT_TRUE(cluster->nodes[1].left);
  EXPECT_EQ(held_by_all(), before);
  expect_settled(2);
}

TEST_F(HotReplicas, InstancesThatAreAllAlikeToo) {
  with_roles = false;
  form(4, 3, "active_active");
  const auto before = held_by_all();
  cluster->boot(3);
  cluster->run(10s);
  EXPECT_EQ(held_by_all(), before);
  expect_settled(2);
  cluster->give(0, ClientDrain{ClientId{7}});
  cluster->run(10s);
  EXPECT_TRUE(cluster->nodes[0].left);
  EXPECT_EQ(held_by_all(), before);
  expect_settled(2);
}

// Where an active instance has come to run, another may be to get the role in the same moment: it is told
// when it runs, and what is told before is not answered.
TEST_F(HotReplicas, NobodyIsToldAnotherRoleBeforeItIsOpened) {
  for (int round = 0; round < 6; ++round) {
    what = "round " + std::to_string(round);
    form(6, 3, "active_passive");
    for (std::size_t i = 3; i < 6; ++i) {
      cluster->boot(i);
      cluster->run(std::chrono::milliseconds(round * 7 % 40));
      cluster->give(i - 3, ClientDrain{ClientId{7}});
      cluster->run(std::chrono::milliseconds(round * 3 % 20));
    }
    cluster->run(30s);
    starts = 0;  // where a node that leaves has no partner left
    expect_settled(2);
  }
}

// Nobody waits for an offer that never comes.
TEST_F(HotReplicas, InstancesOfALocalSupervisorEndAndStartAnew) {
  worker = "supervisor";
  with_roles = false;
  form(4, 3, "active_active");
  cluster->boot(3);
  cluster->run(4s);
  EXPECT_GT(starts, 0U);
  for (int i = 0; i < count; ++i) EXPECT_EQ(cluster->alive("c" + std::to_string(i)), 2U);
}

TEST_F(HotReplicas, WhereNoNodeLacksOneADrainOnlyEndsIt) {
  form(2, 2, "active_passive");
  cluster->give(1, ClientDrain{ClientId{7}});
  cluster->run(10s);
  EXPECT_TRUE(cluster->nodes[1].left);
  expect_settled(2);
}

TEST_F(HotReplicas, AnInstanceThatCannotBeFrozenStaysAndGoesLater) {
  form(4, 3, "active_passive");
  for (int i = 0; i < count; ++i) cluster->fail_freezes.insert(id_of("c" + std::to_string(i)));
  const auto before = held_by_all();
  cluster->boot(3);
  cluster->run(5s);
  EXPECT_TRUE(cluster->nodes[3].processes.empty());
  EXPECT_EQ(held_by_all(), before) << "never fewer than two";
  cluster->fail_freezes.clear();
  cluster->run(30s);
  EXPECT_EQ(held_by_all(), before);
  expect_settled(2);
}

TEST_F(HotReplicas, WhoeverDiesInTheMiddleTwoRunInTheEndAndOneIsActive) {
  for (const std::size_t dies : {std::size_t{0}, std::size_t{3}}) {
    for (const HandoverWord& kind :
         {HandoverWord(Offer{}), HandoverWord(OfferAnswer{}), HandoverWord(Commit{})}) {
      form(4, 3, "active_passive");
      what = "lost " + std::to_string(kind.index()) + ", dies " + std::to_string(dies);
      cluster->lost_words = {kind.index()};
      cluster->boot(3);
      cluster->run(300ms);
      cluster->kill(dies);
      cluster->lost_words.clear();
      cluster->run(30s);
      starts = 0;
      expect_settled(2);
    }
  }
}

}  // namespace
}  // namespace brood::core::testing
