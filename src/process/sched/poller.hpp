// Poller: something that a scheduler thread without work waits for, besides work: the network. Whoever reads
// a message then runs the process that it woke, on the same processor and without waking another thread for
// it.
//
// One thread polls at a time. It does not poll while it runs a handler; if that takes long the poller sees to
// it by itself that somebody else does.
//
// Thread rule: every function from any thread; poll() and release() by who acquired.
#pragma once

#include <cstdint>

namespace brood::process {

class Poller {
 public:
  enum class Wait : std::uint8_t { no, until_something };

  virtual ~Poller() = default;
  /// True: the caller polls now, and releases soon after.
  [[nodiscard]] virtual bool try_acquire() = 0;
  /// Handles what has come; waits for something if asked to, or until interrupt().
  virtual void poll(Wait wait) = 0;
  /// `works`: the caller goes to run handlers, and nobody polls meanwhile.
  virtual void release(bool works) = 0;
  /// Makes who waits in poll() return.
  virtual void interrupt() = 0;
  /// Who polls is awake: to interrupt it is cheaper than to wake another thread. It may sleep a moment later.
  [[nodiscard]] virtual bool is_awake() const = 0;
  /// The scheduler's threads have ended: none of them will come again.
  virtual void deserted() = 0;
};

}  // namespace brood::process
