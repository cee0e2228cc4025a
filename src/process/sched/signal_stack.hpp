// SignalStack: a stack of its own for the signal handlers of the thread that makes it, so that they run even
// when a worker's recursion has used up the thread's.
//
// Thread rule: made and destroyed by the same thread.
#pragma once

#include <csignal>
#include <cstddef>

namespace brood::process {

class SignalStack {
 public:
  /// Does nothing when there is no memory for it.
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
  stack_t former_{};  ///< A sanitizer's, for example.
};

}  // namespace brood::process
