#include "process/calls/wait_graph.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

namespace brood::process {
namespace wait_graph_test {

WaiterKey key(std::uint64_t process) {
  return {0, process};
}

TEST(WaitGraph, ALongChainIsFollowedToItsEnd) {
  WaitGraph graph;
  constexpr std::uint64_t length = 1000;
  for (std::uint64_t at = 0; at < length; ++at) ASSERT_EQ(graph.add(key(at), key(at + 1)), WaitBegun::here);
  EXPECT_EQ(graph.follow(key(0)).waits.size(), length);
  EXPECT_EQ(graph.add(key(length), key(length + 1)), WaitBegun::here);
  EXPECT_EQ(graph.add(key(length + 1), key(0)), WaitBegun::circle);
  EXPECT_EQ(graph.follow(key(0)).waits.size(), length + 1) << "what would have made a circle is not noted";
  graph.remove(key(500), key(501));
  EXPECT_EQ(graph.add(key(length + 1), key(0)), WaitBegun::here);
}

TEST(WaitGraph, WhoWaitsForAnotherNodeThroughOthersIsToldSo) {
  WaitGraph graph;
  const Pid far{NodeName("far@host"), 1, 0, 7};
  EXPECT_EQ(graph.add(key(2), {5, 1}, far), WaitBegun::away);
  EXPECT_EQ(graph.add(key(1), key(2)), WaitBegun::away);
  EXPECT_EQ(graph.follow(key(1)).next, far);
  graph.remove(key(2), {5, 1});
  EXPECT_EQ(graph.add(key(1), key(2)), WaitBegun::here);
}

// Each waits for the next: whichever comes last is told, and nobody else.
TEST(WaitGraph, OfThoseThatCloseACircleAtOnceOneIsTold) {
  constexpr std::uint64_t members = 3;
  constexpr int rounds = 2000;
  WaitGraph graph;
  std::atomic<int> told{0};
  int wrong = 0;
  std::barrier begins(members);
  std::barrier ends(members, [&]() noexcept { wrong += told.exchange(0) != 1; });
  std::vector<std::jthread> all;
  for (std::uint64_t me = 0; me < members; ++me)
    all.emplace_back([&, me] {
      for (int round = 0; round < rounds; ++round) {
        begins.arrive_and_wait();
        told += graph.add(key(me), key((me + 1) % members)) == WaitBegun::circle;
        ends.arrive_and_wait();
        graph.remove(key(me), key((me + 1) % members));
      }
    });
  all.clear();
  EXPECT_EQ(wrong, 0);
}

// 1 waits for 2; 2 waits for 3, and when that is over 3 waits for 1. All three are never there at once.
TEST(WaitGraph, WhatIsOverIsNotTakenForAPartOfACircle) {
  constexpr int rounds = 200'000;
  WaitGraph graph;
  std::atomic<bool> go_on{true};
  int told = 0;
  const auto once = [&](std::uint64_t caller, std::uint64_t callee) {
    const bool is_circle = graph.add(key(caller), key(callee)) == WaitBegun::circle;
    graph.remove(key(caller), key(callee));
    return is_circle;
  };
  std::jthread others([&] {
    while (go_on) {
      EXPECT_FALSE(once(2, 3));
      EXPECT_FALSE(once(3, 1));
    }
  });
  for (int round = 0; round < rounds; ++round) told += once(1, 2);
  go_on = false;
  others.join();
  EXPECT_EQ(told, 0);
}

}  // namespace wait_graph_test
}  // namespace brood::process
