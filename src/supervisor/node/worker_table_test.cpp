#include "supervisor/node/worker_table.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

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

TEST(WorkerTable, WhatALibraryThrowsAsItRegistersItsWorkersNamesTheLibrary) {
  const auto threw = WorkerTable::let_register("libshop.so", [] { throw std::runtime_error("no licence"); });
  ASSERT_FALSE(threw);
  EXPECT_EQ(threw.error().code, Errc::start_failed);
  EXPECT_EQ(threw.error().message, "libshop.so threw as it registered its workers: no licence");
  const auto other = WorkerTable::let_register("libshop.so", [] { throw 42; });
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("libshop.so"), std::string::npos);
  EXPECT_TRUE(WorkerTable::let_register("libshop.so", [] {}));
}

TEST(WorkerTable, AFolderIsNoWorkerLibrary) {
  WorkerTable table(true);
  const auto opened = table.open_library(::testing::TempDir());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::io);
  EXPECT_NE(opened.error().message.find(::testing::TempDir()), std::string::npos) << opened.error().message;
}

}  // namespace worker_table_test
}  // namespace brood::supervisor
