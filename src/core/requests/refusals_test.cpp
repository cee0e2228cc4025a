#include "core/requests/refusals.hpp"

#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace refusals_test {

std::string words(Cluster& cluster, std::uint64_t client) {
  const auto& outcomes = cluster.replies[client];
  return outcomes.empty() || !outcomes.front().error ? "no error" : outcomes.front().error->message;
}

TEST(Refusals, AnUnknownWorkerIsToldWithThoseThatAreKnown) {
  Cluster cluster(2);
  cluster.change = [](std::size_t, Settings& settings) { settings.offers = {"counter", "echo", "exec:17"}; };
  cluster.form();
  const auto client = cluster.start(0, {spec_of("a", "cuonter")});
  cluster.run(100ms);
  EXPECT_EQ(words(cluster, client),
            "no member knows the worker cuonter; known are counter, echo; register it, or load its library "
            "(worker_libs), on a node that runs the supervisor");
}

TEST(Refusals, ManyNamesAreNotAllShown) {
  Cluster cluster(1);
  cluster.change = [](std::size_t, Settings& settings) {
    std::set<std::string> workers;
    for (int i = 10; i < 30; ++i) workers.insert("w" + std::to_string(i));
    settings.offers = std::move(workers);
  };
  cluster.form();
  const auto client = cluster.start(0, {spec_of("a", "x")});
  cluster.run(100ms);
  EXPECT_NE(words(cluster, client).find("w20, w21 and 8 more; register it"), std::string::npos)
      << words(cluster, client);
}

TEST(Refusals, NameTheChild) {
  Cluster cluster(2);
  cluster.form();
  const auto stopped = cluster.stop(0, "zz");
  (void)cluster.start(0, {spec_of("a")});
  cluster.run(1s);
  const auto again = cluster.start(1, {spec_of("a")});
  const auto other = cluster.start(1, {spec_of("a", "echo")});
  const auto there = cluster.start(1, {spec_of("b")}, StartMode::start, NodeName("n9@test"));
  cluster.run(1s);
  EXPECT_NE(words(cluster, stopped).find("no child 'zz' in supervisor '"), std::string::npos);
  EXPECT_EQ(words(cluster, again), "a child 'a' runs already");
  EXPECT_EQ(words(cluster, other),
            "a child 'a' is there with another spec; stop it first, or change it with `brood apply`");
  EXPECT_EQ(words(cluster, there), "n9@test is no member that is up; those are n1@test, n2@test");
}

}  // namespace refusals_test
}  // namespace brood::core::testing
