#include "supervisor/node/clock.hpp"

#include <ctime>

namespace brood::supervisor {

namespace {

core::Duration read(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// A core::Now without the field tells a sleep from its clocks alone.
template <typename Now>
void say_slept(Now& now, core::Duration slept) {
  if constexpr (requires { now.slept = slept; }) now.slept = slept;
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
  say_slept(now, slept);
  return now;
}

}  // namespace brood::supervisor
