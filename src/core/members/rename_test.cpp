// A node that was alone gets a name while its children run.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace rename_test {

const NodeName nameless{"nonode@nohost"};

/// Two nodes, of which the first has no name yet and 50 children.
class Rename : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.change = [](std::size_t i, Settings& settings) {
      settings.join.clear();
      if (i == 0) {
        settings.self = nameless;
        settings.creation = 99;
      } else {
        settings.join.push_back(NodeName("n1@test"));
      }
    };
    cluster.boot(0);
    std::vector<NamedSpec> specs;
    for (int i = 0; i < 50; ++i) specs.push_back(spec_of("c" + std::to_string(i)));
    cluster.start(0, specs);
    cluster.run(1s);
    ASSERT_EQ(cluster.nodes[0].processes.size(), 50U);
  }
  void rename(std::vector<NodeName> join = {}) {
    cluster.give(0, Renamed{cluster.nodes[0].name, cluster.nodes[0].creation, "", std::move(join)});
    cluster.run(100ms);
  }
  void expect_each_once() {
    for (int i = 0; i < 50; ++i) {
      const std::string id = "c" + std::to_string(i);
      EXPECT_EQ(cluster.alive(id), 1U) << id;
      for (const auto& node : cluster.nodes) {
        if (!node.core) continue;
        const auto instances = node.core->instances(id_of(id));
        ASSERT_EQ(instances.size(), 1U) << id;
        EXPECT_EQ(instances.front().host.node, cluster.nodes[cluster.host(id)].name) << id;
      }
    }
  }
  Cluster cluster{2};
};

TEST_F(Rename, ChildrenRunOnAndAreFoundUnderTheNewName) {
  const auto before = cluster.nodes[0].processes;
  std::set<ChildId> told;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    told.insert(effects.changed.begin(), effects.changed.end());
  };
  rename();
  EXPECT_EQ(cluster.nodes[0].processes, before) << "no child was touched";
  EXPECT_EQ(told.size(), 50U) << "but each is somewhere else now";
  EXPECT_EQ(cluster.nodes[0].core->up_nodes(), std::vector{NodeName("n1@test")});
  expect_each_once();
}

TEST_F(Rename, OthersJoinItAndTakeTheirShare) {
  rename();
  cluster.boot(1);
  cluster.run(5s);
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 2U);
  expect_each_once();
  EXPECT_GT(cluster.nodes[1].processes.size(), 10U);
  EXPECT_GT(cluster.nodes[0].processes.size(), 10U);
  // All that a cluster does goes on with children of before.
  const auto stopped = cluster.stop(1, "c7");
  cluster.run(1s);
  EXPECT_EQ(cluster.result(stopped), "ok");
  EXPECT_EQ(cluster.alive("c7"), 0U);
  const auto again = cluster.start(1, {spec_of("c7")});
  cluster.run(1s);
  EXPECT_EQ(cluster.result(again), "ok");
  cluster.exit("c8", false);
  cluster.run(1s);
  expect_each_once();
  cluster.kill(0);
  cluster.run(1s);
  EXPECT_EQ(cluster.nodes[1].processes.size(), 50U);
}

TEST_F(Rename, ItJoinsTheSeedsThatItIsGiven) {
  cluster.unreachable = {{NodeName("n2@test"), NodeName("n1@test")}};  // nobody reaches a node without a name
  cluster.boot(1);
  cluster.run(5s);
  cluster.start(1, {spec_of("other")});
  cluster.run(1s);
  cluster.unreachable.clear();
  rename({NodeName("n2@test")});
  cluster.run(5s);
  EXPECT_EQ(cluster.nodes[1].core->up_nodes().size(), 2U);
  expect_each_once();
  EXPECT_EQ(cluster.alive("other"), 1U);
}

TEST_F(Rename, AStartThatIsUnderWayIsAnswered) {
  cluster.hold_starts.insert(id_of("slow"));
  Epoch epoch;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const Start& start : effects.starts) epoch = start.epoch;
  };
  const auto asked = cluster.start(0, {spec_of("slow")});
  cluster.run(100ms);
  EXPECT_EQ(cluster.result(asked), "no answer");
  rename();
  cluster.nodes[0].processes[id_of("slow")] = epoch;
  cluster.give(0, Started{id_of("slow"), epoch, {1000, 0}, 0});
  cluster.run(1s);
  EXPECT_EQ(cluster.result(asked), "ok");
}

TEST_F(Rename, ANodeThatKnowsOthersKeepsItsName) {
  rename();
  cluster.boot(1);
  cluster.run(5s);
  cluster.give(0, Renamed{NodeName("n9@test"), 5, "", {}});
  cluster.run(1s);
  EXPECT_EQ(cluster.nodes[0].core->self().session.node, NodeName("n1@test"));
  expect_each_once();
}

}  // namespace rename_test
}  // namespace brood::core::testing
