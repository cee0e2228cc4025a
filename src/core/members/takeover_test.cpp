// What is waited for where a node was lost without proof: whatever it may run still, or have begun.
#include "core/members/takeover_delay.hpp"
#include "core/placement/load_balancer.hpp"
#include "core/placement/static_quorum.hpp"
#include "core/testing.hpp"

namespace brood::core::testing {
namespace takeover_test {

std::shared_ptr<const PartitionTolerance> of_static(std::size_t size) {
  return std::make_shared<StaticQuorum>(StaticQuorumSettings{size, true, {}});
}

std::size_t running(const Cluster& cluster, std::initializer_list<std::size_t> nodes) {
  std::size_t count = 0;
  for (const std::size_t i : nodes) count += cluster.nodes[i].processes.size();
  return count;
}

std::unique_ptr<Cluster> make(std::size_t count, const std::shared_ptr<const PartitionTolerance>& strategy) {
  auto cluster = std::make_unique<Cluster>(count);
  cluster->change = [strategy](std::size_t, Settings& settings) { settings.strategies.partition = strategy; };
  return cluster;
}

// It has seen no loss, and what ran on the other side is not in the tables that it gets.
TEST(Takeover, ANodeThatJoinsAfterTheSplitWaitsAsTheOthersDo) {
  auto cluster = make(5, of_static(3));
  for (std::size_t i = 0; i < 4; ++i) cluster->boot(i);
  cluster->run(4s);
  cluster->start(0, many(40));
  cluster->run(1s);
  const auto beyond = cluster->nodes[3].processes;
  ASSERT_GT(beyond.size(), 4U);
  for (const auto& [id, epoch] : beyond) cluster->hold_stops.insert(id);  // they take their time
  cluster->split({{0, 1, 2, 4}, {3}});
  ASSERT_EQ(cluster->nodes[0].core->up_nodes().size(), 3U);
  cluster->boot(4);
  cluster->run(5s);
  EXPECT_FALSE(cluster->nodes[4].processes.empty()) << "it takes over what runs on its side";
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const auto& [id, epoch] : beyond) {
    cluster->nodes[3].processes.erase(id);
    cluster->give(3, Exited{id, epoch, true, "shutdown"});
  }
  cluster->run(60s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
}

// It has joined without having met one of the members, which the others lose before they see a cut in that.
TEST(Takeover, ANodeThatNeverMetTheLostOneWaitsForItToo) {
  auto cluster = make(4, of_static(2));
  for (std::size_t i = 0; i < 3; ++i) cluster->boot(i);
  cluster->run(4s);
  cluster->start(0, many(60));
  cluster->run(1s);
  const auto beyond = cluster->nodes[2].processes;
  for (const auto& [id, epoch] : beyond) cluster->hold_stops.insert(id);
  cluster->unreachable = {{cluster->nodes[2].name, cluster->nodes[3].name},
                          {cluster->nodes[3].name, cluster->nodes[2].name}};
  cluster->boot(3);
  for (int i = 0; i < 200 && cluster->nodes[3].core->self().state != MemberState::up; ++i)
    cluster->run(100ms);
  ASSERT_EQ(cluster->nodes[3].core->up_nodes().size(), 3U);
  cluster->split({{0, 1, 3}, {2}}, 200ms);
  cluster->run(1s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const auto& [id, epoch] : beyond) cluster->exit_on(2, id.text(), true, "shutdown");
  cluster->run(20s);
  EXPECT_EQ(running(*cluster, {0, 1, 3}), 60U);
}

// When it had the first Hello it had not met the others of whom that told.
TEST(Takeover, ANodeThatHasMetTheLostOneDoesNotWaitForItAnewWhenAnotherDies) {
  auto cluster = make(4, of_static(2));
  for (std::size_t i = 0; i < 3; ++i) cluster->boot(i);
  cluster->run(4s);
  cluster->start(0, many(60));
  cluster->run(1s);
  cluster->boot(3);
  cluster->run(1s);
  ASSERT_EQ(cluster->nodes[3].core->up_nodes().size(), 4U);
  cluster->split({{0, 1, 3}, {2}}, 3s);
  cluster->run(10s);
  cluster->kill(1);
  cluster->run(5s);
  EXPECT_LT(running(*cluster, {0, 3}), 60U) << "the other side has its time";
  cluster->run(5s);
  EXPECT_EQ(running(*cluster, {0, 3}), 60U);
}

// The leader of a distribution that balances gives children to any node, and cut off to itself.
TEST(Takeover, AChildThatIsNewWaitsWhereALostNodeThatCoordinatedItMayHaveStartedIt) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies.partition = of_static(2);
    settings.strategies.distribution = std::make_shared<LoadBalancer>(BalancingSettings{});
  };
  cluster.form();
  ASSERT_EQ(cluster.nodes[1].core->leader(), cluster.nodes[0].name);
  cluster.hold_stops.insert(id_of("x"));
  bool cut = true;
  cluster.copies = [&](const NodeName& from, const NodeName& to, const MessageBody&) {
    return cut && (from == cluster.nodes[0].name || to == cluster.nodes[0].name) ? 0 : 1;
  };
  cluster.start(0, {spec_of("x")});
  cluster.run(100ms);
  ASSERT_EQ(cluster.host("x"), 0U);
  cluster.split({{0}, {1, 2}}, 3s);
  cut = false;
  const auto other = cluster.start(1, {spec_of("x")});
  cluster.run(10s);
  EXPECT_EQ(cluster.alive("x"), 1U) << "the other side has its time to end it";
  cluster.nodes[0].processes.erase(id_of("x"));
  cluster.run(10s);
  EXPECT_EQ(cluster.alive("x"), 1U);
  EXPECT_EQ(cluster.result(other), "ok");
}

