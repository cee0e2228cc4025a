#include "supervisor/driver/outcome_walk.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

namespace brood::supervisor {
namespace outcome_walk_test {

std::vector<ChildId> ids(std::size_t count) {
  std::vector<ChildId> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(*ChildId::binary("c" + std::to_string(i)));
  return made;
}

/// All but every tenth, and last ones first.
Outcomes outcomes_of(const std::vector<ChildId>& ids) {
  Outcomes made;
  for (std::size_t i = ids.size(); i-- > 0;) {
    if (i % 10 == 9) continue;
    made.emplace_back();
    made.back().id = ids[i];
  }
  return made;
}

struct Told {
  std::vector<std::string> ids;
  std::size_t missing = 0;
  int ends = 0;

  void walk(boost::asio::io_context& queries, const std::vector<ChildId>& asked, Outcomes outcomes) {
    const auto one = std::make_shared<OutcomeWalk>(asked);
    one->walk(
        queries, std::move(outcomes),
        [this](const ChildId& id, const core::Outcome* outcome) {
          ids.emplace_back(id.text());
          if (outcome == nullptr) {
            ++missing;
          } else {
            EXPECT_EQ(outcome->id, id);
          }
        },
        [this] { ++ends; });
  }
};

TEST(OutcomeWalk, AFewAreToldAtOnceInTheOrderInWhichTheyWereAskedFor) {
  boost::asio::io_context queries;
  const auto asked = ids(20);
  Told told;
  told.walk(queries, asked, outcomes_of(asked));
  EXPECT_EQ(told.ends, 1);
  EXPECT_EQ(told.missing, 2U);
  ASSERT_EQ(told.ids.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(told.ids[i], asked[i].text());
}

// As those do that wait for a start of many.
TEST(OutcomeWalk, WhoeverWaitsMayHoldTheWalk) {
  struct Waiter {
    std::shared_ptr<OutcomeWalk> walk;
    bool has_ended = false;
  };
  for (const std::size_t count : {std::size_t{3}, OutcomeWalk::at_once + 1}) {
    boost::asio::io_context queries;
    const auto asked = ids(count);
    auto waiter = std::make_shared<Waiter>();
    waiter->walk = std::make_shared<OutcomeWalk>(asked);
    waiter->walk->walk(
        queries, outcomes_of(asked), [waiter](const ChildId&, const core::Outcome*) {},
        [waiter] { waiter->has_ended = true; });
    queries.run();
    EXPECT_TRUE(waiter->has_ended);
    EXPECT_EQ(waiter.use_count(), 1) << "nobody else is left that holds it";
  }
}

TEST(OutcomeWalk, OfVeryManyOthersAreServedBetweenThePortions) {
  boost::asio::io_context queries;
  const auto asked = ids(200'000);
  Told told;
  told.walk(queries, asked, outcomes_of(asked));
  EXPECT_EQ(told.ends, 0) << "not on the thread that had the outcomes";
  EXPECT_TRUE(told.ids.empty());
  std::size_t turns = 0;
  std::function<void()> another = [&] {
    ++turns;
    if (told.ends == 0) boost::asio::post(queries, another);
  };
  boost::asio::post(queries, another);
  queries.run();
  EXPECT_EQ(told.ends, 1);
  EXPECT_GT(turns, 2U);
  EXPECT_EQ(told.missing, 20'000U);
  ASSERT_EQ(told.ids.size(), asked.size());
  for (std::size_t i = 0; i < asked.size(); i += 1000) EXPECT_EQ(told.ids[i], asked[i].text());
}

}  // namespace outcome_walk_test
}  // namespace brood::supervisor
