// FolderLock: a lock on a folder that says "in use" for as long as the process lives that has it. The kernel
// lets go of it when that process ends, however it ends. What cleans up folders for temporary files
// (systemd-tmpfiles) leaves locked ones alone too.
//
// Plain C++ and POSIX only. One thread.
#pragma once

#include <string>
#include <utility>

namespace brood::exec {

class FolderLock {
 public:
  enum class Kind { in_use, to_remove };

  FolderLock() = default;
  /// Takes the lock on the folder at `path`. `in_use` (many may have it) waits for whoever is removing the
  /// folder, and is not held if it is gone then. `to_remove` is held only if nobody uses the folder.
  FolderLock(const std::string& path, Kind kind);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept;

  [[nodiscard]] bool held() const { return fd_ >= 0; }
  /// Whether `path` still leads to the folder that is locked.
  [[nodiscard]] bool is_at(const std::string& path) const;

 private:
  void reset();
  int fd_ = -1;
};

}  // namespace brood::exec
