// ServiceManager: what a node tells systemd, or whatever else started it with $NOTIFY_SOCKET: that it is up,
// that it reads its file again, that it ends, and, where $WATCHDOG_USEC asks for it, that it lives. Without
// these it says nothing.
//
// Thread rule: any thread; the constructor before other threads read the environment.
//
// Source: sd_notify(3), the protocol of the socket.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace brood::app {

class ServiceManager {
 public:
  /// By the environment of this process.
  ServiceManager();
  ServiceManager(std::string socket, std::optional<std::chrono::microseconds> watchdog)
      : socket_(std::move(socket)), watchdog_(watchdog) {}

  void ready(std::string_view status) const;
  void stopping() const { tell("STOPPING=1\nSTATUS=handing the children over"); }
  void reloading() const;
  void reloaded() const { tell("READY=1"); }
  void alive() const { tell("WATCHDOG=1"); }
  /// How often it wants to hear that this node lives: half of what it waits at most. nullopt: never.
  [[nodiscard]] std::optional<std::chrono::milliseconds> alive_every() const;

 private:
  void tell(const std::string& text) const;

  std::string socket_;  ///< Empty: nobody wants to know. '@' stands for the zero byte of an abstract one.
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace brood::app
