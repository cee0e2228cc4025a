#include "supervisor/node/worker_table.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace brood::supervisor {
namespace worker_table_test {

TEST(WorkerTable, ACommandMayRunThatTheNodesOwnFileHasOrWhereAllMay) {
  WorkerTable own_only(false);
  own_only.trust("web", {"exec:1"});
  EXPECT_TRUE(own_only.may_run("web", "exec:1"));
  EXPECT_FALSE(own_only.may_run("web", "exec:2"));
  EXPECT_FALSE(own_only.may_run("db", "exec:1"));
  EXPECT_TRUE(WorkerTable(true).may_run("web", "exec:2"));
}

TEST(WorkerTable, WhetherACommandMayRunCostsTheSameHoweverManyThereAre) {
  WorkerTable table(false);
  std::set<std::string> tokens;
  for (int i = 0; i < 100'000; ++i) tokens.insert("exec:" + std::to_string(i) + std::string(60, 'x'));
  const std::string last = *tokens.rbegin();
  table.trust("web", std::move(tokens));
  const auto begin = std::chrono::steady_clock::now();
  bool all = true;
  for (int i = 0; i < 2000; ++i) all = all && table.may_run("web", last);
  EXPECT_TRUE(all);
  // A copy of all of them takes some ten milliseconds each time.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

}  // namespace worker_table_test
}  // namespace brood::supervisor
