// Many nodes that come and go while children are started and stopped.
#include <algorithm>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace topology_test {

/// Some children, of which the cluster is asked from nodes at random; it remembers which are wanted.
struct Wanted {
  explicit Wanted(Cluster& of) : cluster(of) {}

  std::uint64_t below(std::uint64_t limit) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % limit;
  }
  std::size_t some_node() {
    for (;;)
      if (const std::size_t i = below(cluster.nodes.size()); cluster.nodes[i].core && !cluster.nodes[i].left)
        return i;
  }
  void start(int count) {
    for (; count > 0; --count) {
      ids.push_back("c" + std::to_string(next++));
      clients.push_back(cluster.start(some_node(), {spec_of(ids.back())}));
    }
  }
  void stop(int count) {
    for (; count > 0; --count) {
      const auto one = ids.begin() + static_cast<std::ptrdiff_t>(below(ids.size()));
      clients.push_back(cluster.stop(some_node(), *one));
      ids.erase(one);
    }
  }
  void expect_these_and_no_others() {
    std::size_t processes = 0;
    for (const auto& node : cluster.nodes) processes += node.processes.size();
    EXPECT_EQ(processes, ids.size());
    for (const std::string& id : ids) EXPECT_EQ(cluster.alive(id), 1U) << id;
    for (const auto& node : cluster.nodes) {
      if (!node.core) continue;
      EXPECT_EQ(node.core->size(), ids.size()) << node.name.text() << " knows them";
      for (const std::string& id : ids)
        EXPECT_EQ(node.core->placement(id_of(id)).front(), cluster.nodes[cluster.host(id)].name) << id;
    }
    for (const auto client : clients) {
      EXPECT_EQ(cluster.result(client), "ok");
      EXPECT_TRUE(cluster.last[client]);
    }
  }

  Cluster& cluster;
  std::vector<std::string> ids;
  std::vector<std::uint64_t> clients;
  std::uint64_t state = 7;
  int next = 0;
};

TEST(Topology, HalfOfTenNodesGoAndTenComeWhileChildrenAreStoppedAndStarted) {
  Cluster cluster(20);
  for (std::size_t i = 0; i < 10; ++i) cluster.boot(i);
  cluster.run(5s);
  Wanted wanted(cluster);
  wanted.start(60);
  cluster.run(1s);
  wanted.expect_these_and_no_others();
  for (const std::size_t i : {1U, 2U, 4U, 7U, 9U}) cluster.kill(i);
  wanted.stop(45);
  wanted.start(60);
  cluster.run(1s);
  for (std::size_t i = 10; i < 20; ++i) cluster.boot(i);
  wanted.stop(30);
  wanted.start(30);
  cluster.run(3s);
  wanted.expect_these_and_no_others();
  EXPECT_EQ(cluster.nodes[0].core->up_nodes().size(), 15U);
}

}  // namespace topology_test
}  // namespace brood::core::testing
