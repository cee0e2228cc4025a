// The census and the lock, on fakes.
#include "core/members/quorum.hpp"

#include "core/parts_testing.hpp"
#include "core/placement/dynamic_quorum.hpp"
#include "core/placement/majority_quorum.hpp"
#include "core/placement/static_quorum.hpp"

namespace brood::core::testing {
namespace quorum_test {

using Names = std::vector<NodeName>;

Names names(std::initializer_list<const char*> some) {
  Names all;
  for (const char* one : some) all.emplace_back(one);
  return all;
}

/// One node, 0, and what it hears of the others.
class QuorumTest : public ::testing::Test {
 protected:
  void use(std::shared_ptr<const PartitionTolerance> strategy) {
    world_.settings.strategies.partition = std::move(strategy);
    sessions_.emplace(world_.settings, peers_, outbox_, notes_);
    quorum_.emplace(world_.settings, peers_, *sessions_, sender_, notes_);
    auto s = world_.step();
    sessions_->set_state(s, MemberState::up, "");
  }
  void majority(std::size_t size, bool grows = true) {
    use(std::make_shared<MajorityQuorum>(MajorityQuorumSettings{size, grows, {}}));
  }
  /// A view with it and these, all up.
  void view(std::initializer_list<const char*> others) {
    auto s = world_.step();
    Names all = names(others);
    for (const NodeName& name : all) {
      const PeerIndex peer = peers_.obtain(name);
      if (!sessions_->member(peer)) sessions_->begin(s, peer, member_of(name.text()));
    }
    all.emplace_back("0@test");
    std::sort(all.begin(), all.end());
    quorum_->judge(s, all);
    lock_ = s.effects.lock;
  }
  /// All of the present view confirm it, until the census stays as it is.
  void confirm() {
    for (int i = 0; i < 5; ++i) {
      auto s = world_.step();
      quorum_->confirmed(s);
      if (!quorum_->maybe_change(s)) return;
      quorum_->judge(s, quorum_->tally().members);
    }
    FAIL() << "the census changes for ever";
  }
  void settle(std::initializer_list<const char*> others) {
    view(others);
    confirm();
  }

