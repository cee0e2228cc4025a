#include "supervisor/driver/waiting_casts.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace waiting_casts_test {

using namespace std::chrono_literals;
using Taken = WaitingCasts::Taken;

class Casts : public ::testing::Test {
 protected:
  Taken take(const std::string& text, const ChildId& to) {
    return casts.take("web", to, {EncodedTerm(text), true, nullptr}, send(), now);
  }
  Taken take(const std::string& text) { return take(text, x); }
  WaitingCasts::Sender send() {
    return [this](WaitingCasts::Message& message) {
      if (runs) arrived += message.bytes.view();
      return runs;
    };
  }

  const ChildId x = *ChildId::binary("x");
  const ChildId y = *ChildId::binary("y");
  WaitingCasts casts{
      {.messages_each = 3, .bytes_each = 20, .messages_all = 5, .bytes_all = 30, .patience = 5s}};
  WaitingCasts::Time now{};
  bool runs = true;
  std::string arrived;
};

TEST_F(Casts, ToARunningChildTheyGoStraight) {
  EXPECT_EQ(take("a"), Taken::sent);
  EXPECT_EQ(arrived, "a");
  EXPECT_EQ(casts.stats().waiting, 0U);
}

TEST_F(Casts, WhatComesWhenItRunsAgainIsSentBehindWhatWaits) {
  runs = false;
  EXPECT_EQ(take("a"), Taken::first_waits);
  EXPECT_EQ(take("b"), Taken::waits);
  runs = true;
  EXPECT_EQ(take("c"), Taken::sent) << "nobody has flushed yet";
  EXPECT_EQ(arrived, "abc");
  EXPECT_TRUE(casts.flush("web", x, send()));
  EXPECT_EQ(arrived, "abc");
}

TEST_F(Casts, AChildThatStopsAgainGetsTheRestLater) {
  runs = false;
  (void)take("a");
  (void)take("b");
  int room = 1;
  EXPECT_FALSE(casts.flush("web", x, [&](WaitingCasts::Message& message) {
    if (room-- <= 0) return false;
    arrived += message.bytes.view();
    return true;
  }));
  EXPECT_EQ(arrived, "a");
  EXPECT_EQ(take("c"), Taken::waits);
  runs = true;
  EXPECT_TRUE(casts.flush("web", x, send()));
  EXPECT_EQ(arrived, "abc");
}

TEST_F(Casts, TheyAreBoundedForEachChildAndInAll) {
  runs = false;
  EXPECT_EQ(take("a"), Taken::first_waits);
  EXPECT_EQ(take(std::string(20, 'b')), Taken::refused) << "too many bytes for x";
  EXPECT_EQ(take("c"), Taken::waits);
  EXPECT_EQ(take("d"), Taken::waits);
  EXPECT_EQ(take("e"), Taken::refused) << "too many for x";
  EXPECT_EQ(take(std::string(40, 'f'), y), Taken::first_waits) << "one is taken whatever its size";
  EXPECT_EQ(take("g", y), Taken::refused) << "too many bytes for y";
  EXPECT_EQ(casts.stats().refused, 3U);
  EXPECT_EQ(casts.stats().waiting, 4U);
  casts.drop("web", y);
  EXPECT_EQ(casts.stats().waiting, 3U);
  EXPECT_EQ(casts.stats().waiting_bytes, 3U);
  EXPECT_EQ(casts.stats().dropped, 1U);
}

TEST_F(Casts, EachWaitsAsLongAsItsPatience) {
  runs = false;
  (void)take("a");
  now += 3s;
  (void)take("b");
  EXPECT_EQ(casts.expire("web", x, now), WaitingCasts::Time{} + 5s);
  EXPECT_EQ(casts.expire("web", x, WaitingCasts::Time{} + 6s), WaitingCasts::Time{} + 8s);
  EXPECT_EQ(casts.stats().waiting, 1U);
  EXPECT_EQ(casts.expire("web", x, WaitingCasts::Time{} + 8s), std::nullopt);
  EXPECT_EQ(take("c"), Taken::first_waits) << "it has to be waited for anew";
}

TEST_F(Casts, APlainMessageIsToldWhetherItWasSent) {
  std::string told;
  const auto message = [&](const std::string& text) {
    return WaitingCasts::Message{EncodedTerm(text), false,
                                 [&](Result<bool> sent) { told += *sent ? "+" : "-"; }};
  };
  EXPECT_EQ(casts.take("web", x, message("a"), send(), now), Taken::sent);
  EXPECT_EQ(told, "+");
  runs = false;
  (void)casts.take("web", x, message("b"), send(), now);
  EXPECT_EQ(told, "+");
  casts.drop("web", x);
  EXPECT_EQ(told, "+-");
}

TEST_F(Casts, SupervisorsAreKeptApart) {
  runs = false;
  (void)take("a");
  EXPECT_EQ(casts.take("other", x, {EncodedTerm("b"), true, nullptr}, send(), now), Taken::first_waits);
  casts.drop("web", x);
  EXPECT_EQ(casts.stats().waiting, 1U);
}

}  // namespace waiting_casts_test
}  // namespace brood::supervisor
