// What a handler that did not return may still use: kept for as long as the program runs.
//
// Thread rule: any thread.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

namespace brood::supervisor {

inline void leave_behind(std::shared_ptr<const void> object) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::shared_ptr<const void>>;  // never destroyed
  std::lock_guard lock(mutex);
  kept->push_back(std::move(object));
}

}  // namespace brood::supervisor
