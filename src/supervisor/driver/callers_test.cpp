#include "supervisor/driver/callers.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace brood::supervisor {
namespace callers_test {

using namespace std::chrono_literals;

struct World {
  boost::asio::io_context control;
  Registry registry;
  std::vector<core::ClientId> gone;
  Callers callers{control, registry, [this](core::ClientId id) { gone.push_back(id); }};
  std::shared_ptr<int> owner = std::make_shared<int>(0);
  int answered = 0;
  core::ClientId ask(std::chrono::milliseconds timeout) {
    return callers.ask(
        timeout, [this](const Outcomes&, bool) { ++answered; }, owner);
  }
};

TEST(Callers, OneTimerServesAllWhoeverIsFirst) {
  World world;
  const auto late = world.ask(10min);
  const auto early = world.ask(0ms);
  bool runs = true;
  world.callers.wait(
      *ChildId::binary("a"), core::Hlc{}, 0ms, [&](bool told) { runs = told; }, Waiters::Row::may_come,
      world.owner);
  while (world.gone.empty() || runs) ASSERT_GT(world.control.run_one_for(20s), 0U);
  EXPECT_EQ(world.gone, std::vector{early});
  EXPECT_EQ(world.answered, 1);
  world.callers.reply({late, {}, true});
  EXPECT_EQ(world.answered, 2);
}

TEST(Callers, WhatAReceiverThrowsIsItsOwnLoss) {
  World world;
  const auto bad = world.callers.ask(
      10min, [](const Outcomes&, bool) { throw std::bad_alloc(); }, world.owner);
  const auto good = world.ask(10min);
  world.callers.reply({bad, {}, true});
  world.callers.reply({good, {}, true});
  EXPECT_EQ(world.answered, 1);
}

TEST(Callers, GivenUpAllAreAnsweredOnceAndAnOwnerThatIsGoneIsNotRungFor) {
  World world;
  (void)world.ask(10min);
  const auto one = world.ask(10min);
  world.callers.give_up(one);
  EXPECT_EQ(world.gone, std::vector{one});
  world.callers.give_up_all();
  EXPECT_EQ(world.answered, 2);
  (void)world.ask(0ms);
  world.owner.reset();
  world.control.run_for(1ms);
  EXPECT_EQ(world.answered, 2);
}

}  // namespace callers_test
}  // namespace brood::supervisor
