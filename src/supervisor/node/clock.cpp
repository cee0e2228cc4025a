#include "supervisor/node/clock.hpp"

#include <ctime>

namespace brood::supervisor {

namespace {

core::Duration read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

core::Now read_clocks() {
  core::Now now;
  now.monotonic = read_clock(CLOCK_MONOTONIC);
  now.boot = read_clock(CLOCK_BOOTTIME);
  now.wall = read_clock(CLOCK_REALTIME);
  return now;
}

core::Duration read_thread_cpu() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

core::Now read_clocks(core::Duration slept) {
  core::Now now = read_clocks();
  now.slept = slept;
  return now;
}

}  // namespace brood::supervisor
