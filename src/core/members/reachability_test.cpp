// The effective view from rows, without messages.
#include "core/members/reachability.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace reachability_test {

/// What one node, `me`, knows of a cluster whose links are given.
class Graph {
 public:
  Graph(std::size_t count, std::set<std::pair<std::size_t, std::size_t>> broken)
      : count_(count), broken_(std::move(broken)) {}

  static std::string name(std::size_t i) { return std::string(1, static_cast<char>('a' + i)) + "@test"; }
  [[nodiscard]] bool linked(std::size_t a, std::size_t b) const {
    return a == b || !broken_.contains({std::min(a, b), std::max(a, b)});
  }
  /// The row of a node, as those that reach it have it. b is newer than a, and so on.
  [[nodiscard]] Member row(std::size_t i) const {
    Member member = member_of(name(i));
    member.up_since = Hlc{i + 1};
    for (std::size_t j = 0; j < count_; ++j)
      if (!linked(i, j)) member.unreached.insert(NodeName(name(j)));
    for (std::size_t a = 0; a < count_; ++a)
      for (std::size_t b = a + 1; b < count_; ++b)
        if (a != i && b != i && !linked(a, b) && linked(i, a) && linked(i, b))
          member.cuts.push_back({{NodeName(name(a)), Hlc{a + 1}}, {NodeName(name(b)), Hlc{b + 1}}});
    return member;
  }
  /// Who counts for that node: names without the rest; and whether it stands aside.
  [[nodiscard]] std::pair<std::string, bool> seen_by(std::size_t me) const {
    World world;
    world.settings.self = NodeName(name(me));
    PeerTable peers(world.settings.self);
    FakeOutbox outbox;
    FakeNotes notes;
    Sessions sessions(world.settings, peers, outbox, notes);
    auto s = world.step();
    sessions.set_state(s, MemberState::up, "");
    for (std::size_t i = 0; i < count_; ++i) {
      if (i == me) continue;
      if (linked(me, i))
        sessions.begin(s, peers.obtain(NodeName(name(i))), row(i));
      else
        sessions.set_unreached(s, NodeName(name(i)), true);
    }
    Reachability reach(peers, sessions);
    // It is not news: a node that has died is lost to one earlier than to another.
    const bool early = reach.look_for_cuts(s);
    EXPECT_FALSE(early);
    world.pass(cut_after(world.settings));
    auto later = world.step();
    (void)reach.look_for_cuts(later);
    reach.refresh();
    std::string who;
    for (std::size_t i = 0; i < count_; ++i)
      if (linked(me, i) && reach.counts(NodeName(name(i)))) who += name(i)[0];
    return {who, reach.stands_aside()};
  }

 private:
  std::size_t count_;
  std::set<std::pair<std::size_t, std::size_t>> broken_;
};

TEST(Reachability, WhereAllReachAllNobodyIsLeftOut) {
  const Graph whole(4, {});
  EXPECT_EQ(whole.seen_by(2), (std::pair<std::string, bool>("abcd", false)));
}

TEST(Reachability, OfABrokenLinkTheNewerEndIsLeftOutForAll) {
  const Graph graph(3, {{0, 2}});
  EXPECT_EQ(graph.seen_by(0), (std::pair<std::string, bool>("ab", false)));
  EXPECT_EQ(graph.seen_by(1), (std::pair<std::string, bool>("ab", false)));
  EXPECT_TRUE(graph.seen_by(2).second);
}

TEST(Reachability, ABridgeGoesWithTheOlderSide) {
  // a and b, c between, d and e.
  const Graph graph(5, {{0, 3}, {0, 4}, {1, 3}, {1, 4}});
  for (const std::size_t i : {0U, 1U, 2U})
    EXPECT_EQ(graph.seen_by(i), (std::pair<std::string, bool>("abc", false))) << i;
  for (const std::size_t i : {3U, 4U}) EXPECT_TRUE(graph.seen_by(i).second) << i;
}

TEST(Reachability, WhoLacksMostLinksGoesFirst) {
  // a is the oldest, and reaches only e.
  const Graph graph(5, {{0, 1}, {0, 2}, {0, 3}});
  for (const std::size_t i : {1U, 2U, 3U, 4U}) EXPECT_EQ(graph.seen_by(i).first, "bcde") << i;
  EXPECT_TRUE(graph.seen_by(0).second);
}

TEST(Reachability, ACleanSplitLeavesNobodyOut) {
  const Graph graph(4, {{0, 2}, {0, 3}, {1, 2}, {1, 3}});
  EXPECT_EQ(graph.seen_by(0), (std::pair<std::string, bool>("ab", false)));
  EXPECT_EQ(graph.seen_by(3), (std::pair<std::string, bool>("cd", false)));
}

// Any links among five nodes, as long as some node reaches all: then every node has the same view, and it is
// a full mesh.
TEST(Reachability, WhereOneReachesAllEveryViewIsTheSameFullMesh) {
  for (unsigned links = 0; links < 64; ++links) {
    std::set<std::pair<std::size_t, std::size_t>> broken;
    unsigned bit = 0;
    for (std::size_t a = 0; a < 4; ++a)
      for (std::size_t b = a + 1; b < 4; ++b, ++bit)
        if ((links >> bit & 1) != 0) broken.insert({a, b});
    const Graph graph(5, broken);
    const auto [agreed, bridge_aside] = graph.seen_by(4);
    ASSERT_FALSE(bridge_aside && broken.size() < 6) << links;
    for (std::size_t i = 0; i < 5; ++i) {
      const auto [who, aside] = graph.seen_by(i);
      const bool in = agreed.find(Graph::name(i)[0]) != std::string::npos;
      ASSERT_EQ(aside, !in) << links << " " << i;
      if (in) {
        ASSERT_EQ(who, agreed) << links << " " << i;
      }
    }
    for (const char a : agreed)
      for (const char b : agreed)
        ASSERT_TRUE(graph.linked(static_cast<std::size_t>(a - 'a'), static_cast<std::size_t>(b - 'a')))
            << links;
  }
}

}  // namespace reachability_test
}  // namespace brood::core::testing
