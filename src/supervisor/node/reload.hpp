// Reload: how the daemon's own file is read again, its trusted commands, when somebody asks for it.
//
// Owns: the function that does it, the daemon's. Thread rule: any thread; the function runs on the caller's.
#pragma once

#include <brood/result.hpp>
#include <functional>
#include <mutex>

namespace brood::supervisor {

class Reload {
 public:
  void set(std::function<Result<void>()> reload) {
    const std::lock_guard lock(mutex_);
    reload_ = std::move(reload);
  }
  /// Success where nobody has set one.
  Result<void> run() const {
    std::function<Result<void>()> reload;
    {
      const std::lock_guard lock(mutex_);
      reload = reload_;
    }
    return reload ? reload() : Result<void>{};
  }

 private:
  mutable std::mutex mutex_;
  std::function<Result<void>()> reload_;
};

}  // namespace brood::supervisor
