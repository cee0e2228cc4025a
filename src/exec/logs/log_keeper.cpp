#include "exec/logs/log_keeper.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "exec/logs/folder_lock.hpp"
#include "exec/logs/last_end.hpp"
#include "exec/logs/log_store.hpp"

namespace brood::exec {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds look_every_max = std::chrono::minutes{10};
constexpr milliseconds look_every_min{50};
constexpr milliseconds look_again_after{1000};
/// Of the time that a look takes: the disk is for the programs, however many of them end.
constexpr int pause_factor = 20;
/// So many programs may end before the folder is looked through for them.
constexpr std::size_t ends_max = 64;

struct KeptLog {
  std::string folder;
  std::int64_t last_ms = 0;
  std::uint64_t bytes = 0;
};

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return names;
  while (const dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(dir);
  return names;
}

bool is_of_log(const std::string& name) {
  return is_log_segment(name) || is_log_times(name) || is_last_end_file(name);
}

/// nullopt for what is no log.
std::optional<KeptLog> look_at(const std::string& folder) {
  struct stat status {};
  if (lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  KeptLog log{folder, 0, 0};
  const auto names = names_in(folder);
  for (const auto& name : names) {
    if (!is_of_log(name)) return std::nullopt;
    if (lstat((folder + '/' + name).c_str(), &status) != 0) continue;
    log.bytes += static_cast<std::uint64_t>(status.st_size);
    // When it was put aside, an end has not become newer: the time is that of the writing.
    log.last_ms = std::max(log.last_ms,
                           std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000);
  }
  return names.empty() ? std::nullopt : std::optional(log);
}

}  // namespace

std::optional<std::int64_t> log_changed_ms(const std::string& folder) {
  const auto log = look_at(folder);
  return log ? std::optional(log->last_ms) : std::nullopt;
}

bool remove_log_folder(const std::string& folder) {
  const FolderLock lock(folder, FolderLock::Kind::to_remove);
  if (!lock.held()) return false;
  for (const auto& name : names_in(folder)) {
    if (is_of_log(name)) unlink((folder + '/' + name).c_str());
  }
  return rmdir(folder.c_str()) == 0;
}

LogSweep sweep_logs(const std::string& log_dir, const LogLimits& limits, std::int64_t now_ms) {
  std::vector<KeptLog> logs;
  for (const auto& name : names_in(log_dir)) {
    auto log = look_at(log_dir + '/' + name);
    // One in use counts for nothing here: its size has a limit of its own.
    if (log && FolderLock(log->folder, FolderLock::Kind::to_remove).held()) logs.push_back(std::move(*log));
  }
  std::sort(logs.begin(), logs.end(),
            [](const KeptLog& a, const KeptLog& b) { return a.last_ms > b.last_ms; });
  LogSweep sweep;
  std::uint64_t bytes = 0;
  for (const auto& log : logs) {
    bytes += log.bytes;
    const bool old = limits.keep_for.count() > 0 && now_ms - log.last_ms > limits.keep_for.count();
    const bool too_many = limits.count_max > 0 && sweep.kept >= limits.count_max;
    const bool too_much = limits.bytes_max > 0 && bytes > limits.bytes_max;
    if ((old || too_many || too_much) && remove_log_folder(log.folder)) {
      ++sweep.removed;
      bytes -= log.bytes;
    } else {
      ++sweep.kept;
    }
  }
  return sweep;
}

LogKeeper::LogKeeper(std::string log_dir, LogLimits limits) : log_dir_(std::move(log_dir)), limits_(limits) {}

LogKeeper::~LogKeeper() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LogKeeper::begin() {
  const std::lock_guard lock(mutex_);
  if (over_ || thread_.joinable()) return;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return;
  }
}

void LogKeeper::note_end() {
  begin();
  const std::lock_guard lock(mutex_);
  if (++ends_ == ends_max) changed_.notify_all();
}

void LogKeeper::run() {
  milliseconds every = look_every_max;
  if (limits_.keep_for.count() > 0) every = std::clamp(limits_.keep_for / 4, look_every_min, look_every_max);
  std::unique_lock lock(mutex_);
  while (!over_) {
    ends_ = 0;
    lock.unlock();
    const auto began = std::chrono::steady_clock::now();
    sweep_logs(log_dir_, limits_, wall_clock_ms());
    const auto took = std::chrono::ceil<milliseconds>(std::chrono::steady_clock::now() - began);
    lock.lock();
    changed_.wait_for(lock, std::max(std::min(every, look_again_after), took * pause_factor),
                      [this] { return over_; });
    changed_.wait_for(lock, every, [this] { return over_ || ends_ >= ends_max; });
  }
}

}  // namespace brood::exec