// x runs on n3, of which no word comes any more; the others know of it by its row alone.
struct CutOffAsItStarts : Cluster {
  CutOffAsItStarts(std::shared_ptr<const Distribution> distribution, const NamedSpec& x) : Cluster(3) {
    change = [distribution = std::move(distribution)](std::size_t, Settings& settings) {
      settings.strategies.partition = of_static(2);
      if (distribution) settings.strategies.distribution = distribution;
    };
    form();
    hold_stops.insert(id_of("x"));
    copies = [this](const NodeName& from, const NodeName&, const MessageBody&) {
      return from == nodes[2].name ? 0 : 1;
    };
    start(0, {x}, StartMode::start, nodes[2].name);
    run(100ms);
    split({{0, 1}, {2}}, 3s);
    copies = {};
  }
  /// That of n3 has its time to end.
  void expect_it_is_waited_for() {
    ASSERT_EQ(host("x"), 2U);
    run(15s);
    EXPECT_EQ(alive("x"), 1U) << "it is started beside the one that n3 has begun";
    nodes[2].processes.erase(id_of("x"));
    run(5s);
    EXPECT_EQ(alive("x"), 1U);
  }
};

TEST(Takeover, AChildThatWasStoppedAndIsGivenToAnotherNodeWaitsForTheOneThatHadIt) {
  CutOffAsItStarts cluster(std::make_shared<LoadBalancer>(BalancingSettings{}), spec_of("x"));
  const auto stop = cluster.stop(0, "x");
  cluster.run(100ms);
  EXPECT_EQ(cluster.replies.count(stop), 0U) << "it may run still";
  const auto start = cluster.start(1, {spec_of("x")});
  cluster.expect_it_is_waited_for();
  EXPECT_EQ(cluster.result(stop), "ok");
  EXPECT_EQ(cluster.result(start), "ok");
}

TEST(Takeover, AChildThatMayRunElsewhereFromNowOnWaitsForTheNodeWhereItMayRunStill) {
  const auto only_on = [](const char* node) {
    auto spec = opened(spec_of("x"));
    spec->extras.change().nodes = {NodeName(node)};
    return spec;
  };
  CutOffAsItStarts cluster(nullptr, only_on("n3@test"));
  cluster.start(0, {only_on("n1@test")}, StartMode::apply);
  cluster.expect_it_is_waited_for();
}

TEST(Takeover, AStopWaitsForTheNodeThatWasCutOffAndForNoOther) {
  auto cluster = make(4, of_static(2));
  cluster->form();
  const std::string cut = cluster->id_at(3), other = cluster->id_at(1);
  cluster->start(0, {spec_of(cut), spec_of(other)});
  cluster->run(100ms);
  ASSERT_EQ(cluster->host(cut), 3U);
  cluster->hold_stops.insert(id_of(cut));
  cluster->split({{0, 1, 2}, {3}}, 3s);
  cluster->run(100ms);
  const auto one = cluster->stop(0, cut), another = cluster->stop(0, other);
  cluster->run(2s);
  EXPECT_EQ(cluster->result(another), "ok");
  EXPECT_EQ(cluster->replies.count(one), 0U);
  EXPECT_EQ(cluster->alive(cut), 1U);
  cluster->exit_on(3, cut, true, "shutdown");
  cluster->run(20s);
  EXPECT_EQ(cluster->result(one), "ok");
  EXPECT_EQ(cluster->alive(cut), 0U);
}

