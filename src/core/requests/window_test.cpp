#include "core/requests/window.hpp"

#include <gtest/gtest.h>

namespace brood::core {
namespace window_test {

using namespace std::chrono_literals;

struct TheWindow : ::testing::Test {
  void answer(int times, Duration took) {
    for (int i = 0; i < times; ++i) window.answered(settings, now += 1ms, took);
  }
  [[nodiscard]] std::size_t size() const { return window.size(settings); }
  Settings settings;
  Window window;
  Duration now = 1000s;
};

TEST_F(TheWindow, IsAsLargeAsIsSetUntilAnswersComeLate) {
  EXPECT_EQ(size(), settings.request_window);
  answer(2000, 3ms);
  EXPECT_EQ(size(), settings.request_window);
  answer(100, 2 * 3ms + Window::patience + 1us);
  EXPECT_EQ(size(), settings.request_window - 200);
  answer(100, 2 * 3ms + Window::patience);
  EXPECT_EQ(size(), settings.request_window - 100);
}

TEST_F(TheWindow, KeepsAFifthHoweverLateAnswersAreAndGrowsAgain) {
  answer(1, 1ms);
  answer(2000, 1s);
  EXPECT_EQ(size(), settings.request_window / 5);
  answer(1000, 1ms);
  EXPECT_EQ(size(), settings.request_window);
}

TEST_F(TheWindow, DoesNotShrinkForFarNodesAndSlowChildren) {
  for (const Duration far : {Duration(120ms), Duration(5s)}) {
    answer(1, far);
    now += 2 * Window::memory;  // quicker ones are long ago
    answer(3000, far + 10ms);
    EXPECT_EQ(size(), settings.request_window) << far / 1ms;
  }
}

TEST_F(TheWindow, RemembersTheQuickestForAWhile) {
  answer(1, 1ms);
  now += Window::memory;
  answer(10, 60ms);
  EXPECT_EQ(size(), settings.request_window - 20);
  now += Window::memory;
  answer(10, 60ms);
  EXPECT_EQ(size(), settings.request_window - 10) << "the cluster is not as quick any more";
}

TEST_F(TheWindow, OfOneIsOne) {
  settings.request_window = 1;
  answer(10, 1s);
  answer(10, 30s);
  EXPECT_EQ(size(), 1U);
  settings.request_window = 0;
  EXPECT_EQ(size(), 1U);
}

}  // namespace window_test
}  // namespace brood::core
