#include "core/base/window.hpp"

#include <gtest/gtest.h>

namespace brood::core {
namespace window_test {

using namespace std::chrono_literals;

struct TheWindow : ::testing::Test {
  void take(int times, Duration took) {
    for (int i = 0; i < times; ++i) window.done(most, now += 1ms, took);
  }
  [[nodiscard]] std::size_t size() const { return window.size(most); }
  std::size_t most = 500;
  Window window;
  Duration now = 1000s;
};

TEST_F(TheWindow, GrowsToWhatIsSetUntilTheyTakeLong) {
  EXPECT_EQ(size(), most / 5);
  take(399, 3ms);
  EXPECT_EQ(size(), most - 1);
  take(2000, 3ms);
  EXPECT_EQ(size(), most);
  take(100, 2 * 3ms + Window::patience + 1us);
  EXPECT_EQ(size(), most - 200);
  take(100, 2 * 3ms + Window::patience);
  EXPECT_EQ(size(), most - 100);
}

TEST_F(TheWindow, KeepsAFifthHoweverLongTheyTakeAndGrowsAgain) {
  take(1, 1ms);
  take(2000, 1s);
  EXPECT_EQ(size(), most / 5);
  take(1000, 1ms);
  EXPECT_EQ(size(), most);
}

TEST_F(TheWindow, DoesNotShrinkForFarNodesAndSlowChildren) {
  for (const Duration far : {Duration(120ms), Duration(5s)}) {
    take(1, far);
    now += 2 * Window::memory;  // quicker ones are long ago
    take(3000, far + 10ms);
    EXPECT_EQ(size(), most) << far / 1ms;
  }
}

TEST_F(TheWindow, RemembersTheQuickestForAWhile) {
  take(1000, 1ms);
  now += Window::memory;
  take(10, 60ms);
  EXPECT_EQ(size(), most - 20);
  now += Window::memory;
  take(10, 60ms);
  EXPECT_EQ(size(), most - 10) << "the cluster is not as quick any more";
}

TEST_F(TheWindow, OfOneIsOne) {
  most = 1;
  take(10, 1s);
  take(10, 30s);
  EXPECT_EQ(size(), 1U);
  most = 0;
  EXPECT_EQ(size(), 1U);
}

}  // namespace window_test
}  // namespace brood::core
