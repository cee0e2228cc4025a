// Reload: how the daemon's own file is read again, its trusted commands, when somebody asks for them.
//
// Owns: the function that does it, the daemon's. Thread rule: any thread; the function runs on the caller's.
#pragma once

#include <brood/result.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace brood::supervisor {

/// The tokens of the commands that a node's own file has, by supervisor (Spec::needs).
using FileCommands = std::map<std::string, std::set<std::string>>;

class Reload {
 public:
  using Read = std::function<Result<FileCommands>()>;

  void set(Read read) {
    const std::lock_guard lock(mutex_);
    read_ = std::move(read);
  }
  /// What the file has now; nullopt where there is none. Changes nothing.
  [[nodiscard]] Result<std::optional<FileCommands>> read() const {
    Read read;
    {
      const std::lock_guard lock(mutex_);
      read = read_;
    }
    if (!read) return std::optional<FileCommands>{};
    auto commands = read();
    if (!commands) return commands.error();
    return std::optional<FileCommands>(std::move(*commands));
  }

 private:
  mutable std::mutex mutex_;
  Read read_;
};

}  // namespace brood::supervisor
