#include "process/sched/signal_stack.hpp"

#include <sys/mman.h>

namespace brood::process {

namespace {
// Enough for the state of all registers and a handler that does little. Pages that are never touched cost
// nothing.
constexpr std::size_t size = 64 * 1024;
}  // namespace

SignalStack::SignalStack() {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = size;
  if (sigaltstack(&stack, &former_) == 0)
    memory_ = memory;
  else
    munmap(memory, size);
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  sigaltstack(&former_, nullptr);
  munmap(memory_, size);
}

}  // namespace brood::process
