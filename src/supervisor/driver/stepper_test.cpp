#include "supervisor/driver/stepper.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

#include "supervisor/node/clock.hpp"

namespace brood::supervisor {
namespace stepper_test {

using namespace std::chrono_literals;

/// A host that answers what the core asks for, and writes down how large the steps were.
struct FakeHost final : Stepper::Host, std::enable_shared_from_this<FakeHost> {
  explicit FakeHost(boost::asio::io_context& control, core::Settings settings = one())
      : stepper(control, std::move(settings), 16, *this) {}
  static core::Settings one() {
    core::Settings settings;
    settings.supervisor = "web";
    settings.self = NodeName("n1@t");
    settings.creation = 7;
    settings.offers = {"counter"};
    return settings;
  }
  core::Now now() override { return read_clocks(); }
  bool complete(core::Event& event) override {
    ++seen;
    return !std::holds_alternative<core::ClientGone>(event);
  }
  void carry_out(const core::Effects& effects) override {
    ++steps;
    for (const auto& start : effects.starts)
      stepper.inbox().put(core::Started{start.id, start.epoch, {1, ++pids}, 0});
    for (const auto& reply : effects.replies) answered += reply.outcomes.size();
  }
  std::weak_ptr<void> alive() override { return weak_from_this(); }

  Stepper stepper;
  int seen = 0, steps = 0;
  std::uint32_t pids = 0;
  std::size_t answered = 0;
};

core::NamedSpec spec(const std::string& id) {
  auto made = std::make_shared<core::Spec>();
  made->worker = "counter";
  made->needs = "counter";
  return {*ChildId::binary(id), std::move(made)};
}

TEST(Stepper, StepsAreBoundedAndOtherWorkGoesBetweenThem) {
  boost::asio::io_context control;
  auto host = std::make_shared<FakeHost>(control);
  host->stepper.boot({});
  for (int i = 0; i < 200; ++i)
    host->stepper.inbox().put(core::ClientStart{core::ClientId{static_cast<std::uint64_t>(i) + 1},
                                                core::StartMode::start,
                                                {},
                                                {spec("c" + std::to_string(i))}});
  int steps_before_other_work = -1;
  control.run_one();
  boost::asio::post(control, [&] { steps_before_other_work = host->steps; });
  control.restart();
  while (host->answered < 200) ASSERT_GT(control.run_one_for(10s), 0U);
  EXPECT_LE(steps_before_other_work, 2);
  EXPECT_GE(host->steps, 200 / 16);
  const StepTimes times = host->stepper.times().take();
  EXPECT_EQ(times.steps, static_cast<std::uint64_t>(host->steps));
  EXPECT_GE(times.events, 401U);
  EXPECT_GT(times.longest.count(), 0);
  EXPECT_GE(times.longest, times.longest_step);
  EXPECT_GT(times.longest_step_cpu.count(), 0);
  EXPECT_EQ(host->stepper.times().read().longest_lately.count(), 0) << "it begins anew with each look";
  EXPECT_EQ(host->stepper.times().read().longest, times.longest);
}

TEST(Stepper, WhatTheHostKeepsBackAndWhatComesBeforeBootOrAfterTheEndTheCoreDoesNotSee) {
  boost::asio::io_context control;
  auto host = std::make_shared<FakeHost>(control);
  host->stepper.inbox().put(core::Tick{});
  control.poll();
  EXPECT_EQ(host->seen, 1);
  EXPECT_EQ(host->steps, 0);
  host->stepper.boot({});
  control.restart();
  control.poll();
  EXPECT_EQ(host->steps, 1);
  host->stepper.inbox().put(core::ClientGone{core::ClientId{1}});
  control.restart();
  control.poll();
  EXPECT_EQ(host->steps, 1);
  host->stepper.end();
  host->stepper.inbox().put(core::Tick{});
  control.restart();
  control.poll();
  EXPECT_EQ(host->steps, 1);
  EXPECT_EQ(host->seen, 4);
}

TEST(Stepper, ANameThatCameBeforeBootIsTheNameItBootsWith) {
  boost::asio::io_context control;
  auto host = std::make_shared<FakeHost>(control);
  host->stepper.inbox().put(core::Renamed{NodeName("n2@t"), 8, "", {}});
  control.poll();
  host->stepper.boot({});
  control.restart();
  control.poll();
  EXPECT_EQ(host->stepper.core().up_nodes(), std::vector{NodeName("n2@t")});
}

TEST(Stepper, BootComesBeforeWhatIsQueuedAlready) {
  boost::asio::io_context control;
  auto host = std::make_shared<FakeHost>(control);
  host->stepper.inbox().put(core::ClientStart{core::ClientId{1}, core::StartMode::start, {}, {spec("a")}});
  host->stepper.boot({});
  control.poll();
  EXPECT_EQ(host->answered, 1U);
}

TEST(Stepper, AHostThatIsGoneIsNotRungFor) {
  boost::asio::io_context control;
  auto host = std::make_shared<FakeHost>(control);
  host->stepper.boot({});
  control.poll();
  host.reset();
  control.restart();
  EXPECT_LE(control.run_for(5ms), 1U);
}

}  // namespace stepper_test
}  // namespace brood::supervisor
