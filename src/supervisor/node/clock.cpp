#include "supervisor/node/clock.hpp"

#include <ctime>

namespace brood::supervisor {

namespace {

core::Duration read(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

core::Now read_clocks() {
  core::Now now;
  now.monotonic = read(CLOCK_MONOTONIC);
  now.boot = read(CLOCK_BOOTTIME);
  now.wall = read(CLOCK_REALTIME);
  return now;
}

core::Now read_clocks(core::Duration slept) {
  core::Now now = read_clocks();
  now.slept = slept;
  return now;
}

}  // namespace brood::supervisor
