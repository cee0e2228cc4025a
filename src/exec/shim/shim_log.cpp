#include "exec/shim/shim_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "exec/logs/log_store.hpp"

namespace brood::exec {

LogWriter::LogWriter(LogOptions options)
    : folder_(std::move(options.folder)), parent_(folder_.substr(0, folder_.rfind('/'))) {
  keep(options.keep);
}

LogWriter::~LogWriter() {
  if (fd_ >= 0) close(fd_);
}

void LogWriter::keep(const LogKeep& keep) {
  files_ = std::max(keep.files, 2U);
  segment_max_ = std::max<std::uint64_t>(keep.bytes_max / files_, 1);
}

void LogWriter::begin_run() {
  started_ms_ = wall_clock_ms();
  // Held although there may be nothing to write for long: the folder above is not abandoned.
  parent_lock_ = FolderLock(parent_, FolderLock::Kind::in_use);
  lock_ = FolderLock(folder_, FolderLock::Kind::in_use);
  const auto before = put_aside_last_end(folder_);
  const LogText last = read_log_tail(folder_, 1, 1);
  if (last.next == 0) return;
  std::string mark = last.text.empty() || last.text == "\n" ? "[brood: " : "\n[brood: ";
  mark += before ? before->status.text() + " at " + wall_clock_text(before->ended_ms)
                 : std::string("how the run before ended is not known");
  put(mark + "; started at " + wall_clock_text(started_ms_) + "]\n");
}

void LogWriter::end_run(LastEnd end) {
  if (unmarked_ > 0) put_mark();
  end.started_ms = started_ms_;
  end.ended_ms = wall_clock_ms();
  end.status.log_bytes_lost = lost();
  if (make_folder() && !write_last_end(folder_, end) && errno == ENOSPC) {
    drop_segments(1);
    write_last_end(folder_, end);
  }
}

void LogWriter::write(std::string_view text) {
  // A folder that somebody removed leaves a file that we could fill for ever, unseen.
  const bool writable = fd_ < 0 || !segment_is_gone() || open_segment();
  if (writable && (unmarked_ == 0 || put_mark())) text.remove_prefix(put(text));
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
    note_time();
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

/// What is written from here on is no older than now. Whoever asks for what came since some time finds it by
/// that.
void LogWriter::note_time() {
  const std::int64_t now = wall_clock_ms();
  if (noted_ms_ != 0 && now >= noted_ms_ && now - noted_ms_ < log_times_every_ms) return;
  noted_ms_ = now;
  const int fd = open(log_times_path(folder_, base_).c_str(),
                      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  const LogTime time{base_ + size_, now};
  // Without it the text is found by an earlier time.
  [[maybe_unused]] const auto n = ::write(fd, &time, sizeof time);
  close(fd);
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

/// Makes the folder, and that it is in, where they are not there any more; and holds them.
bool LogWriter::make_folder() {
  if (lock_.is_at(folder_)) return true;
  static constexpr int attempts_max = 3;  // whoever cleans up may be faster than the lock
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    if (mkdir(folder_.c_str(), 0700) != 0 && errno == ENOENT) {
      mkdir(parent_.c_str(), 0700);
      mkdir(folder_.c_str(), 0700);
    }
    last_errno_ = errno;
    parent_lock_ = FolderLock(parent_, FolderLock::Kind::in_use);
    lock_ = FolderLock(folder_, FolderLock::Kind::in_use);
    if (lock_.held()) return true;
  }
  return false;
}

bool LogWriter::open_segment() {
  if (!make_folder()) return false;
  // Offsets go on although the text before is gone: whoever reads on sees how much is missing.
  if (fd_ >= 0) return become_segment(base_ + size_);
  const auto segments = log_segments(folder_);
  if (segments.empty()) return become_segment(0);
  const auto& newest = segments.back();
  return become_segment(newest.size < segment_max_ ? newest.base : newest.base + newest.size);
}

bool LogWriter::segment_is_gone() const {
  struct stat mine {};
  struct stat there {};
  if (fstat(fd_, &mine) != 0 || stat(log_segment_path(folder_, base_).c_str(), &there) != 0) return true;
  return mine.st_dev != there.st_dev || mine.st_ino != there.st_ino;
}

bool LogWriter::become_segment(std::uint64_t base) {
  const std::string path = log_segment_path(folder_, base);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
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
  noted_ms_ = 0;
  drop_segments(files_);
  return true;
}

void LogWriter::drop_segments(std::size_t keep) const {
  const auto segments = log_segments(folder_);
  for (std::size_t i = 0; i + keep < segments.size(); ++i) {
    unlink(log_segment_path(folder_, segments[i].base).c_str());
    unlink(log_times_path(folder_, segments[i].base).c_str());
  }
}

LogPump::LogPump(int pipe, const LogOptions& options)
    : pipe_(pipe),
      to_file_(options.keep.bytes_max > 0),
      timestamps_(options.keep.timestamps),
      writer_(options) {
  using Form = LineSink::Form;
  if (!options.journal.empty())
    sinks_.push_back(std::make_unique<LineSink>(Form::journal, options.journal, options.source));
  if (!options.syslog.empty())
    sinks_.push_back(std::make_unique<LineSink>(Form::syslog, options.syslog, options.source));
  thread_ = std::thread([this] { run(); });
}

std::uint64_t LogPump::lost() const {
  std::uint64_t most = writer_.lost();
  for (const auto& sink : sinks_) most = std::max(most, sink->lost());
  return most;
}

LogPump::~LogPump() {
  if (thread_.joinable()) thread_.join();
  if (pipe_ >= 0) close(pipe_);
}

void LogPump::begin() {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  changed_.notify_all();
}

void LogPump::run() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return begun_ || status_; });
    if (!begun_) {
      written_ = true;
      return changed_.notify_all();
    }
  }
  writer_.begin_run();
  copy_all();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return status_.has_value(); });
  const LastEnd end{.status = *status_};
  lock.unlock();
  writer_.end_run(end);
  lock.lock();
  written_ = true;
  changed_.notify_all();
}