// Nobody has heard of the instance that the second of its two nodes has started.
TEST(Takeover, AStopWaitsForAnInstanceThatOnlyTheLostNodeKnows) {
  Cluster cluster(4);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.strategies =
        make_strategies({.redundancy = StrategyChoice{"replication", {{"factor", 2}}}}).value();
    settings.strategies.partition = of_static(3);
  };
  cluster.form();
  bool cut = true;
  cluster.copies = [&](const NodeName& from, const NodeName&, const MessageBody&) {
    return cut && from == cluster.nodes[3].name ? 0 : 1;
  };
  cluster.start(0, many(20));
  cluster.run(100ms);
  std::vector<std::string> there;
  for (int i = 0; i < 20; ++i)
    if (const auto id = "c" + std::to_string(i);
        cluster.nodes[3].processes.contains(id_of(id)) && cluster.nodes[0].core->spec(id_of(id)))
      there.push_back(id);
  ASSERT_GT(there.size(), 3U);
  for (const auto& id : there) cluster.hold_stops.insert(id_of(id));
  cluster.split({{0, 1, 2}, {3}}, 100ms);
  cut = false;
  cluster.run(1s);
  std::vector<std::uint64_t> stops;
  for (const auto& id : there) stops.push_back(cluster.stop(0, id));
  cluster.run(1s);
  for (const auto& id : there)
    for (std::size_t i = 0; i < 3; ++i)
      if (cluster.nodes[i].processes.contains(id_of(id))) cluster.exit_on(i, id, true, "shutdown");
  cluster.run(2s);
  for (std::size_t i = 0; i < there.size(); ++i)
    EXPECT_EQ(cluster.replies.count(stops[i]), 0U) << there[i] << " runs on " << cluster.alive(there[i]);
  for (const auto& id : there) cluster.exit_on(3, id, true, "shutdown");
  cluster.run(20s);
  for (const auto stop : stops) EXPECT_EQ(cluster.result(stop), "ok");
}

// The stop was asked for before the loss of the child's node was known, and its coordinator dies after that.
TEST(Takeover, AStopWaitsForTheNodeThatWasCutOffAtItsNextCoordinatorToo) {
  auto cluster = make(5, of_static(3));
  cluster->form();
  const std::string id = cluster->id_at(0);
  auto spec = opened(spec_of(id));
  spec->extras.change().nodes = {cluster->nodes[3].name};
  cluster->start(4, {spec});
  cluster->run(100ms);
  ASSERT_EQ(cluster->host(id), 3U);
  cluster->hold_stops.insert(id_of(id));
  cluster->copies = [cut = cluster->nodes[3].name](const NodeName& from, const NodeName& to,
                                                   const MessageBody&) {
    return from == cut || to == cut ? 0 : 1;
  };
  const auto stop = cluster->stop(4, id);
  cluster->run(100ms);
  cluster->split({{0, 1, 2, 4}, {3}}, 3s);
  cluster->run(100ms);
  cluster->kill(0);
  cluster->run(200ms);
  EXPECT_EQ(cluster->replies.count(stop), 0U);
  EXPECT_EQ(cluster->alive(id), 1U);
  cluster->exit_on(3, id, true, "shutdown");
  cluster->run(20s);
  EXPECT_EQ(cluster->result(stop), "ok");
}

