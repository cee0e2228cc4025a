#include "exec/shim/shim_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "exec/logs/log_store.hpp"

namespace brood::exec {

LogWriter::LogWriter(std::string folder, std::uint64_t bytes_max)
    : folder_(std::move(folder)), segment_max_(std::max<std::uint64_t>(bytes_max / 2, 1)) {}

LogWriter::~LogWriter() {
  if (fd_ >= 0) close(fd_);
}

void LogWriter::write(std::string_view text) {
  if (unmarked_ == 0 || put_mark()) text.remove_prefix(put(text));
  unmarked_ += text.size();
  lost_.fetch_add(text.size(), std::memory_order_relaxed);
}

/// How much of the text was written; less than all of it only on a failure, which is in last_errno_.
std::size_t LogWriter::put(std::string_view text) {
  std::size_t done = 0;
  bool made_room = false;
  while (done < text.size()) {
    if ((fd_ < 0 || size_ >= segment_max_) && !open_segment()) {
      if (!maybe_make_room(made_room)) return done;
      continue;
    }
    const std::size_t want = std::min<std::uint64_t>(text.size() - done, segment_max_ - size_);
    const ssize_t n = ::write(fd_, text.data() + done, want);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      size_ += static_cast<std::uint64_t>(n);
      line_open_ = text[done - 1] != '\n';
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    last_errno_ = n < 0 ? errno : ENOSPC;
    if (!maybe_make_room(made_room)) return done;
  }
  return done;
}

/// On a full disk our own older text gives way to the newest, once a write.
bool LogWriter::maybe_make_room(bool& done_before) const {
  if (done_before || (last_errno_ != ENOSPC && last_errno_ != EDQUOT)) return false;
  drop_segments(1);
  return done_before = true;
}

bool LogWriter::put_mark() {
  std::string mark = line_open_ ? "\n" : "";
  mark +=
      "[brood: " + std::to_string(unmarked_) + " bytes of output lost: " + std::strerror(last_errno_) + "]\n";
  // Half-written, it comes again in full later: a repeated mark is better than an unmarked loss.
  if (put(mark) != mark.size()) return false;
  unmarked_ = 0;
  return true;
}

bool LogWriter::open_segment() {
  if (fd_ >= 0) return become_segment(base_ + size_);
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    last_errno_ = errno;
    return false;
  }
  const auto segments = log_segments(folder_);
  if (segments.empty()) return become_segment(0);
  const auto& newest = segments.back();
  return become_segment(newest.size < segment_max_ ? newest.base : newest.base + newest.size);
}

bool LogWriter::become_segment(std::uint64_t base) {
  const std::string path = log_segment_path(folder_, base);
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  int fd = open(path.c_str(), flags, 0600);
  if (fd < 0 && errno == ENOENT && mkdir(folder_.c_str(), 0700) == 0) {
    fd = open(path.c_str(), flags, 0600);  // the folder was removed under us
  }
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0) {
    last_errno_ = errno;
    if (fd >= 0) close(fd);
    return false;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  base_ = base;
  size_ = static_cast<std::uint64_t>(status.st_size);
  drop_segments(2);
  return true;
}

void LogWriter::drop_segments(std::size_t keep) const {
  const auto segments = log_segments(folder_);
  for (std::size_t i = 0; i + keep < segments.size(); ++i) {
    unlink(log_segment_path(folder_, segments[i].base).c_str());
  }
}

LogPump::LogPump(int pipe, std::string folder, std::uint64_t bytes_max)
    : pipe_(pipe), writer_(std::move(folder), bytes_max), thread_([this] { run(); }) {}

LogPump::~LogPump() {
  if (thread_.joinable()) thread_.join();
  close(pipe_);
}

void LogPump::run() {
  static constexpr std::size_t buffer_bytes = 64 * 1024;
  std::string buffer(buffer_bytes, '\0');
  while (true) {
    const ssize_t n = read(pipe_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    writer_.write(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool LogPump::wait_end(std::chrono::milliseconds limit) {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, limit, [this] { return ended_; })) return false;
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

}  // namespace brood::exec
