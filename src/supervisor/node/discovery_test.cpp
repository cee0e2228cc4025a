// Nodes that find each other without being told where the others are.
#include <gtest/gtest.h>

#include <brood/brood.hpp>
#include <future>

#include "node/test_support.hpp"

namespace brood::inline v0 {
namespace discovery_test {

using namespace std::chrono_literals;
using node::test::Epmd;
using node::test::eventually;
using node::test::free_port;

/// A strategy as a user could write it: somebody else's list.
class FromList final : public Discovery {
 public:
  explicit FromList(std::vector<std::string> nodes) : nodes_(std::move(nodes)) {}
  void start(DiscoveryHost host) override {
    told_ = std::async(std::launch::async, [this, host = std::move(host)] {
      for (const std::string& node : nodes_) host.found(node);
    });
  }
  void stop() override {
    if (told_.valid()) told_.wait();
  }

 private:
  const std::vector<std::string> nodes_;
  std::future<void> told_;
};

/// A node with a supervisor, which has the same child in all nodes' files.
struct Member {
  explicit Member(NodeOptions options) : node(std::move(options)), supervisor(node, settings()) {}
  static SupervisorOptions settings() {
    SupervisorOptions options;
    options.name = "web";
    return options;
  }
  Node node;
  Supervisor supervisor;
};

NodeOptions options_of(const std::string& name, std::shared_ptr<Discovery> strategy) {
  NodeOptions options;
  options.name = name;
  options.cookie = "secret";
  options.discovery = {std::move(strategy)};
  return options;
}

void expect_one_cluster(std::vector<std::unique_ptr<Member>>& members) {
  for (const auto& member : members) {
    EXPECT_TRUE(eventually([&] { return member->supervisor.nodes().size() == members.size(); }))
        << member->node.name() << " sees " << member->supervisor.nodes().size();
  }
}

TEST(DiscoveryOfNodes, ThoseOfOneEpmdFormACluster) {
  Epmd epmd;
  std::vector<std::unique_ptr<Member>> members;
  for (const std::string name : {"n1@127.0.0.1", "n2@127.0.0.1", "n3@127.0.0.1"}) {
    auto options = options_of(name, discover_epmd({.hosts = {"127.0.0.1"}, .every = 50ms}));
    options.epmd_port = epmd.port();
    members.push_back(std::make_unique<Member>(std::move(options)));
  }
  expect_one_cluster(members);
}

TEST(DiscoveryOfNodes, ThoseOfOneMulticastGroupFormACluster) {
  MulticastGossip gossip;
  gossip.port = free_port();
  gossip.every = 50ms;
  std::vector<std::unique_ptr<Member>> members;
  for (const std::string name : {"n1@127.0.0.1", "n2@127.0.0.1", "n3@127.0.0.1"}) {
    auto options = options_of(name, discover_multicast(gossip));
    options.epmd = false;
    members.push_back(std::make_unique<Member>(std::move(options)));
  }
  expect_one_cluster(members);
}

// Members tell each other whom they know: it is enough that one knows one.
TEST(DiscoveryOfNodes, AStrategyOfOnesOwnNeedsToNameOneMember) {
  const std::string port = ":" + std::to_string(free_port());
  const std::string first = "n@127.0.0.2" + port;
  std::vector<std::unique_ptr<Member>> members;
  for (const std::string name : {"n@127.0.0.2", "n@127.0.0.3", "n@127.0.0.4"}) {
    auto strategy = std::make_shared<FromList>(std::vector{first, std::string("not a name"), name + port});
    auto options = options_of(name + port, std::move(strategy));
    options.epmd = false;
    members.push_back(std::make_unique<Member>(std::move(options)));
  }
  expect_one_cluster(members);
}

TEST(DiscoveryOfNodes, OneThatFindsNobodyIsAClusterByItself) {
  auto options = options_of("n1@127.0.0.1", std::make_shared<FromList>(std::vector<std::string>{}));
  options.epmd = false;
  Node node(std::move(options));
  SupervisorOptions settings;
  settings.name = "web";
  settings.form_wait = 100ms;
  Supervisor supervisor(node, settings);
  EXPECT_TRUE(eventually([&] { return supervisor.nodes() == std::vector<NodeName>{"n1@127.0.0.1"}; }));
}

}  // namespace discovery_test
}  // namespace brood::inline v0