  World world_;
  // The first by name makes the census.
  PeerTable peers_{world_.settings.self = NodeName("0@test")};
  FakeOutbox outbox_;
  FakeNotes notes_;
  FakeSender sender_;
  std::optional<Sessions> sessions_;
  std::optional<Quorum> quorum_;
  std::optional<PartLock> lock_;
};

TEST_F(QuorumTest, DivergenceNeverLocksAndKeepsNoCensus) {
  use(built_in_strategies().partition);
  settle({"a@test"});
  view({});
  EXPECT_FALSE(quorum_->is_locked());
  EXPECT_EQ(quorum_->hash(), 0U);
  EXPECT_FALSE(lock_);
}

TEST_F(QuorumTest, AStaticQuorumIsLockedFromTheStartAndSaysWhy) {
  use(std::make_shared<StaticQuorum>(StaticQuorumSettings{3, true, {}}));
  view({"a@test"});
  EXPECT_TRUE(quorum_->is_locked());
  ASSERT_TRUE(lock_ && lock_->locked);
  EXPECT_EQ(lock_->words, "2 members are here (0@test, a@test); quorum_size is 3");
  view({"a@test", "b@test"});
  EXPECT_FALSE(quorum_->is_locked());
  ASSERT_TRUE(lock_ && !lock_->locked);
  EXPECT_EQ(notes_.count("lock changed"), 2U);
}

TEST_F(QuorumTest, WithoutStartupConfirmItIsFreeUntilTheQuorumWasThereOnce) {
  use(std::make_shared<StaticQuorum>(StaticQuorumSettings{2, false, {}}));
  view({});
  EXPECT_FALSE(quorum_->is_locked());
  view({"a@test"});
  view({});
  EXPECT_TRUE(quorum_->is_locked());
}

TEST_F(QuorumTest, AMajorityCountsTheLargestClusterThatThereWas) {
  majority(1);
  settle({"a@test", "b@test", "c@test", "d@test"});
  EXPECT_EQ(quorum_->census().size, 5U);
  view({"a@test", "b@test"});
  EXPECT_FALSE(quorum_->is_locked());
  view({"a@test"});
  EXPECT_TRUE(quorum_->is_locked());
  EXPECT_EQ(quorum_->words(),
            "2 of 5 are here (0@test, a@test); 3 are needed; missing: b@test, c@test, d@test");
}

TEST_F(QuorumTest, ALargerClusterThanThereEverWasIsKnownByInitialClusterSize) {
  majority(5);
  view({"a@test"});
  EXPECT_TRUE(quorum_->is_locked());
  view({"a@test", "b@test"});
  EXPECT_FALSE(quorum_->is_locked());
}

TEST_F(QuorumTest, GracefulLeavesLowerTheCount) {
  majority(1);
  settle({"a@test", "b@test", "c@test", "d@test"});
  for (const char* leaver : {"d@test", "c@test", "b@test", "a@test"}) {
    quorum_->on_left(NodeName(leaver));
    Names rest = quorum_->tally().members;
    std::erase(rest, NodeName(leaver));
    auto s = world_.step();
    quorum_->judge(s, rest);
    EXPECT_FALSE(quorum_->is_locked()) << leaver;
    confirm();
    EXPECT_EQ(quorum_->census().size, rest.size());
  }
}

TEST_F(QuorumTest, OneThatHasLeftIsNotMissedAndKeepsNoSeatThoughTheCensusNamesIt) {
  majority(5);
  settle({"a@test", "b@test"});
  ASSERT_EQ(quorum_->census().size, 5U);
  ASSERT_EQ(quorum_->census().names, names({"0@test", "a@test", "b@test"}));
  quorum_->on_left(NodeName("b@test"));
  view({"a@test", "c@test", "d@test"});
  EXPECT_EQ(quorum_->tally().size, 4U);
  EXPECT_EQ(quorum_->tally().here, 4U) << "two seats are anybody's";
  EXPECT_EQ(quorum_->tally().missing, Names{});
}

TEST_F(QuorumTest, ANodeThatIsNewHasNoVoteInAPartWithoutTheQuorum) {
  majority(1);
  settle({"a@test", "b@test"});
  view({"x@test", "y@test", "z@test"});
  EXPECT_TRUE(quorum_->is_locked());
  confirm();
  EXPECT_EQ(quorum_->census().names, names({"0@test", "a@test", "b@test"}));
}

TEST_F(QuorumTest, ANodeThatReplacesOneTakesItsSeat) {
  majority(1);
  settle({"a@test", "b@test"});
  settle({"a@test"});
  settle({"a@test", "c@test"});
  EXPECT_EQ(quorum_->census().size, 3U);
  EXPECT_EQ(quorum_->census().names, names({"0@test", "a@test", "c@test"}));
}

TEST_F(QuorumTest, AFixedSizeStaysAndGetsItsSeatsBack) {
  majority(3, false);
  settle({"a@test", "b@test", "c@test", "d@test"});
  EXPECT_EQ(quorum_->census().size, 3U);
  quorum_->on_left(NodeName("a@test"));
  settle({"b@test"});
  settle({"a@test", "b@test"});
  EXPECT_EQ(quorum_->census().size, 3U);
}

TEST_F(QuorumTest, ADynamicQuorumForgetsWhoWasLostLongAgoButOnlyWithTheQuorum) {
  use(std::make_shared<DynamicQuorum>(DynamicQuorumSettings{60, 30s, {}}));
  settle({"a@test", "b@test", "c@test", "d@test"});
  settle({"a@test", "b@test"});  // 60 %
  EXPECT_FALSE(quorum_->is_locked());
  EXPECT_EQ(quorum_->deadline(world_.now.monotonic), world_.now.monotonic + 30s);
  world_.pass(29s);
  settle({"a@test", "b@test"});
  EXPECT_EQ(quorum_->census().size, 5U);
  world_.pass(1s);
  settle({"a@test", "b@test"});
  EXPECT_EQ(quorum_->census().size, 3U);
  view({"a@test"});  // 67 %
  EXPECT_FALSE(quorum_->is_locked());
  view({});
  EXPECT_TRUE(quorum_->is_locked());
  world_.pass(1h);
  settle({});
  EXPECT_TRUE(quorum_->is_locked());
  EXPECT_EQ(quorum_->census().size, 3U);
}

TEST_F(QuorumTest, UntilAllHaveANewCensusTheOneBeforeCountsToo) {
  majority(1);
  settle({"a@test", "b@test"});
  auto s = world_.step();
  // Three have joined, and a census with them has come from its maker; not all have it.
  Census bigger;
  bigger.version = {0, quorum_->census().version.number + 1, NodeName("a@test")};
  bigger.size = 6;
  bigger.names = names({"0@test", "a@test", "b@test", "x@test", "y@test", "z@test"});
  EXPECT_TRUE(quorum_->on_news({bigger, quorum_->census()}));
  // With all that are new, but one of the former three: these may have gone on without it.
  view({"x@test", "y@test", "z@test"});
  EXPECT_TRUE(quorum_->is_locked());
  view({"a@test", "x@test", "y@test"});
  EXPECT_FALSE(quorum_->is_locked());
  quorum_->confirmed(s);
  view({"x@test", "y@test", "z@test"});
  EXPECT_FALSE(quorum_->is_locked());
}

TEST_F(QuorumTest, AnOlderCensusIsNotTaken) {
  majority(1);
  settle({"a@test", "b@test"});
  const Census known = quorum_->census();
  Census older = known;
  older.version.number = 0;
  older.size = 1;
  EXPECT_FALSE(quorum_->on_news({older, {}}));
  EXPECT_EQ(quorum_->census(), known);
}

TEST_F(QuorumTest, AResetCountsEvenWithoutTheQuorumAndBeatsAllThatPartsDidThemselves) {
  majority(1);
  settle({"a@test", "b@test", "c@test", "d@test"});
  view({});
  EXPECT_TRUE(quorum_->is_locked());
  auto s = world_.step();
  EXPECT_TRUE(quorum_->reset(s, {{7}, 1}));
  view({});
  EXPECT_FALSE(quorum_->is_locked());
  EXPECT_TRUE(world_.effects.replies.empty());
  auto later = world_.step();
  quorum_->confirmed(later);
  ASSERT_EQ(later.effects.replies.size(), 1U);
  EXPECT_TRUE(later.effects.replies[0].last);
  Census other;
  other.version = {0, 1000, NodeName("z@test")};
  EXPECT_FALSE(quorum_->on_news({other, {}}));
}

TEST_F(QuorumTest, WhereNothingIsCountedThereIsNothingToReset) {
  use(std::make_shared<StaticQuorum>(StaticQuorumSettings{2, true, {}}));
  auto s = world_.step();
  EXPECT_FALSE(quorum_->reset(s, {{7}, 3}));
  ASSERT_EQ(s.effects.replies.size(), 1U);
  EXPECT_EQ(s.effects.replies[0].outcomes[0].error->code, Errc::invalid_argument);
}

TEST_F(QuorumTest, EachIsToldOnceAndAgainWhenTheFormerCensusIsDone) {
  majority(1);
  settle({"a@test"});
  const PeerIndex peer = peers_.find(NodeName("a@test"));
  quorum_->tell({peer});
  quorum_->tell({peer});
  EXPECT_EQ(sender_.count<CensusNews>(), 1U);
  quorum_->forget(peer);
  quorum_->tell({peer});
  EXPECT_EQ(sender_.count<CensusNews>(), 2U);
}

TEST_F(QuorumTest, ARandomWalkNeverMakesTwoPartsFree) {
  // Two halves of one census, whatever leaves, comes or is forgotten on the side that may decide: the other,
  // which hears of nothing, has to stay locked.
  std::uint64_t state = 1;
  const auto below = [&](std::uint64_t limit) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % limit;
  };
  for (int walk = 0; walk < 200; ++walk) {
    majority(1);
    settle({"a@test", "b@test", "c@test", "d@test", "e@test"});
    const Census common = quorum_->census();
    // Stays with self: some; the other part has the rest, and all that is new there.
    Names here{NodeName("0@test")}, there;
    for (const char* name : {"a@test", "b@test", "c@test", "d@test", "e@test"})
      (below(2) == 0 ? here : there).emplace_back(name);
    std::sort(here.begin(), here.end());
    for (int step = 0; step < 6; ++step) {
      auto s = world_.step();
      quorum_->judge(s, here);
      confirm();
      if (below(2) == 0 && here.size() > 1 && here.back() != world_.settings.self) {
        quorum_->on_left(here.back());
        here.pop_back();
      } else {
        NodeName fresh("x" + std::to_string(step) + "@test");
        sessions_->begin(s, peers_.obtain(fresh), member_of(fresh.text()));
        here.push_back(fresh);
        std::sort(here.begin(), here.end());
      }
      const bool other_free = there.size() >= common.size / 2 + 1;
      ASSERT_FALSE(other_free && !quorum_->is_locked()) << walk;
    }
  }
}

}  // namespace quorum_test
}  // namespace brood::core::testing
