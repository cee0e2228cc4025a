#include "exec/health/judge.hpp"

#include <gtest/gtest.h>

namespace brood::exec {
namespace judge_test {

using namespace std::chrono_literals;

const HealthJudge::Time start{1000s};

HealthCheck check() {
  HealthCheck check;
  check.tcp = "127.0.0.1:1";
  check.interval = 10s;
  check.threshold = 3;
  return check;
}

TEST(HealthJudge, TheFirstGoodAnswerMakesItHealthyAndIsAskedForSoon) {
  HealthJudge judge(check(), start);
  EXPECT_EQ(judge.state(), Health::starting);
  EXPECT_EQ(judge.next(), start + 100ms);
  EXPECT_FALSE(judge.on_answer(start + 100ms, false));
  EXPECT_EQ(judge.next(), start + 600ms) << "it may start at any moment";
  EXPECT_TRUE(judge.on_answer(start + 600ms, true));
  EXPECT_EQ(judge.state(), Health::healthy);
  EXPECT_EQ(judge.next(), start + 10600ms);
}

TEST(HealthJudge, ThatManyBadAnswersInARowMakeItUnhealthyAndAGoodOneHealthyAgain) {
  HealthJudge judge(check(), start);
  auto now = start;
  const auto answer = [&](bool good) { return judge.on_answer(now += 10s, good); };
  EXPECT_TRUE(answer(true));
  EXPECT_FALSE(answer(false));
  EXPECT_FALSE(answer(false));
  EXPECT_FALSE(answer(true)) << "the row is broken";
  EXPECT_FALSE(answer(false));
  EXPECT_FALSE(answer(false));
  EXPECT_FALSE(judge.wants_restart());
  EXPECT_TRUE(answer(false));
  EXPECT_EQ(judge.state(), Health::unhealthy);
  EXPECT_TRUE(judge.wants_restart());
  EXPECT_FALSE(answer(false));
  EXPECT_TRUE(answer(true));
  EXPECT_EQ(judge.state(), Health::healthy);
}

TEST(HealthJudge, OneThatNeverAnswersIsUnhealthyAfterItsStartPeriodAndAsManyIntervals) {
  HealthCheck slow = check();
  slow.start_period = 5s;
  HealthJudge judge(slow, start);
  while (judge.state() == Health::starting) {
    ASSERT_LT(judge.next(), start + 60s);
    judge.on_answer(judge.next(), false);
  }
  // Counted at 5.1 s, 15.1 s and 25.1 s, or just after.
  EXPECT_GE(judge.next() - 10s, start + 25s);
  EXPECT_LT(judge.next() - 10s, start + 27s);
}

TEST(HealthJudge, ABadAnswerInTheStartPeriodDoesNotCount) {
  HealthCheck slow = check();
  slow.start_period = 60s;
  slow.threshold = 1;
  HealthJudge judge(slow, start);
  EXPECT_FALSE(judge.on_answer(start + 59s, false));
  EXPECT_TRUE(judge.on_answer(start + 60s, false));
}

TEST(HealthJudge, ReportingAloneRestartsNothing) {
  HealthCheck told = check();
  told.threshold = 1;
  told.on_failure = HealthCheck::OnFailure::report;
  HealthJudge judge(told, start);
  EXPECT_TRUE(judge.on_answer(start + 1s, false));
  EXPECT_EQ(judge.state(), Health::unhealthy);
  EXPECT_FALSE(judge.wants_restart());
}

}  // namespace judge_test
}  // namespace brood::exec
