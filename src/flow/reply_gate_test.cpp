// Which replies wait for which state.
#include "flow/reply_gate.hpp"

#include <gtest/gtest.h>

#include <random>

#include "flow/state_form.hpp"

namespace brood::flow {
namespace {

using Gate = ReplyGate<int>;
using Held = Gate::Held;
using Ready = Gate::Ready;

/// An active gate whose first state, number 1, is held.
Gate active() {
  Gate gate(true);
  EXPECT_TRUE(gate.become_active().empty());
  EXPECT_EQ(gate.sent(*gate.begin_save(false)), 1U);
  EXPECT_TRUE(gate.followed(1).ready.empty());
  return gate;
}
/// A call that is answered by its handler.
SaveDue call(Gate& gate, int reply) {
  gate.enter();
  EXPECT_EQ(gate.hold(reply, gate.term()), Held::yes);
  return gate.leave();
}

TEST(ReplyGate, AReplyLeavesWhenTheStateAfterItIsHeld) {
  Gate gate = active();
  EXPECT_EQ(call(gate, 5), SaveDue::now);
  EXPECT_EQ(gate.sent(*gate.begin_save(false)), 2U);
  EXPECT_TRUE(gate.followed(1).ready.empty()) << "that was before";
  EXPECT_EQ(*gate.oldest(), 5);
  EXPECT_EQ(gate.followed(2).ready, Ready{5});
  EXPECT_EQ(gate.oldest(), nullptr);
}

TEST(ReplyGate, OneStateIsUnderWayAndTheNextTakesAllAlong) {
  Gate gate = active();
  (void)call(gate, 1);
  (void)gate.sent(*gate.begin_save(false));
  EXPECT_EQ(call(gate, 2), SaveDue::no);
  EXPECT_EQ(call(gate, 3), SaveDue::no);
  EXPECT_FALSE(gate.begin_save(false)) << "one is under way";
  const auto released = gate.followed(2);
  EXPECT_EQ(released.ready, Ready{1});
  EXPECT_EQ(released.due, SaveDue::order);
  EXPECT_TRUE(gate.begin_ordered());
  EXPECT_EQ(gate.sent(*gate.begin_save(false)), 3U);
  EXPECT_EQ(gate.followed(3).ready, (Ready{2, 3}));
}

TEST(ReplyGate, ASaveIsOrderedOnce) {
  Gate gate = active();
  gate.enter();
  EXPECT_EQ(gate.leave(), SaveDue::no) << "nobody waits";
  int first = 1, second = 2;
  EXPECT_EQ(gate.hold(first, gate.term()), Held::order) << "a handler of before answers between two";
  EXPECT_EQ(gate.hold(second, gate.term()), Held::yes);
  EXPECT_TRUE(gate.begin_ordered());
  (void)gate.sent(*gate.begin_save(false));
  EXPECT_FALSE(gate.begin_ordered()) << "one is under way";
}

TEST(ReplyGate, AStateThatIsHeldWhileAHandlerRunsDoesNotCoverIt) {
  Gate gate = active();
  (void)call(gate, 1);
  (void)gate.sent(*gate.begin_save(false));
  gate.enter();
  int reply = 2;
  EXPECT_EQ(gate.hold(reply, gate.term()), Held::yes);
  const auto released = gate.followed(2);
  EXPECT_EQ(released.ready, Ready{1});
  EXPECT_EQ(released.due, SaveDue::no) << "the handler's end says so";
  EXPECT_EQ(gate.leave(), SaveDue::now);
}

TEST(ReplyGate, WhatChangesNothingLeavesWithTheStatesBeforeIt) {
  Gate gate = active();
  EXPECT_EQ(call(gate, 1), SaveDue::now);
  EXPECT_EQ(gate.unchanged(*gate.begin_save(false)), Ready{1});
  EXPECT_EQ(call(gate, 2), SaveDue::now);
  (void)gate.sent(*gate.begin_save(false));
  gate.enter();
  int reads = 3;
  EXPECT_EQ(gate.hold(reads, gate.term()), Held::yes);
  (void)gate.leave();
  EXPECT_TRUE(gate.unchanged(*gate.begin_save(true)).empty()) << "what it has read is under way";
  EXPECT_EQ(gate.followed(2).ready, (Ready{2, 3}));
}

TEST(ReplyGate, TheLastStateCoversWhatWasUnderWay) {
  Gate gate = active();
  (void)call(gate, 1);
  (void)gate.sent(*gate.begin_save(false));
  (void)call(gate, 2);
  EXPECT_EQ(gate.sent(*gate.begin_save(true)), 3U);
  gate.become_passive();
  EXPECT_TRUE(gate.followed(2).ready.empty());
  EXPECT_EQ(gate.followed(3).ready, (Ready{1, 2}));
}

TEST(ReplyGate, WhatWasNeverHeldIsNotAnsweredByALaterState) {
  Gate gate = active();
  (void)call(gate, 1);
  (void)gate.sent(*gate.begin_save(true));
  gate.become_passive();
  EXPECT_EQ(gate.become_active(), Ready{1});
  EXPECT_TRUE(gate.followed(2).ready.empty()) << "it is of when it was active before";
  EXPECT_EQ(gate.sent(*gate.begin_save(false)), 3U);
  EXPECT_TRUE(gate.followed(3).ready.empty());
}

TEST(ReplyGate, WhatWaitsWhenTheStateIsGivenUpIsUnsafe) {
  Gate gate = active();
  (void)call(gate, 1);
  (void)gate.sent(*gate.begin_save(false));
  (void)call(gate, 2);
  (void)gate.sent(*gate.begin_save(true));
  EXPECT_TRUE(gate.given_up(3).empty()) << "it is active";
  gate.become_passive();
  EXPECT_TRUE(gate.given_up(2).empty()) << "the last one may be held";
  EXPECT_EQ(gate.given_up(3), (Ready{1, 2}));
  EXPECT_TRUE(gate.followed(3).ready.empty());
  EXPECT_EQ(gate.oldest(), nullptr);
  int late = 3;
  EXPECT_EQ(gate.hold(late, gate.term()), Held::unsafe) << "a promise: no state will ever be saved for it";
}

TEST(ReplyGate, AReplyOfATermBeforeIsNotAnsweredByALaterState) {
  Gate gate = active();
  gate.enter();
  const std::uint64_t term = gate.term();
  EXPECT_EQ(gate.leave(), SaveDue::no);
  (void)gate.sent(*gate.begin_save(true));
  gate.become_passive();
  EXPECT_TRUE(gate.become_active().empty());
  (void)gate.sent(*gate.begin_save(false));
  (void)gate.followed(3);
  int late = 1, now = 2;
  EXPECT_EQ(gate.hold(late, term), Held::unsafe);
  EXPECT_EQ(late, 1);
  EXPECT_EQ(gate.hold(now, gate.term()), Held::no);
}

TEST(ReplyGate, ToldAgainThatItIsActiveItKeepsWhatWaits) {
  Gate gate = active();
  (void)call(gate, 1);
  (void)gate.sent(*gate.begin_save(false));
  EXPECT_TRUE(gate.become_active().empty());
  EXPECT_EQ(gate.followed(2).ready, Ready{1});
}

TEST(ReplyGate, ClosedItHoldsNothing) {
  Gate gate = active();
  EXPECT_EQ(call(gate, 1), SaveDue::now);
  EXPECT_EQ(gate.close(), Ready{1});
  int late = 2;
  EXPECT_EQ(gate.hold(late, gate.term()), Held::no);
  EXPECT_EQ(late, 2);
}

TEST(ReplyGate, WithAPeriodNoReplyWaits) {
  Gate gate(false);
  (void)gate.become_active();
  gate.enter();
  int reply = 1;
  EXPECT_EQ(gate.hold(reply, gate.term()), Held::no);
  EXPECT_EQ(gate.leave(), SaveDue::order);
  gate.enter();
  EXPECT_EQ(gate.leave(), SaveDue::no) << "it is asked for";
  EXPECT_TRUE(gate.begin_ordered());
  (void)gate.sent(*gate.begin_save(false));
  EXPECT_EQ(gate.under_way(), 0U);
  EXPECT_TRUE(gate.begin_save(false).has_value());
}

// A counter, and whoever follows it, at random: no reply says more than what is held, and none is forgotten.
TEST(ReplyGate, ARandomWalkAnswersNothingThatIsNotHeldAndForgetsNothing) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    Gate gate(true);
    std::vector<std::pair<std::uint64_t, int>> sent;  // number, state
    int state = 0, last = -1, held = -1, asked = 0, answered = 0;
    bool ordered = false, handling = false;
    const auto give = [&](const Ready& ready) {
      for (const int reply : ready) EXPECT_LE(reply, held) << "seed " << seed;
      answered += static_cast<int>(ready.size());
    };
    const auto save = [&](bool is_last) {
      const auto covers = gate.begin_save(is_last);
      if (!covers) return;
      if (state == last) return give(gate.unchanged(*covers));
      sent.emplace_back(gate.sent(*covers), last = state);
    };
    const auto order = [&](bool due) { ordered = ordered || due; };
    const auto reply = [&] {
      int value = state;
      ++asked;
      const Held out = gate.hold(value, gate.term());
      if (out == Held::no) give({value});
      order(out == Held::order);
    };
    const auto activate = [&] {
      EXPECT_TRUE(gate.become_active().empty());
      last = -1;
      save(false);
    };
    const auto leave = [&] {
      handling = false;
      const SaveDue due = gate.leave();
      if (due == SaveDue::now) save(false);
      order(due == SaveDue::order);
    };
    const auto follow = [&](std::size_t upto) {
      held = sent[upto].second;
      const std::uint64_t number = sent[upto].first;
      sent.erase(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(upto) + 1);
      auto released = gate.followed(number);
      give(released.ready);
      order(released.due == SaveDue::order);
    };
    const auto run_order = [&] {
      ordered = false;
      if (gate.begin_ordered()) save(false);
    };
    activate();
    for (int step = 0; step < 300; ++step) {
      const unsigned dice = random() % 8;
      if (dice < 3 && handling) {
        if (random() % 2 == 0) reply();
        leave();
      } else if (dice < 3) {
        gate.enter();
        handling = true;
        state += static_cast<int>(random() % 2);
      } else if (dice == 3 && !handling) {
        reply();  // a promise
      } else if (dice < 6 && !sent.empty()) {
        follow(random() % sent.size());
      } else if (dice == 6 && ordered && !handling) {
        run_order();
      } else if (dice == 7 && !handling && random() % 8 == 0) {
        activate();  // told again
      }
    }
    if (handling) leave();
    for (int round = 0; round < 5; ++round) {
      if (!sent.empty()) follow(sent.size() - 1);
      if (ordered) run_order();
    }
    EXPECT_EQ(answered, asked) << "seed " << seed;
    EXPECT_EQ(gate.oldest(), nullptr);
  }
}

TEST(StateForm, BeginsWholeAndGoesOnWithChanges) {
  StateForm form(2);
  EXPECT_TRUE(form.is_whole());
  form.sent(true, 10);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(form.is_whole());
    form.sent(false, 10);
  }
  EXPECT_TRUE(form.is_whole()) << "so many changes in a row";
  form.sent(true, 10);
  EXPECT_FALSE(form.is_whole());
  form.begin_anew();
  EXPECT_TRUE(form.is_whole());
}

TEST(StateForm, AsManyBytesOfChangesAsTheWholeHadAreEnough) {
  StateForm form(1000);
  form.sent(true, 10'000);
  form.sent(false, 10'000);
  EXPECT_FALSE(form.is_whole());
  form.sent(false, 1);
  EXPECT_TRUE(form.is_whole());
  form.sent(true, 0);
  form.sent(false, 4096);
  EXPECT_FALSE(form.is_whole()) << "a small state";
}

}  // namespace
}  // namespace brood::flow
