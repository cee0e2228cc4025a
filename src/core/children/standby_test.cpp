// Passive instances that follow, on a few cores: what is held where, what a new active instance goes on with,
// and which replies leave.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace {

StrategySettings each_call(std::int64_t factor) {
  return {{"factor", factor}, {"mode", std::string("active_passive")}, {"follow", std::string("each_call")}};
}

class StandbyStates : public ::testing::Test {
 protected:
  Cluster& form(std::size_t nodes, const StrategySettings& settings, std::size_t booted = 99) {
    cluster_ = std::make_unique<Cluster>(nodes);
    cluster_->change = [settings](std::size_t, Settings& of_node) {
      of_node.strategies = make_strategies({.redundancy = StrategyChoice{"replication", settings}}).value();
    };
    for (std::size_t i = 0; i < std::min(nodes, booted); ++i) cluster_->boot(i);
    cluster_->run(4s);
    return *cluster_;
  }
  Cluster& cluster() { return *cluster_; }
  void start(const std::string& id) {
    cluster_->start(0, {spec_of(id)});
    cluster_->run(1s);
  }
  std::size_t active(const std::string& id) const {
    for (std::size_t i = 0; i < cluster_->nodes.size(); ++i) {
      const auto& node = cluster_->nodes[i];
      const auto role = node.roles.find(id_of(id));
      if (node.core && node.processes.count(id_of(id)) != 0 && role != node.roles.end() &&
          role->second == Role::active)
        return i;
    }
    return cluster_->nodes.size();
  }
  /// In the order of the placement.
  std::vector<std::size_t> order(const std::string& id) const {
    std::vector<std::size_t> all;
    for (const auto& node : cluster_->nodes)
      if (node.core) {
        for (const NodeName& name : node.core->placement(id_of(id))) all.push_back(cluster_->index(name));
        break;
      }
    return all;
  }
  const Bytes& state(const std::string& id) { return cluster_->nodes[active(id)].state.at(id_of(id)); }
  /// What callers of the active one were told last; number 0: nothing.
  Followed followed(std::size_t i, const std::string& id) const {
    const auto& all = cluster_->nodes[i].followed;
    const auto found = all.find(id_of(id));
    return found == all.end() ? Followed{} : found->second;
  }
  void lose_follows(bool lose) {
    const std::size_t kind = MessageBody(Follow{}).index();
    if (lose)
      cluster_->lost.insert(kind);
    else
      cluster_->lost.erase(kind);
  }
  /// The message as from that node, to this one alone.
  void tell(std::size_t from, std::size_t to, MessageBody body) {
    cluster_->give(to,
                   PeerMessage{cluster_->nodes[from].name, cluster_->nodes[from].creation, std::move(body)});
    cluster_->run();
  }
  StateCopy copy(const std::string& id, std::size_t leader, std::uint64_t number, Bytes state) const {
    const Core& core = *cluster_->nodes[leader].core;
    StateCopy out;
    out.birth = core.spec(id_of(id))->birth;
    for (const Located& one : core.instances(id_of(id)))
      if (one.host.node == cluster_->nodes[leader].name) out.token = one.instance.epoch;
    out.number = number;
    out.whole = std::move(state);
    return out;
  }