void LogPump::copy_all() {
  static constexpr std::size_t buffer_bytes = 64 * 1024;
  if (pipe_ < 0) return;
  std::string buffer(buffer_bytes, '\0');
  while (true) {
    const ssize_t n = read(pipe_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // of a terminal EIO is the end
    take_over();
    copy({buffer.data(), static_cast<std::size_t>(n)});
  }
  for (const auto& sink : sinks_) sink->finish();
}

void LogPump::copy(std::string_view text) {
  for (const auto& sink : sinks_) sink->write(text);
  if (to_file_) timestamps_ ? write_timed(text) : writer_.write(text);
}

void LogPump::keep(const LogKeep& keep) {
  const std::lock_guard lock(mutex_);
  keep_ = keep;
}

void LogPump::take_over() {
  std::optional<LogKeep> keep;
  {
    const std::lock_guard lock(mutex_);
    keep = std::exchange(keep_, std::nullopt);
  }
  if (!keep) return;
  timestamps_ = keep->timestamps;
  writer_.keep(*keep);
}

void LogPump::write_timed(std::string_view text) {
  const std::string time = wall_clock_stamp(wall_clock_ms()) + ' ';
  std::string timed;
  while (!text.empty()) {
    if (!within_line_) timed += time;
    const auto end = std::min(text.find('\n'), text.size() - 1);
    timed += text.substr(0, end + 1);
    within_line_ = text[end] != '\n';
    text.remove_prefix(end + 1);
  }
  writer_.write(timed);
}

bool LogPump::finish(const ExitStatus& status, std::chrono::milliseconds limit) {
  {
    std::unique_lock lock(mutex_);
    status_ = status;
    changed_.notify_all();
    if (!changed_.wait_for(lock, limit, [this] { return written_; })) return false;
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

}  // namespace brood::exec
