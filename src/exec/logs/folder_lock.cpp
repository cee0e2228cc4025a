#include "exec/logs/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace brood::exec {

FolderLock::FolderLock(const std::string& path, Kind kind) {
  const int follow = kind == Kind::to_remove ? O_NOFOLLOW : 0;
  fd_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
  if (fd_ < 0) return;
  int locked = 0;
  do {
    locked = flock(fd_, kind == Kind::in_use ? LOCK_SH : LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  // A file system without such locks: whoever uses the folder goes on, whoever would remove it does not.
  const bool refused = locked != 0 && kind == Kind::to_remove;
  if (refused || !is_at(path)) reset();
}

FolderLock::~FolderLock() {
  reset();
}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

bool FolderLock::is_at(const std::string& path) const {
  struct stat mine {};
  struct stat there {};
  return fd_ >= 0 && fstat(fd_, &mine) == 0 && stat(path.c_str(), &there) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

void FolderLock::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace brood::exec