 private:
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(StandbyStates, AReplyLeavesOnceAnotherNodeHoldsTheState) {
  form(3, each_call(2));
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  EXPECT_EQ(followed(leader, "a").number, 0U) << "before any message is delivered";
  cluster().run();
  EXPECT_EQ(followed(leader, "a").number, 1U);
  EXPECT_EQ(followed(leader, "a").how, Followed::How::held);
  std::uint64_t held = 0;
  for (const auto& node : cluster().nodes) held += node.core->stats().states_held;
  EXPECT_EQ(held, 1U);
  EXPECT_EQ(cluster().nodes[leader].core->states_not_followed(), 0U);
}

TEST_F(StandbyStates, TheNextActiveOneGoesOnWithWhatTheFormerOneSaved) {
  form(3, each_call(2));
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run();
  cluster().save(leader, "a", "two");
  cluster().run();
  cluster().kill(leader);
  cluster().run(2s);
  ASSERT_NE(active("a"), cluster().nodes.size());
  EXPECT_NE(active("a"), leader);
  EXPECT_EQ(state("a"), "two");
}

TEST_F(StandbyStates, ChangesFollowOnTheWhole) {
  form(3, each_call(2));
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run();
  for (const char* more : {",two", ",three"}) {
    cluster().save(leader, "a", more, false);
    cluster().run();
  }
  EXPECT_EQ(followed(leader, "a").number, 3U);
  cluster().kill(leader);
  cluster().run(2s);
  EXPECT_EQ(state("a"), "one,two,three");
}

TEST_F(StandbyStates, AGapIsFilledWithTheWhole) {
  form(3, each_call(2));
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run();
  lose_follows(true);
  cluster().save(leader, "a", ",two", false);
  cluster().run();
  EXPECT_EQ(followed(leader, "a").number, 1U);
  lose_follows(false);
  cluster().save(leader, "a", ",three", false);
  cluster().run();
  EXPECT_EQ(followed(leader, "a").number, 3U);
  cluster().kill(leader);
  cluster().run(2s);
  EXPECT_EQ(state("a"), "one,two,three");
}

TEST_F(StandbyStates, WhoeverIsPromotedAsksTheOthersForWhatIsNewer) {
  form(4, each_call(3));
  start("a");
  const auto places = order("a");
  const std::size_t leader = active("a");
  ASSERT_EQ(leader, places[0]);
  cluster().save(leader, "a", "one");
  cluster().run();
  lose_follows(true);
  cluster().save(leader, "a", "two");
  cluster().run();
  // Only the last of them got it, and that was enough for the caller.
  tell(leader, places[2], Follow{id_of("a"), 0, copy("a", leader, 2, "two")});
  EXPECT_EQ(followed(leader, "a").number, 2U);
  cluster().kill(leader);
  cluster().run(2s);
  EXPECT_EQ(active("a"), places[1]);
  EXPECT_EQ(state("a"), "two");
}

TEST_F(StandbyStates, AFormerActiveOneIsFencedOff) {
  form(4, each_call(3));
  start("a");
  const auto places = order("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run();
  StateCopy late = copy("a", leader, 7, "late");
  cluster().kill(leader);
  cluster().run(2s);
  const std::size_t next = active("a");
  cluster().save(next, "a", "two");
  cluster().run();
  const std::size_t third = next == places[1] ? places[2] : places[1];
  const std::uint64_t before = cluster().nodes[third].core->stats().states_stale;
  tell(next, third, Follow{id_of("a"), 0, std::move(late)});
  EXPECT_EQ(cluster().nodes[third].core->stats().states_stale, before + 1);
  cluster().kill(next);
  cluster().run(2s);
  EXPECT_EQ(state("a"), "two");
}

TEST_F(StandbyStates, AClaimThatCameToNothingDoesNotKeepTheActiveOneFromAnswering) {
  form(4, each_call(2));
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run();
  StateCopy present = copy("a", leader, 1, "");
  for (std::size_t i = 0; i < 4; ++i) {
    if (i == leader) continue;
    Epoch fence = present.token;
    fence.clock.value += 1'000'000;
    tell(leader, i, StateAsk{id_of("a"), 1, fence, {}, 0});
  }
  cluster().save(leader, "a", "two");
  cluster().run(2s);
  EXPECT_EQ(followed(leader, "a").number, 2U);
  EXPECT_EQ(followed(leader, "a").how, Followed::How::held);
  cluster().kill(leader);
  cluster().run(2s);
  EXPECT_EQ(state("a"), "two");
}

TEST_F(StandbyStates, OneThatHasSleptReleasesNoAnswer) {
  form(4, each_call(3));
  start("a");
  const std::size_t leader = active("a");
  const std::size_t other = order("a")[1];
  lose_follows(true);
  cluster().save(leader, "a", "one");
  cluster().run();
  const StateCopy sent = copy("a", leader, 1, "one");
  cluster().pause(leader);
  // It comes when nobody knows this node any more.
  cluster().give(leader, PeerMessage{cluster().nodes[other].name, cluster().nodes[other].creation,
                                     FollowAnswer{id_of("a"), sent.token, 1, FollowVerdict::held, {}}});
  cluster().run(20s);
  lose_follows(false);
  cluster().resume(leader);
  cluster().run(5s);
  EXPECT_EQ(followed(leader, "a").number, 0U);
  EXPECT_NE(active("a"), 4U);
}

// It was declared down, and its handler does not return when it has to end: its node is up again all the same
// after a while.
TEST_F(StandbyStates, AFormerActiveOneThatDoesNotEndOverwritesNothing) {
  form(3, each_call(3));
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run();
  cluster().hold_stops.insert(id_of("a"));
  cluster().pause(leader);
  cluster().drop_channels(leader, true);
  cluster().run(12s);
  std::size_t next = leader;
  for (std::size_t i = 0; i < 3; ++i)
    if (i != leader && cluster().nodes[i].roles[id_of("a")] == Role::active) next = i;
  ASSERT_NE(next, leader);
  cluster().save(next, "a", "two");
  cluster().run();
  ASSERT_EQ(followed(next, "a").how, Followed::How::held);
  cluster().resume(leader);
  cluster().run(60s);
  ASSERT_TRUE(cluster().nodes[leader].processes.contains(id_of("a"))) << "it has not ended";
  ASSERT_EQ(cluster().nodes[leader].core->self().state, MemberState::up);
  cluster().hold_stops.clear();
  cluster().exit_on(leader, "a", true);
  cluster().run(5s);
  EXPECT_EQ(state("a"), "two");
}

TEST_F(StandbyStates, WhereNobodyFollowsRepliesLeaveAfterAWhileAndAreCounted) {
  form(3, each_call(2), 1);
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run(1s);
  EXPECT_EQ(followed(leader, "a").number, 0U);
  cluster().run(2s);
  EXPECT_EQ(followed(leader, "a").number, 1U);
  EXPECT_EQ(followed(leader, "a").how, Followed::How::unheld);
  cluster().save(leader, "a", "two");
  cluster().run();
  EXPECT_EQ(followed(leader, "a").number, 2U) << "the next ones do not wait";
  EXPECT_EQ(cluster().nodes[leader].core->stats().states_unheld, 2U);
  EXPECT_EQ(cluster().nodes[leader].core->states_not_followed(), 1U);
  // One that comes has it all, and from then on replies wait again.
  cluster().boot(1);
  cluster().run(5s);
  const std::size_t now = active("a");
  EXPECT_EQ(state("a"), "two");
  cluster().save(now, "a", "three");
  cluster().run(100ms);
  EXPECT_EQ(followed(now, "a").how, Followed::How::held);
}

TEST_F(StandbyStates, StrictRepliesWaitForAsLongAsItTakes) {
  auto settings = each_call(2);
  settings["follow_strict"] = true;
  form(2, settings, 1);
  start("a");
  cluster().save(0, "a", "one");
  cluster().run(60s);
  EXPECT_EQ(followed(0, "a").number, 0U);
  cluster().boot(1);
  cluster().run(5s);
  EXPECT_EQ(state("a"), "one");
  EXPECT_EQ(followed(0, "a").number, 1U);
}

// It would hold up what the others of its node have to say.
TEST_F(StandbyStates, OneThatIsTooLargeIsSentToNobodyAndWhoWaitsForItIsTold) {
  for (const bool strict : {false, true}) {
    auto settings = each_call(2);
    if (strict) settings["follow_strict"] = true;
    form(2, settings, 0);
    cluster().change = [make = cluster().change](std::size_t i, Settings& of_node) {
      make(i, of_node);
      of_node.state_bytes_max = 10;
    };
    for (std::size_t i = 0; i < 2; ++i) cluster().boot(i);
    cluster().run(4s);
    start("a");
    const std::size_t leader = active("a");
    cluster().save(leader, "a", "ten bytes.");
    cluster().run(100ms);
    EXPECT_EQ(followed(leader, "a").how, Followed::How::held);
    cluster().record = true;
    cluster().save(leader, "a", "eleven bytes");
    cluster().run(100ms);
    EXPECT_EQ(followed(leader, "a").number, 2U);
    EXPECT_EQ(followed(leader, "a").how, strict ? Followed::How::given_up : Followed::How::unheld);
    for (const auto& [from, body] : cluster().sent) EXPECT_FALSE(std::holds_alternative<Follow>(body));
    cluster().save(leader, "a", "small");
    cluster().run(100ms);
    EXPECT_EQ(followed(leader, "a").how, Followed::How::held) << "the next one is as any";
  }
}

// Nobody waits for that, so only the log can say it.
TEST_F(StandbyStates, OneThatIsTooLargeIsSaidWhereStatesAreSavedFromTimeToTime) {
  form(2, {{"mode", std::string("active_passive")}, {"follow_every_ms", std::int64_t{500}}}, 0);
  cluster().change = [make = cluster().change](std::size_t i, Settings& of_node) {
    make(i, of_node);
    of_node.state_bytes_max = 10;
  };
  for (std::size_t i = 0; i < 2; ++i) cluster().boot(i);
  cluster().run(4s);
  start("a");
  std::string said;
  cluster().watch = [&](std::size_t, const Effects& effects) {
    for (const LogLine& line : effects.log) said += line.text + "\n";
  };
  cluster().save(active("a"), "a", "eleven bytes");
  cluster().run(100ms);
  EXPECT_NE(said.find("the state of a has 12 bytes, more than the 10 that are sent to others"),
            std::string::npos)
      << said;
}

TEST_F(StandbyStates, APlannedChangeOfTheRoleTakesTheLastStateAlong) {
  form(3, each_call(2), 2);
  for (int c = 0; c < 20; ++c) cluster().start(0, {spec_of("c" + std::to_string(c))});
  cluster().run(1s);
  std::map<std::string, std::size_t> before;
  for (int c = 0; c < 20; ++c) {
    const std::string id = "c" + std::to_string(c);
    before[id] = active(id);
    cluster().save(before[id], id, "of " + id);
  }
  cluster().run();
  cluster().boot(2);
  cluster().run(5s);
  int moved = 0;
  for (const auto& [id, leader] : before) {
    ASSERT_NE(active(id), 3U) << id;
    EXPECT_EQ(state(id), "of " + id);
    if (active(id) != leader) ++moved;
  }
  EXPECT_GT(moved, 0);
}

TEST_F(StandbyStates, TheRoleIsNotGivenBeforeTheNextOneHoldsTheLastState) {
  form(3, each_call(2), 2);
  for (int c = 0; c < 20; ++c) cluster().start(0, {spec_of("c" + std::to_string(c))});
  cluster().run(1s);
  for (int c = 0; c < 20; ++c) cluster().save(active("c" + std::to_string(c)), "c" + std::to_string(c), "x");
  cluster().run();
  lose_follows(true);
  cluster().boot(2);
  cluster().run(1s);
  for (int c = 0; c < 20; ++c) EXPECT_NE(active("c" + std::to_string(c)), 2U) << "it holds nothing yet";
  lose_follows(false);
  cluster().run(10s);
  int moved = 0;
  for (int c = 0; c < 20; ++c) moved += active("c" + std::to_string(c)) == 2U ? 1 : 0;
  EXPECT_GT(moved, 0) << "what does not come in time does not hold it for ever";
}

// Another may be active, says the one that follows, while the role is to be given to a third.
TEST_F(StandbyStates, WhoWaitsIsToldWhenTheRoleIsGivenAwayBeforeTheStateIsKnownToBeHeld) {
  auto settings = each_call(2);
  settings["follow_strict"] = true;
  form(3, settings, 2);
  for (int c = 0; c < 20; ++c) cluster().start(0, {spec_of("c" + std::to_string(c))});
  cluster().run(1s);
  lose_follows(true);
  std::map<std::string, std::size_t> before;
  for (int c = 0; c < 20; ++c) {
    const std::string id = "c" + std::to_string(c);
    before[id] = active(id);
    cluster().save(before[id], id, "x");
  }
  cluster().run();
  cluster().boot(2);
  cluster().run(1s);
  for (const auto& [id, leader] : before) {
    EXPECT_EQ(followed(leader, id).number, 0U) << "nobody holds its state";
    const Epoch token = copy(id, leader, 1, "").token;
    for (const Located& one : cluster().nodes[leader].core->instances(id_of(id)))
      if (const std::size_t follower = cluster().index(one.host.node); follower != leader)
        tell(follower, leader, FollowAnswer{id_of(id), token, 1, FollowVerdict::stale, token});
  }
  cluster().run(2s);
  int given_up = 0;
  for (const auto& [id, leader] : before) {
    if (active(id) != 2U || !cluster().nodes[leader].processes.contains(id_of(id))) continue;
    EXPECT_EQ(followed(leader, id).number, 1U) << id;
    EXPECT_EQ(followed(leader, id).how, Followed::How::given_up) << id;
    ++given_up;
  }
  EXPECT_GT(given_up, 0);
}

TEST_F(StandbyStates, AChildMayBeStoppedWhileItGivesTheRole) {
  form(3, each_call(2), 2);
  for (int c = 0; c < 20; ++c) {
    const std::string id = "c" + std::to_string(c);
    cluster().start(0, {spec_of(id)});
    cluster().hold_roles.insert(id_of(id));
    cluster().hold_stops.insert(id_of(id));
  }
  cluster().run(1s);
  std::map<std::string, std::size_t> before;
  for (int c = 0; c < 20; ++c) before["c" + std::to_string(c)] = active("c" + std::to_string(c));
  cluster().boot(2);
  cluster().run(2s);
  for (const auto& [id, leader] : before) cluster().stop(0, id);
  cluster().run(1s);
  for (const auto& [id, leader] : before) {
    auto& node = cluster().nodes[leader];
    cluster().give(leader, RoleTaken{id_of(id), node.processes.at(id_of(id))});
    cluster().give(leader, Exited{id_of(id), node.processes.at(id_of(id)), true, "shutdown"});
  }
  cluster().run(1s);
  for (const auto& node : cluster().nodes) EXPECT_EQ(node.core->size(), 0U);
}

TEST_F(StandbyStates, ACrashedActiveOneGoesOnWithTheState) {
  form(3, each_call(2));
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run();
  cluster().exit_on(leader, "a", false);
  cluster().run(1s);
  ASSERT_NE(active("a"), 3U);
  EXPECT_EQ(state("a"), "one");
}

TEST_F(StandbyStates, AChildThatIsStoppedAndStartedBeginsAnew) {
  form(3, each_call(2));
  start("a");
  cluster().save(active("a"), "a", "one");
  cluster().run();
  cluster().stop(0, "a");
  cluster().run(1s);
  start("a");
  ASSERT_NE(active("a"), 3U);
  EXPECT_EQ(state("a"), "new");
}

TEST_F(StandbyStates, WithAPeriodNoReplyIsSpokenOfAndTheStateIsHeldAllTheSame) {
  form(3, {{"mode", std::string("active_passive")}, {"follow_every_ms", std::int64_t{500}}});
  start("a");
  const std::size_t leader = active("a");
  cluster().save(leader, "a", "one");
  cluster().run(5s);
  EXPECT_EQ(followed(leader, "a").number, 0U);
  cluster().kill(leader);
  cluster().run(2s);
  EXPECT_EQ(state("a"), "one");
}

TEST_F(StandbyStates, WithoutFollowingNothingIsAskedOrKept) {
  form(3, {{"mode", std::string("active_passive")}});
  cluster().record = true;
  start("a");
  cluster().kill(active("a"));
  cluster().run(2s);
  EXPECT_EQ(state("a"), "new");
  for (const auto& [from, body] : cluster().sent) {
    EXPECT_FALSE(std::holds_alternative<StateAsk>(body));
    EXPECT_FALSE(std::holds_alternative<Follow>(body));
  }
}

TEST(StandbySettings, SayWhatDoesNotFit) {
  const auto words = [](StrategySettings settings) {
    const auto made = make_strategies({.redundancy = StrategyChoice{"replication", std::move(settings)}});
    return made ? std::string("ok") : made.error().message;
  };
  const Setting passive = std::string("active_passive");
  const Setting call = std::string("each_call");
  EXPECT_EQ(words({{"mode", passive}, {"follow", call}}), "ok");
  EXPECT_EQ(words({{"mode", passive}, {"follow", call}, {"follow_strict", true}}), "ok");
  EXPECT_EQ(words({{"mode", passive}, {"follow", std::string("none")}}), "ok");
  EXPECT_NE(words({{"follow", call}}).find("active_passive"), std::string::npos);
  EXPECT_NE(words({{"follow_every_ms", std::int64_t{100}}}).find("active_passive"), std::string::npos);
  EXPECT_NE(
      words({{"mode", passive}, {"follow", call}, {"follow_every_ms", std::int64_t{100}}}).find("choose"),
      std::string::npos);
  EXPECT_NE(words({{"mode", passive}, {"follow_strict", true}}).find("each_call"), std::string::npos);
  EXPECT_NE(words({{"mode", passive}, {"follow", call}, {"factor", std::int64_t{1}}}).find("factor"),
            std::string::npos);
}

TEST(StandbySettings, AreInTheFingerprint) {
  const auto name = [](StrategySettings settings) {
    settings["mode"] = std::string("active_passive");
    return make_strategies({.redundancy = StrategyChoice{"replication", std::move(settings)}})
        .value()
        .redundancy->name();
  };
  EXPECT_EQ(name({}), "replication/1 factor=2 mode=active_passive signal=all");
  EXPECT_EQ(
      name({{"follow", std::string("each_call")}}),
      "replication/1 factor=2 mode=active_passive signal=all follow=each_call wait_ms=2000 strict=false");
  EXPECT_EQ(name({{"follow_every_ms", std::int64_t{250}}}),
            "replication/1 factor=2 mode=active_passive signal=all follow=every_ms 250");
}

}  // namespace
}  // namespace brood::core::testing
