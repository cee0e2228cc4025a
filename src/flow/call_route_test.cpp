#include "flow/call_route.hpp"

#include <gtest/gtest.h>

namespace brood::flow {
namespace {

using Child = CallSight::Child;
using Found = CallRoute::Found;

CallSight sees(Child child) {
  CallSight sight;
  sight.child = child;
  return sight;
}
CallSight given_up(Child child) {
  CallSight sight = sees(child);
  sight.given_up = true;
  return sight;
}
CallSight too_late(Child child) {
  CallSight sight = sees(child);
  sight.in_time = false;
  return sight;
}

TEST(CallRoute, AsksWhatIsInReachAndWaitsForWhatIsNot) {
  CallRoute route;
  EXPECT_EQ(route.attempt(sees(Child::in_reach)), CallStep::ask);
  EXPECT_EQ(route.attempt(sees(Child::cut_off)), CallStep::wait_for_host);
  EXPECT_EQ(route.attempt(sees(Child::nowhere)), CallStep::wait_for_next);
}

TEST(CallRoute, OfAChildThatIsGivenUpOnlyWhatIsInReachIsAsked) {
  CallRoute route;
  EXPECT_EQ(route.attempt(given_up(Child::nowhere)), CallStep::given_up);
  EXPECT_EQ(route.attempt(given_up(Child::cut_off)), CallStep::given_up) << "nothing would end the wait";
  EXPECT_EQ(route.attempt(given_up(Child::in_reach)), CallStep::ask);
  EXPECT_EQ(route.nobody_saw_it(given_up(Child::in_reach)), CallStep::given_up) << "no other one comes";
  EXPECT_EQ(route.host_waited(given_up(Child::cut_off)), CallStep::given_up);
}

TEST(CallRoute, AsksTheCoordinatorOnce) {
  CallRoute route;
  EXPECT_EQ(route.attempt(sees(Child::unknown)), CallStep::ask_coordinator);
  EXPECT_EQ(route.looked_up(sees(Child::unknown), Found::yes), CallStep::wait_for_row);
  EXPECT_EQ(route.waited_for_row(sees(Child::in_reach)), CallStep::ask);
  EXPECT_EQ(route.nobody_saw_it(sees(Child::unknown)), CallStep::no_such_child) << "it is gone by now";
}

TEST(CallRoute, EndsByWhatTheCoordinatorSays) {
  for (const auto& [found, step] :
       {std::pair(Found::refused, CallStep::refused), std::pair(Found::no_word, CallStep::nobody_said)}) {
    CallRoute route;
    ASSERT_EQ(route.attempt(sees(Child::unknown)), CallStep::ask_coordinator);
    EXPECT_EQ(route.looked_up(sees(Child::unknown), found), step);
  }
}

// One by one the rows of a child come that was started again after it had failed.
TEST(CallRoute, ARowThatHasGoneBeforeTheOneThatIsMeantCameIsAskedForAnew) {
  CallRoute route;
  ASSERT_EQ(route.attempt(sees(Child::unknown)), CallStep::ask_coordinator);
  ASSERT_EQ(route.looked_up(sees(Child::unknown), Found::yes), CallStep::wait_for_row);
  EXPECT_EQ(route.waited_for_row(sees(Child::unknown)), CallStep::ask_coordinator);
  EXPECT_EQ(route.looked_up(sees(Child::unknown), Found::refused), CallStep::refused);
  EXPECT_EQ(route.waited_for_row(too_late(Child::unknown)), CallStep::no_answer_in_time);
}

TEST(CallRoute, WhatNobodySawIsSentToTheNextOne) {
  CallRoute route;
  ASSERT_EQ(route.attempt(sees(Child::in_reach)), CallStep::ask);
  // The same instance is seen still: another one is waited for.
  EXPECT_EQ(route.nobody_saw_it(sees(Child::in_reach)), CallStep::wait_for_next);
  EXPECT_EQ(route.waited(sees(Child::in_reach), true), CallStep::ask);
}

TEST(CallRoute, EndsWhenItsTimeIsOverAndSaysWhatItWaitedFor) {
  CallRoute route;
  EXPECT_EQ(route.attempt(too_late(Child::in_reach)), CallStep::no_answer_in_time);
  EXPECT_EQ(route.waited(too_late(Child::nowhere), false), CallStep::not_in_time);
  EXPECT_EQ(route.host_waited(too_late(Child::cut_off)), CallStep::cut_off);
  EXPECT_EQ(route.host_waited(sees(Child::cut_off)), CallStep::wait_for_host);
}

TEST(CallRoute, SaysNothingOfWhereAChildRunsWhereThisPartMayNotAct) {
  CallRoute route;
  CallSight sight = sees(Child::in_reach);
  sight.partitioned = true;
  EXPECT_EQ(route.attempt(sight), CallStep::partitioned);
}

TEST(CallRoute, OfASupervisorThatHasEndedOrANodeThatHasLeftNothingIsWaitedFor) {
  CallRoute route;
  CallSight sight = sees(Child::nowhere);
  sight.left = true;
  EXPECT_EQ(route.attempt(sight), CallStep::node_left);
  sight.child = Child::in_reach;
  EXPECT_EQ(route.attempt(sight), CallStep::ask) << "it may still be reached";
  EXPECT_EQ(route.nobody_saw_it(sight), CallStep::node_left);
  sight.ended = true;
  for (const CallStep step : {route.attempt(sight), route.nobody_saw_it(sight), route.host_waited(sight),
                              route.waited(sight, true), route.looked_up(sight, Found::yes)}) {
    EXPECT_EQ(step, CallStep::supervisor_ended);
    EXPECT_TRUE(ends(step));
  }
}

}  // namespace
}  // namespace brood::flow
