#include "node/net/resolver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace brood::node {
namespace resolver_test {

using namespace std::chrono_literals;
namespace asio = boost::asio;

/// A system whose look-ups of "dead..." hang until the test ends.
class System {
 public:
  Result<Addresses> look_up(const std::string& host) {
    ++asked;
    if (host.rfind("dead", 0) == 0) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return over_; });
    }
    if (host.rfind("no", 0) == 0) return Error{Errc::unreachable, "no such host"};
    return Addresses{asio::ip::make_address("10.0.0.1")};
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  std::atomic<int> asked{0};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
};

class ResolverTest : public ::testing::Test {
 protected:
  ResolverOptions options() {
    ResolverOptions out;
    out.look_up = [system = system_](const std::string& host) { return system->look_up(host); };
    out.timeout = 300ms;
    out.found_for = out.failed_for = 10s;
    return out;
  }
  void TearDown() override { system_->end(); }
  void ask(Resolver& resolver, const std::string& host) {
    resolver.resolve(io_, host, [this, host](const Result<Addresses>& answer) {
      answered_.push_back(host + (answer ? " found" : " failed"));
    });
  }
  std::shared_ptr<System> system_ = std::make_shared<System>();
  asio::io_context io_;
  std::vector<std::string> answered_;
};

TEST_F(ResolverTest, ADeadNameServerHoldsNoOtherHostBack) {
  Resolver resolver(options());
  for (int i = 0; i < 5; ++i) ask(resolver, "dead" + std::to_string(i));
  ask(resolver, "living");
  while (answered_.empty()) ASSERT_NE(io_.run_one_for(10s), 0U);
  EXPECT_EQ(answered_, std::vector<std::string>{"living found"});
  io_.run_for(10s);
  ASSERT_EQ(answered_.size(), 6U);
  EXPECT_EQ(answered_[1], "dead0 failed");
}

TEST_F(ResolverTest, OneLookUpAnswersAllWhoAskForThatHost) {
  Resolver resolver(options());
  ask(resolver, "living");
  ask(resolver, "living");
  io_.run_for(10s);
  io_.restart();
  ask(resolver, "living");
  ask(resolver, "none");
  io_.run_for(10s);
  io_.restart();
  ask(resolver, "none");
  io_.run_for(10s);
  EXPECT_EQ(answered_, (std::vector<std::string>{"living found", "living found", "living found",
                                                 "none failed", "none failed"}));
  EXPECT_EQ(system_->asked, 2);
}

TEST_F(ResolverTest, WhatWasFoundIsForgottenInTime) {
  auto quick = options();
  quick.found_for = quick.failed_for = 0ms;
  Resolver resolver(quick);
  for (int i = 0; i < 100; ++i) {
    ask(resolver, "living" + std::to_string(i));
    io_.run_for(10s);
    io_.restart();
  }
  EXPECT_EQ(answered_.size(), 100U);
  EXPECT_LE(resolver.size(), 1U);
}

TEST_F(ResolverTest, MoreHostsThanThreadsWaitForTheirTurn) {
  auto few = options();
  few.threads_max = 2;
  few.timeout = 10s;
  Resolver resolver(few);
  for (int i = 0; i < 20; ++i) ask(resolver, "living" + std::to_string(i));
  io_.run_for(10s);
  EXPECT_EQ(answered_.size(), 20U);
}

TEST_F(ResolverTest, AnAnswerAfterTheEndOfItsAskerHarmsNobody) {
  Resolver resolver(options());
  {
    asio::io_context io;
    resolver.resolve(io, "dead", [](const Result<Addresses>&) { FAIL() << "its io_context has ended"; });
  }
  system_->end();
  ask(resolver, "dead");
  io_.run_for(10s);
  EXPECT_EQ(answered_, std::vector<std::string>{"dead found"});
}

}  // namespace resolver_test
}  // namespace brood::node