// Of a loss that it was only told of it knows no placement, but to which node a child was given.
TEST(Takeover, ANodeThatJoinsAfterTheSplitWaitsForWhatWasMovedToTheLostNode) {
  auto cluster = make(4, of_static(2));
  for (std::size_t i = 0; i < 3; ++i) cluster->boot(i);
  cluster->run(4s);
  cluster->start(0, many(60));
  cluster->run(1s);
  const auto moved = cluster->nodes[0].processes;
  cluster->copies = [&](const NodeName& from, const NodeName&, const MessageBody&) {
    return from == cluster->nodes[2].name ? 0 : 1;
  };
  std::uint64_t client = 1000;
  for (const auto& [id, epoch] : moved)
    cluster->give(0, ClientMove{{++client}, MoveKind::to_node, id, cluster->nodes[2].name});
  cluster->run(100ms);
  std::vector<ChildId> beyond;
  for (const auto& [id, epoch] : moved)
    if (cluster->host(id.text()) == 2) beyond.push_back(id);
  ASSERT_GT(beyond.size(), 4U);
  for (const ChildId& id : beyond) cluster->hold_stops.insert(id);
  cluster->split({{0, 1, 3}, {2}}, 3s);
  cluster->copies = {};
  cluster->boot(3);
  cluster->run(5s);
  ASSERT_EQ(cluster->nodes[3].core->up_nodes().size(), 3U);
  for (const ChildId& id : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const ChildId& id : beyond) cluster->exit_on(2, id.text(), true, "shutdown");
  cluster->run(20s);
  for (const ChildId& id : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
}

// By the view that the lost node acted in, which had no such node, it was the place of what belongs to the
// new one now. Nothing passes between it and the others from that moment on.
TEST(Takeover, ANodeThatIsUpWaitsForWhatTheLostNodeRanBeforeItKnewOfThat) {
  auto cluster = make(4, of_static(2));
  for (std::size_t i = 0; i < 3; ++i) cluster->boot(i);
  cluster->run(4s);
  bool is_cut_off = false;
  cluster->copies = [&](const NodeName& from, const NodeName& to, const MessageBody&) {
    const NodeName& name = cluster->nodes[2].name;
    return is_cut_off && (from == name || to == name) ? 0 : 1;
  };
  cluster->watch = [&](std::size_t i, const Effects& effects) {
    for (const MemberEvent& one : effects.members) {
      if (i != 3 || is_cut_off || one.session.node != cluster->nodes[3].name || one.state != MemberState::up)
        continue;
      is_cut_off = true;
      cluster->start(2, many(60));
    }
  };
  cluster->boot(3);
  cluster->run(1s);
  ASSERT_TRUE(is_cut_off);
  const auto beyond = cluster->nodes[2].processes;
  ASSERT_GT(beyond.size(), 10U);
  for (const auto& [id, epoch] : beyond) cluster->hold_stops.insert(id);
  cluster->split({{0, 1, 3}, {2}}, 3s);
  ASSERT_EQ(cluster->nodes[3].core->up_nodes().size(), 3U);
  cluster->start(0, many(60));
  cluster->run(5s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
  for (const auto& [id, epoch] : beyond) cluster->exit_on(2, id.text(), true, "shutdown");
  cluster->run(60s);
  for (const auto& [id, epoch] : beyond) EXPECT_EQ(cluster->alive(id.text()), 1U) << id.text();
}

TEST(Takeover, AStopDoesNotWaitForANodeThatIsProvenToBeDead) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(0);
  auto spec = opened(spec_of(id));
  spec->extras.change().nodes = {cluster.nodes[1].name};
  cluster.start(0, {spec});
  cluster.run(1s);
  ASSERT_EQ(cluster.host(id), 1U);
  cluster.hold_stops.insert(id_of(id));
  const auto stop = cluster.stop(0, id);
  cluster.run();
  ASSERT_EQ(cluster.result(stop), "no answer");
  Core& core = *cluster.nodes[0].core;
  std::vector<Event> events{PeerDown{cluster.nodes[1].name, false, "test"},
                            ConnectFailed{cluster.nodes[1].name, true, "test"}};
  const Effects& effects = core.step_all(events, cluster.now);
  ASSERT_EQ(effects.replies.size(), 1U) << "in the very step in which that is known";
  EXPECT_FALSE(effects.replies.front().outcomes.front().error);
}

TEST(TakeoverDelay, TheBoundIsWhatTheDelayDoesNotCover) {
  Settings settings;
  settings.tick_timeout = 8s;
  const auto with = [&](std::optional<Duration> delay) {
    settings.strategies.partition =
        std::make_shared<StaticQuorum>(StaticQuorumSettings{2, true, {delay, 5s}});
  };
  with({});
  EXPECT_EQ(takeover_delay(settings), 17s);
  EXPECT_EQ(overlap_bound(settings), 0s);
  with(4s);
  EXPECT_EQ(overlap_bound(settings), 13s);
  with(60s);
  EXPECT_EQ(overlap_bound(settings), 0s);
}

}  // namespace takeover_test
}  // namespace brood::core::testing
