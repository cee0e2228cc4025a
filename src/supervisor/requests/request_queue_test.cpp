#include "supervisor/requests/request_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace brood::supervisor {
namespace request_queue_test {

const NodeName a("a@h");
const NodeName b("b@h");

class Queue : public ::testing::Test {
 protected:
  std::shared_ptr<RequestQueue> make(RequestLimits limits) {
    return std::make_shared<RequestQueue>(limits,
                                          [this](std::function<void()> serve) { posted.push_back(serve); });
  }
  RequestQueue::TicketPtr admit(const NodeName& client, std::size_t bytes = 100) {
    auto ticket = queue->admit(client, bytes);
    EXPECT_TRUE(ticket) << ticket.error().message;
    return ticket ? *ticket : nullptr;
  }
  void push(const NodeName& client, const std::string& name) {
    queue->push(admit(client), [this, name] { done += name; });
  }
  /// A big one of so many portions.
  void push_big(const NodeName& client, const std::string& name, int portions) {
    auto left = std::make_shared<int>(portions);
    queue->push_big(admit(client), [this, name, left] {
      done += name;
      return --*left == 0;
    });
  }
  bool step() {
    if (posted.empty()) return false;
    auto serve = std::move(posted.front());
    posted.pop_front();
    serve();
    return true;
  }
  void run() {
    while (step()) {
    }
  }

  std::deque<std::function<void()>> posted;
  std::string done;
  std::shared_ptr<RequestQueue> queue = make({});
};

TEST_F(Queue, ClientsAreServedInTurn) {
  for (const char* name : {"1", "2", "3"}) push(a, name);
  push(b, "x");
  push(b, "y");
  run();
  EXPECT_EQ(done, "1x2y3");
  EXPECT_EQ(queue->stats().open, 0U);
  EXPECT_EQ(queue->stats().clients, 0U);
}

TEST_F(Queue, SmallOnesGoBetweenThePortionsOfABigOneOfTheSameClient) {
  push_big(a, "B", 3);
  push(a, "1");
  ASSERT_TRUE(step());
  EXPECT_EQ(done, "1B");
  push(a, "2");
  ASSERT_TRUE(step());
  EXPECT_EQ(done, "1B2B");
  run();
  EXPECT_EQ(done, "1B2BB");
}

TEST_F(Queue, OneBigOneOfAClientAtATimeAndFewInAll) {
  for (int i = 0; i < 3; ++i) push_big(a, "A" + std::to_string(i), 2);
  push_big(b, "B", 2);
  run();
  EXPECT_EQ(done, "A0BA0BA1A1A2A2");
  done.clear();
  for (int i = 0; i < 6; ++i) push_big(NodeName(std::to_string(i) + "@h"), std::to_string(i), 2);
  run();
  EXPECT_EQ(done, "012301234545") << "the fifth begins when one of the first four is over, in its turn";
}

TEST_F(Queue, WhatIsBeyondTheBoundsOfAClientIsRefusedAndOnlyToThatClient) {
  queue = make({.requests_each = 2, .bytes_each = 10'000, .requests_all = 100, .bytes_all = 100'000});
  auto first = admit(a, 9000);
  auto second = queue->admit(a, 5000);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  auto small = admit(a, 1000);
  EXPECT_FALSE(queue->admit(a, 10)) << "the number";
  EXPECT_TRUE(queue->admit(b, 5000));
  first.reset();
  EXPECT_TRUE(queue->admit(a, 5000)) << "there is room again";
  EXPECT_EQ(queue->stats().refused, 2U);
}

TEST_F(Queue, TheOnlyRequestOfAClientIsTakenWhateverItsSize) {
  queue = make({.requests_each = 10, .bytes_each = 10'000, .requests_all = 100, .bytes_all = 100'000});
  auto great = admit(a, 90'000);
  EXPECT_FALSE(queue->admit(b, 90'000)) << "too much for all together";
  EXPECT_TRUE(queue->admit(b, 9000));
}

TEST_F(Queue, AllTogetherHaveABoundInNumber) {
  queue = make({.requests_each = 10, .bytes_each = 10'000, .requests_all = 2, .bytes_all = 100'000});
  auto one = admit(a);
  auto two = admit(b);
  EXPECT_FALSE(queue->admit(NodeName("c@h"), 1));
}

TEST_F(Queue, WhatAClientThatHasGoneAskedIsDropped) {
  push_big(a, "B", 3);
  push(a, "1");
  ASSERT_TRUE(step());
  EXPECT_EQ(done, "1B");
  push(a, "2");
  push_big(a, "C", 1);
  push(b, "x");
  const auto held = admit(a);
  EXPECT_FALSE(held->is_gone());
  queue->client_gone(a);
  EXPECT_TRUE(held->is_gone());
  queue->push(held, [this] { done += "!"; });
  push(a, "new");
  run();
  EXPECT_EQ(done, "1Bxnew");
  EXPECT_EQ(queue->stats().open, 1U) << "the one that is held";
  EXPECT_EQ(queue->stats().dropped, 4U);
}

TEST_F(Queue, WhatWaitsGoesWithTheQueue) {
  const auto held_by_jobs = std::make_shared<int>();
  queue->push(admit(a), [held_by_jobs] {});
  queue->push_big(admit(b), [held_by_jobs] { return true; });
  ASSERT_EQ(held_by_jobs.use_count(), 3);
  queue.reset();
  EXPECT_EQ(held_by_jobs.use_count(), 1);
}

TEST_F(Queue, ATicketMayOutliveTheQueue) {
  const auto ticket = admit(a);
  push(a, "1");
  queue.reset();
  run();
  EXPECT_EQ(done, "");
}

}  // namespace request_queue_test
}  // namespace brood::supervisor
