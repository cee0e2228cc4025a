#include "supervisor/node/gate.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace brood::supervisor {
namespace gate_test {

using namespace std::chrono_literals;

TEST(Gate, WhoComesAfterItWasShutGetsNoPass) {
  Gate gate;
  EXPECT_TRUE(gate.enter());
  gate.shut();
  EXPECT_TRUE(gate.is_shut());
  EXPECT_FALSE(gate.enter());
  EXPECT_TRUE(gate.close(0ms)) << "who found it shut does not count";
}

TEST(Gate, CloseWaitsForWhoIsInside) {
  Gate gate;
  auto inside = gate.enter();
  EXPECT_FALSE(gate.close(1ms)) << "somebody is inside";
  auto closed = std::async(std::launch::async, [&] { return gate.close(20s); });
  inside = {};
  EXPECT_TRUE(closed.get());
}

TEST(Gate, AMovedPassLeavesOnce) {
  Gate gate;
  auto first = gate.enter();
  auto second = std::move(first);
  EXPECT_FALSE(gate.close(0ms));
  first = {};
  EXPECT_FALSE(gate.close(0ms));
  second = {};
  EXPECT_TRUE(gate.close(0ms));
}

TEST(Gate, NobodyIsInsideWhenCloseReturnsWhateverThreadsDo) {
  for (int round = 0; round < 100; ++round) {
    Gate gate;
    std::atomic<int> inside = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        while (auto pass = gate.enter()) {
          ++inside;
          --inside;
        }
      });
    }
    EXPECT_TRUE(gate.close(20s));
    EXPECT_EQ(inside, 0);
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace gate_test
}  // namespace brood::supervisor
