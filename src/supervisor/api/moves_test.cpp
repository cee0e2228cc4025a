// Moves by hand, and calls while a node leaves, on the public API.
#include <gtest/gtest.h>

#include <atomic>
#include <brood/brood.hpp>
#include <future>
#include <set>
#include <thread>

#include "supervisor/node/node_test_support.hpp"

namespace brood::inline v0 {
namespace moves_test {

using namespace std::chrono_literals;
using test::eventually;
using test::Places;

struct hello {};

class Box : public Worker {
 public:
  using handles = messages<hello>;
  Box() {
    ++made;
    Places::wait_for_gate();
  }
  int on(hello) { return 1; }
  static inline std::atomic<int> made = 0;
};

Result<void> add_box(Node& node) {
  return node.workers().add<Box>("box");
}

TEST(Move, OneThatAStopOvertakesIsToldSo) {
  Places places(2, add_box);
  ASSERT_TRUE(places.formed());
  const std::string id = places.ids_apart().first;
  Supervisor& web = places.web(0);
  ASSERT_TRUE(web.start_child({.id = id, .run = WorkerSpec{"box"}}).get());
  Places::close_gate();  // it cannot begin there
  const int before = Box::made;
  auto moved = std::async(std::launch::async, [&] { return web.move_child(id, places.name(1), 20s); });
  ASSERT_TRUE(eventually([&] { return Box::made > before; })) << "it is about to begin there";
  auto stopped = web.stop_child(id, {.timeout = 20s});
  const auto answer = moved.get();
  Places::open_gate();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::stopped) << answer.error().message;
  EXPECT_TRUE(stopped.get());
}

// Of two instances one goes with its node's supervisor, without a hand-over.
TEST(Move, CallsAreAnsweredWhileTheSupervisorOfAnInstanceEnds) {
  constexpr int children = 20;
  std::set<std::string> failures;
  for (int round = 0; round < 8; ++round) {
    Places places(3, add_box, {.redundancy = StrategyChoice{"replication", {{"factor", std::int64_t{2}}}}});
    ASSERT_TRUE(places.formed());
    Supervisor& web = places.web(0);
    const auto id = [](int i) { return "c" + std::to_string(i); };
    for (int i = 0; i < children; ++i)
      ASSERT_TRUE(web.start_child({.id = id(i), .run = WorkerSpec{"box"}}).get());
    std::atomic<bool> over = false;
    std::atomic<int> answered = 0;
    std::mutex mutex;
    std::vector<std::thread> callers;
    for (int first = 0; first < 4; ++first)
      callers.emplace_back([&, first] {
        while (!over) {
          std::vector<Future<int>> asked;
          for (int i = 0; i < 10 * children; ++i)
            asked.push_back(web.call<int>(id((first + i) % children), hello{}, 10s));
          for (Future<int>& one : asked) {
            const auto reply = one.get();
            ++answered;
            if (reply) continue;
            const std::scoped_lock lock(mutex);
            failures.insert(std::string(to_string(reply.error().code)) + ": " + reply.error().message);
          }
        }
      });
    EXPECT_TRUE(eventually([&] { return answered > 1000; }));
    places.end(1);
    const int after = answered;
    EXPECT_TRUE(eventually([&] { return answered > after + 1000; }));
    over = true;
    for (std::thread& caller : callers) caller.join();
  }
  std::string all;
  for (const std::string& failure : failures) all += failure + "\n";
  EXPECT_TRUE(failures.empty()) << all;
}

}  // namespace moves_test
}  // namespace brood::inline v0
