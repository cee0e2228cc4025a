#include "process/sched/alertness.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace brood::process {
namespace alertness_test {

bool looks(Alertness& alertness, bool comes) {
  bool looked = false;
  (void)alertness.wait([&] {
    looked = true;
    return comes;
  });
  return looked;
}

TEST(Alertness, WhoStayedAwakeInVainPassesOverTwiceAsManyEachTime) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "with one processor nobody stays awake";
  Alertness alertness;
  std::vector<int> passed_over;
  for (int round = 0; round < 8; ++round) {
    int skipped = 0;
    while (!looks(alertness, false)) ++skipped;
    passed_over.push_back(skipped);
  }
  EXPECT_EQ(passed_over, (std::vector<int>{0, 1, 3, 7, 15, 31, 63, 63}));
}

TEST(Alertness, ASuccessMakesItAlertAgain) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "with one processor nobody stays awake";
  Alertness alertness;
  for (int i = 0; i < 1000; ++i) (void)looks(alertness, false);
  while (!looks(alertness, true)) {
  }
  EXPECT_TRUE(looks(alertness, true));
  EXPECT_TRUE(looks(alertness, true));
}

}  // namespace alertness_test
}  // namespace brood::process
