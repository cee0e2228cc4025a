#include "supervisor/node/load_meter.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "process/runtime.hpp"

namespace brood::supervisor {
namespace {

std::chrono::nanoseconds processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// What of its memory is in use, as the kernel counts it; 0: it does not say.
std::uint64_t memory_in_use() {
  unsigned long long size = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  const bool read = std::fscanf(file, "%llu %llu", &size, &resident) == 2;
  std::fclose(file);
  return read ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

LoadMeter::LoadMeter(const process::Runtime& runtime)
    : runtime_(runtime), at_(std::chrono::steady_clock::now()), used_(processor_time()) {}

core::Load LoadMeter::read() {
  const auto now = std::chrono::steady_clock::now();
  const auto used = processor_time();
  const auto passed = std::chrono::duration<double>(now - at_).count();
  const auto processors = static_cast<double>(std::max(std::thread::hardware_concurrency(), 1U));
  const auto stats = runtime_.stats();
  core::Load load;
  if (passed > 0)
    load.scheduler_ppm = static_cast<std::uint32_t>(
        std::clamp(std::chrono::duration<double>(used - used_).count() / passed / processors, 0.0, 1.0) *
        1e6);
  load.run_queue = static_cast<std::uint32_t>(std::min<std::size_t>(stats.waiting, UINT32_MAX));
  load.processes = static_cast<std::uint32_t>(std::min<std::size_t>(stats.processes, UINT32_MAX));
  load.memory_bytes = memory_in_use();
  at_ = now;
  used_ = used;
  return load;
}

}  // namespace brood::supervisor
