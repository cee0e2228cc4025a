// What a handler that never returns may still use: kept for as long as the program runs. To destroy a user's
// objects at whatever moment such a handler returns would be worse than the memory.
//
// Thread rule: any thread.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace brood::process {

template <typename Owner>
void leave_behind(Owner owner) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<Owner>;  // never destroyed
  std::lock_guard lock(mutex);
  kept->push_back(std::move(owner));
}

}  // namespace brood::process
