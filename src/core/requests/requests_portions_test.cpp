// Requests beside much other work: in portions, in turn, and not behind what others have changed.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace requests_portions_test {

TEST(Requests, ABulkRequestIsWorkedOffInPortionsAndASingleOneGoesBetween) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.step_budget = 20;
    settings.request_window = 100;
    settings.request_portion = 10;
  };
  cluster.form();
  std::size_t most = 0, steps = 0, single_after = 0;
  const auto bulk = cluster.start(0, many(2000));
  const auto single = cluster.start(0, {spec_of("single")});
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i != 0) return;
    ++steps;
    most = std::max(most, effects.starts.size());
    if (single_after == 0 && cluster.replies.contains(single)) single_after = cluster.replies[bulk].size();
  };
  cluster.run();
  EXPECT_EQ(cluster.replies[bulk].size(), 2000U);
  EXPECT_EQ(cluster.result(single), "ok");
  EXPECT_LE(most, 20U);
  EXPECT_GT(steps, 100U);
  EXPECT_LT(single_after, 500U) << "it did not wait for the bulk";
  expect_each_once(cluster, 2000);
}

// What the others tell a node that is slow makes it look at more children than it can in a long time.
TEST(Requests, ASingleStartDoesNotWaitUntilAllThatHasChangedIsLookedAt) {
  Cluster cluster(2);
  cluster.change = [](std::size_t i, Settings& settings) {
    settings.step_budget = i == 0 ? 2 : 10'000;
    settings.request_window = 50'000;  // a fifth of it has room for all
    settings.request_portion = 10'000;
  };
  cluster.form();
  NamedSpec here;
  std::vector<NamedSpec> there;
  for (int i = 0; there.size() < 3000; ++i) {
    auto made = spec_of("k" + std::to_string(i));
    if (cluster.nodes[0].core->node_for(made.id) == cluster.nodes[1].name)
      there.push_back(std::move(made));
    else
      here = std::move(made);
  }
  std::size_t steps = 0, begun_at = 0;
  std::uint64_t single = 0;
  cluster.start(1, std::move(there));
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    if (i == 0) ++steps;
    for (const Send& send : effects.sends)
      if (std::holds_alternative<Delta>(send.body) && i == 1 && single == 0)
        single = cluster.start(1, {here});
    for (const Start& start : effects.starts)
      if (i == 0 && start.id == here.id) begun_at = steps;
  };
  cluster.run();
  EXPECT_EQ(cluster.result(single), "ok");
  EXPECT_GT(steps, 1000U);
  EXPECT_GT(begun_at, 0U);
  EXPECT_LT(begun_at, steps / 4);
}

TEST(Requests, ManyBulkRequestsShareTheWindowAndAllAreAnswered) {
  Cluster cluster(3);
  cluster.change = [](std::size_t, Settings& settings) {
    settings.request_window = 40;
    settings.request_portion = 10;
  };
  cluster.form();
  std::size_t most = 0, asked = 0, answered = 0;
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const Send& send : effects.sends)
      if (const auto* start = std::get_if<StartRequest>(&send.body); start && i == 0)
        asked += start->specs.size();
    if (i != 0)
      for (const Send& send : effects.sends)
        if (const auto* answer = std::get_if<Answer>(&send.body)) answered += answer->outcomes.size();
    most = std::max(most, asked - std::min(asked, answered));
  };
  std::vector<std::uint64_t> clients;
  for (int c = 0; c < 20; ++c) {
    std::vector<NamedSpec> specs;
    for (int i = 0; i < 100; ++i) specs.push_back(spec_of("b" + std::to_string(c) + "/" + std::to_string(i)));
    clients.push_back(cluster.start(0, std::move(specs)));
  }
  cluster.run(5s);
  for (const std::uint64_t client : clients) EXPECT_EQ(cluster.replies[client].size(), 100U);
  EXPECT_LE(most, 40U + 20 * 8);
}

// A node that comes to little more than to say that time is over says it to all, and not to the last ones
// only.
TEST(Requests, WhoseTimeIsOverIsToldSoInTheOrderInWhichTheyAsked) {
  Cluster cluster(1);
  cluster.change = [](std::size_t, Settings& settings) { settings.step_budget = 1; };
  cluster.form();
  cluster.hold_starts.insert(id_of("a"));
  constexpr std::size_t count = 100;
  std::vector<std::uint64_t> clients, told;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(10'000 + i);
    cluster.give(0, ClientStart{{clients.back()}, StartMode::start, {}, {spec_of("a")}, 5s});
  }
  cluster.run();
  std::size_t steps = 0;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    ++steps;
    for (const Reply& reply : effects.replies) told.push_back(reply.client.value);
    if (told.empty() || told.size() >= count) return;
    // More of them come with each step.
    cluster.give(0, ClientStart{{20'000 + steps}, StartMode::start, {}, {spec_of("a")}, 1ns});
  };
  cluster.run(6s);
  ASSERT_GE(told.size(), count);
  told.resize(count);
  EXPECT_EQ(told, clients);
}

// Those of the first take long, and their number alone is more than the window has room for.
TEST(Requests, EachBulkRequestGoesOnHoweverFewTheWindowHasRoomFor) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.request_window = 5; };
  cluster.form();
  const auto named = [](const std::string& name) {
    std::vector<NamedSpec> specs;
    for (int i = 0; i < 50; ++i) specs.push_back(spec_of(name + std::to_string(i)));
    return specs;
  };
  for (const NamedSpec& slow : named("slow")) cluster.hold_starts.insert(slow.id);
  const auto slow = cluster.start(0, named("slow"));
  const auto quick = cluster.start(0, named("quick"));
  cluster.run(1s);
  EXPECT_EQ(cluster.replies[quick].size(), 50U);
  EXPECT_EQ(cluster.replies.count(slow), 0U);
}

TEST(Requests, AStartWhoseClientHasLeftGoesOnBeingTried) {
  Cluster cluster(2);
  cluster.form();
  const std::string id = cluster.id_at(1);
  cluster.copies = [](const NodeName&, const NodeName&, const MessageBody& body) {
    return std::holds_alternative<StartRequest>(body) ? 0 : 1;
  };
  const auto start = cluster.start(0, {spec_of(id)});
  cluster.run();
  cluster.give(0, ClientGone{{start}});
  cluster.run();
  cluster.copies = {};
  cluster.run(20s);
  EXPECT_EQ(cluster.alive(id), 1U);
}

// A stop that is asked again long after its client has left would end what others have started since.
TEST(Requests, WhatNobodyWaitsForIsNotAskedAgain) {
  for (const bool leaves : {false, true}) {
    Cluster cluster(2);
    cluster.form();
    const std::string id = cluster.id_at(1);
    cluster.start(0, {spec_of(id)});
    cluster.run();
    cluster.copies = [](const NodeName&, const NodeName&, const MessageBody& body) {
      return std::holds_alternative<StopRequest>(body) ? 0 : 1;
    };
    const auto stop = cluster.stop(0, id);
    cluster.run();
    if (leaves) cluster.give(0, ClientGone{{stop}});
    cluster.run();
    cluster.copies = {};
    cluster.run(20s);
    EXPECT_EQ(cluster.alive(id), leaves ? 1U : 0U);
  }
}

}  // namespace requests_portions_test
}  // namespace brood::core::testing
