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
  return {read(CLOCK_MONOTONIC), read(CLOCK_BOOTTIME), read(CLOCK_REALTIME)};
}

}  // namespace brood::supervisor
