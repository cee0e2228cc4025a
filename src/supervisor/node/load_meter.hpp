// LoadMeter: how loaded this node is, for a distribution that balances: processors in use since the last
// look, processes that wait for a thread, processes, memory.
//
// Owns: what it saw last. Reads: the clocks, the runtime, /proc/self. Thread rule: one thread at a time.
#pragma once

#include <chrono>

#include "core/base/types.hpp"

namespace brood::process {
class Runtime;
}

namespace brood::supervisor {

class LoadMeter {
 public:
  explicit LoadMeter(const process::Runtime& runtime);
  [[nodiscard]] core::Load read();

 private:
  const process::Runtime& runtime_;
  std::chrono::steady_clock::time_point at_;
  std::chrono::nanoseconds used_{};
};

}  // namespace brood::supervisor
