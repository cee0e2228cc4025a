#include "supervisor/driver/deadlines.hpp"

#include <gtest/gtest.h>

#include <random>

namespace brood::supervisor {
namespace deadlines_test {

using namespace std::chrono_literals;

TEST(Deadlines, ComeInTheOrderOfTheirTimes) {
  Deadlines<int> queue;
  const SteadyTime begin{};
  queue.add(1, begin + 3s);
  queue.add(2, begin + 1s);
  queue.add(3, begin + 2s);
  EXPECT_EQ(queue.next(), begin + 1s);
  EXPECT_EQ(queue.take_due(begin + 2s), (std::vector<int>{2, 3}));
  queue.remove(1);
  EXPECT_EQ(queue.next(), std::nullopt);
  EXPECT_TRUE(queue.take_due(begin + 9s).empty());
}

TEST(Deadlines, AWaitWithoutEndIsNoTimeInThePast) {
  const auto now = std::chrono::steady_clock::now();
  EXPECT_GT(deadline_after(now, std::chrono::milliseconds::max()), now + std::chrono::hours(24 * 365));
  EXPECT_EQ(deadline_after(now, -5ms), now);
}

TEST(Deadlines, AWaitWithoutEndCanBeCountedInNanoseconds) {
  const std::chrono::nanoseconds wait = countable(std::chrono::milliseconds::max());
  EXPECT_GT(wait, std::chrono::hours(24 * 365));
  EXPECT_EQ(countable(std::chrono::milliseconds(7)), std::chrono::milliseconds(7));
}

TEST(Deadlines, ARandomWalkIsAsAPlainMapWouldDoIt) {
  std::mt19937 random(7);
  Deadlines<int> queue;
  std::map<int, SteadyTime> plain;
  SteadyTime now{};
  for (int i = 0; i < 20000; ++i) {
    const int key = static_cast<int>(random() % 50);
    switch (random() % 3) {
      case 0:
        plain[key] = now + std::chrono::seconds(random() % 20);
        queue.add(key, plain[key]);
        break;
      case 1:
        plain.erase(key);
        queue.remove(key);
        break;
      default:
        now += 1s;
        for (const int due : queue.take_due(now)) {
          ASSERT_TRUE(plain.contains(due) && plain[due] <= now);
          plain.erase(due);
        }
        for (const auto& [left, when] : plain) ASSERT_GT(when, now) << left;
    }
    ASSERT_EQ(queue.size(), plain.size());
  }
}

}  // namespace deadlines_test
}  // namespace brood::supervisor
