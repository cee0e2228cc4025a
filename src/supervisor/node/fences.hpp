// Fences: the node holds its handlers back while any of those who may ask for it (each supervisor, the heart)
// does.
//
// Owns: the count. Calls: the runtime. Thread rule: any thread.
#pragma once

#include <mutex>

#include "process/runtime.hpp"

namespace brood::supervisor {

class Fences {
 public:
  explicit Fences(process::Runtime& runtime) : runtime_(runtime) {}

  /// Each `true` needs its `false`.
  void set(bool on) {
    const std::lock_guard lock(mutex_);
    count_ += on ? 1 : -1;
    runtime_.set_fenced(count_ > 0);
  }

 private:
  process::Runtime& runtime_;
  std::mutex mutex_;
  int count_ = 0;
};

}  // namespace brood::supervisor
