#include "core/children/order.hpp"

#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace order_test {

NamedSpec after(std::string_view id, std::vector<std::string_view> others) {
  auto spec = opened(spec_of(id, "counter", Restart::permanent, true));
  for (const auto other : others) spec->extras.change().after.push_back(id_of(other));
  return spec;
}

void tell_health(Cluster& cluster, std::string_view id, Health health, const std::string& reason = "") {
  const std::size_t host = cluster.host(id);
  cluster.give(host, HealthChanged{id_of(id), cluster.nodes[host].processes.at(id_of(id)), health, reason});
}

TEST(Order, AChildStartsOnceThoseBeforeItRun) {
  Cluster cluster(3);
  cluster.form();
  std::vector<std::string> order;
  cluster.watch = [&](std::size_t, const Effects& effects) {
    for (const auto& start : effects.starts) order.push_back(start.id.text());
  };
  cluster.start(0, {after("web", {"db", "cache"}), after("cache", {"db"}), after("db", {})});
  cluster.run(1s);
  EXPECT_EQ(order, (std::vector<std::string>{"db", "cache", "web"}));
  for (const auto* id : {"db", "cache", "web"}) EXPECT_EQ(cluster.alive(id), 1U) << id;
}

TEST(Order, OneWithAHealthCheckHasToBeHealthy) {
  Cluster cluster(2);
  cluster.form();
  // A driver says that there is a check before it says that the program runs.
  cluster.watch = [&](std::size_t i, const Effects& effects) {
    for (const auto& start : effects.starts)
      if (start.id == id_of("db"))
        cluster.give(i, HealthChanged{start.id, start.epoch, Health::starting, ""});
  };
  cluster.start(0, {after("web", {"db"}), after("db", {})});
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("web"), 0U);
  tell_health(cluster, "db", Health::unhealthy, "503");
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("db"), 1U);
  EXPECT_EQ(cluster.alive("web"), 0U);
  const auto told = cluster.nodes[1].core->instances(id_of("db")).front().instance;
  EXPECT_EQ(told.health, Health::unhealthy) << "every node knows";
  EXPECT_EQ(*told.reason, "503");
  tell_health(cluster, "db", Health::healthy);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("web"), 1U);
  tell_health(cluster, "db", Health::unhealthy);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("web"), 1U) << "what runs goes on";
  cluster.exit("web", false);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("web"), 1U) << "and is started again where it ran";
}

TEST(Order, WhatWasStoppedOrHasEndedHoldsUpNobodyAndWhatIsNotKnownDoes) {
  Cluster cluster(2);
  cluster.form();
  auto job = opened(spec_of("job", "counter", Restart::temporary, true));
  cluster.start(0, {job, after("web", {"job", "later"})});
  cluster.run();
  cluster.exit("job", true);
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("web"), 0U) << "nobody knows of one of them";
  cluster.start(1, {after("later", {})});
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("web"), 1U);
}

TEST(Order, AJobThatSomebodyStartedAndThatIsGoneHoldsUpNobody) {
  Cluster cluster(2);
  cluster.form();
  auto web = opened(after("web", {"job"}));
  web->is_static = false;
  cluster.start(0, {web});
  cluster.run(1s);
  EXPECT_EQ(cluster.alive("web"), 1U);
}

TEST(Order, HealthIsForgottenWithTheProcess) {
  Cluster cluster(1);
  cluster.form();
  cluster.start(0, {after("a", {})});
  cluster.run();
  tell_health(cluster, "a", Health::healthy);
  cluster.run();
  cluster.exit("a", false);
  cluster.run(1s);
  EXPECT_EQ(cluster.nodes[0].core->instances(id_of("a")).front().instance.health, Health::none);
}

}  // namespace order_test
}  // namespace brood::core::testing
