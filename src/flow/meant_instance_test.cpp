#include "flow/meant_instance.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace brood::flow;

namespace {

struct One {
  int node = 0;
  InstanceSight sight;
};
constexpr InstanceSight starts{};
constexpr InstanceSight runs{.has_process = true, .runs = true, .is_active = true};
constexpr InstanceSight follows{.has_process = true, .runs = true};
constexpr InstanceSight moved{.has_process = true, .is_active = true, .has_moved = true};
constexpr InstanceSight moved_and_gone{.is_active = true, .has_moved = true};

int nearest(const std::vector<One>& all, int here) {
  const One* const found = nearest_instance(
      all, [](const One& one) { return one.sight; }, [here](const One& one) { return one.node == here; });
  return found == nullptr ? 0 : found->node;
}

}  // namespace

TEST(MeantInstance, IsTheFirstThatRunsAndIsActive) {
  EXPECT_EQ(nearest({}, 1), 0);
  EXPECT_EQ(nearest({{1, starts}}, 1), 0);
  EXPECT_EQ(nearest({{1, starts}, {2, follows}}, 1), 0) << "a passive replica answers nobody";
  EXPECT_EQ(nearest({{1, starts}, {2, follows}, {3, runs}, {4, runs}}, 1), 3);
}

TEST(MeantInstance, OfSeveralThatRunIsTheOneHere) {
  EXPECT_EQ(nearest({{3, runs}, {4, runs}}, 4), 4);
  EXPECT_EQ(nearest({{3, runs}, {4, follows}}, 4), 3);
  EXPECT_EQ(nearest({{3, runs}, {4, moved}}, 4), 3);
}

TEST(MeantInstance, IsOneThatHasMovedWhileNothingIsHeardOfItsNewPlace) {
  EXPECT_EQ(nearest({{1, moved}}, 2), 1);
  EXPECT_EQ(nearest({{1, moved}, {2, starts}}, 2), 1);
  EXPECT_EQ(nearest({{1, moved}, {2, runs}}, 1), 2);
  EXPECT_EQ(nearest({{1, moved_and_gone}}, 1), 0) << "nobody passes on what is sent there";
}
