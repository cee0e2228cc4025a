#include "supervisor/driver/uptime.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace uptime_test {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds noon{1'800'000'000'000};
constexpr Steady start{1h};

Place running(std::uint64_t began_ms, const std::string& node = "n1@h") {
  Place place;
  place.host = std::make_shared<const core::SessionId>(core::SessionId{NodeName(node), 1, 1});
  place.pid = {1, 1};
  place.phase = core::Phase::running;
  place.epoch_clock.value = began_ms << 16;
  return place;
}

TEST(Uptime, WhatStartsHereBeginsNowWhateverTheWallClockSays) {
  for (const auto wall : {noon, noon - 2h, noon + 87600h}) {
    auto place = running(static_cast<std::uint64_t>(noon.count()));
    place.up_since = up_since(place, nullptr, true, {start, wall});
    EXPECT_EQ(uptime(place, start), 0ms);
    EXPECT_EQ(uptime(place, start + 5s), 5s);
  }
}

TEST(Uptime, ANewRowOfTheSameInstanceKeepsItsTime) {
  auto before = running(7);
  before.up_since = start;
  EXPECT_EQ(up_since(running(7), &before, true, {start + 1min, noon + 2h}), start);
  EXPECT_EQ(up_since(running(7), &before, false, {start + 1min, noon - 2h}), start);
}

TEST(Uptime, ARestartBeginsAnew) {
  auto before = running(7);
  before.up_since = start;
  EXPECT_EQ(up_since(running(8), &before, true, {start + 1min, noon}), start + 1min);
  EXPECT_EQ(up_since(running(7, "n2@h"), &before, true, {start + 1min, noon}), start + 1min);
}

TEST(Uptime, WhatRunsElsewhereIsAsOldAsItsEpochAndNeverOfTheFuture) {
  const auto began = static_cast<std::uint64_t>((noon - 10s).count());
  EXPECT_EQ(up_since(running(began), nullptr, false, {start, noon}), start - 10s);
  EXPECT_EQ(up_since(running(began), nullptr, false, {start, noon - 1h}), start);
}

TEST(Uptime, WhatDoesNotRunHasNone) {
  auto place = running(7);
  place.phase = core::Phase::restarting;
  place.up_since = start;
  EXPECT_EQ(uptime(place, start + 5s), 0ms);
}

}  // namespace uptime_test
}  // namespace brood::supervisor
