// Heartbeat: the node's end of the page that tells its shims that it is alive. A beat is one store to
// shared memory, however many programs run. Any thread.
#pragma once

#include <brood/result.hpp>
#include <chrono>

#include "exec/shim/shim_protocol.hpp"

namespace brood::exec {

class Heartbeat {
 public:
  /// Begins with a beat. Without the memory for it, ready() is the error and beats go nowhere.
  explicit Heartbeat(std::chrono::milliseconds limit);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  [[nodiscard]] Result<void> ready() const;
  void beat() noexcept;
  /// Older than the limit: this node slept, and has not beaten since. A shim that began now would end at
  /// once.
  [[nodiscard]] bool is_old() const noexcept;
  void set_limit(std::chrono::milliseconds limit) noexcept;
  /// For a shim to inherit; closes on exec here. Valid as long as this object.
  [[nodiscard]] int fd() const { return fd_; }

 private:
  HeartbeatPage* page_ = nullptr;
  int fd_ = -1;
  int error_ = 0;
};

}  // namespace brood::exec
