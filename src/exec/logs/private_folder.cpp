#include "exec/logs/private_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace brood::exec {
namespace {

constexpr std::string_view prefix = "brood-logs-";

bool is_a_folder_of_ours(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

}  // namespace

std::string temporary_folder() {
  std::error_code error;
  const auto path = std::filesystem::temp_directory_path(error);
  return error ? std::string("/tmp") : path.string();
}

std::size_t remove_abandoned_folders(const std::string& parent) {
  std::size_t removed = 0;
  std::error_code error;
  for (auto next = std::filesystem::directory_iterator(parent, error);
       !error && next != std::filesystem::directory_iterator(); next.increment(error)) {
    if (!next->path().filename().string().starts_with(prefix)) continue;
    const std::string path = next->path().string();
    if (!is_a_folder_of_ours(path)) continue;
    const FolderLock lock(path, FolderLock::Kind::to_remove);
    if (!lock.held()) continue;
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    if (!ignored) ++removed;
  }
  return removed;
}

bool PrivateFolder::make(const std::string& parent) {
  // Between its making and its lock another node may take a folder for an abandoned one.
  static constexpr int attempts_max = 10;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    std::string path = parent + '/' + std::string(prefix) + "XXXXXX";
    if (mkdtemp(path.data()) == nullptr) return false;
    lock_ = FolderLock(path, FolderLock::Kind::in_use);
    if (!lock_.held()) continue;
    path_ = std::move(path);
    return true;
  }
  return false;
}

void PrivateFolder::remove() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  leave();
}

void PrivateFolder::leave() {
  path_.clear();
  lock_ = FolderLock();
}

}  // namespace brood::exec
