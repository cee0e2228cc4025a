// Running code of others from within the runtime.
#pragma once

#include <cstdint>
#include <type_traits>

namespace brood::process {

/// A function for the time of a call, without taking memory for it.
class CodeRef {
 public:
  template <typename Code>
  requires(!std::is_same_v<std::remove_cvref_t<Code>, CodeRef>)
      CodeRef(Code&& code)  // NOLINT: implicit on purpose
      : code_(const_cast<void*>(static_cast<const void*>(&code))),
        run_([](void* held) { (*static_cast<std::remove_reference_t<Code>*>(held))(); }) {}
  void operator()() const { run_(code_); }

 private:
  void* code_;
  void (*run_)(void*);
};

/// Runs a callback that must not throw, or a piece of a service thread's work; what it throws, be it for lack
/// of memory, is logged and counted. False: it threw.
bool run_callback(const char* name, CodeRef callback) noexcept;
/// How often that was, in this program.
[[nodiscard]] std::uint64_t callbacks_failed() noexcept;

}  // namespace brood::process
