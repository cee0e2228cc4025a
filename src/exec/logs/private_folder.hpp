// PrivateFolder: where a node without a log folder of its own keeps the output of its programs:
// brood-logs-XXXXXX in the folder for temporary files, for this user only. It is removed with the object; one
// whose node was killed is removed by the next node that makes one.
//
// One thread.
#pragma once

#include <cstddef>
#include <string>

#include "exec/logs/folder_lock.hpp"

namespace brood::exec {

/// $TMPDIR, or /tmp.
[[nodiscard]] std::string temporary_folder();

/// Removes the private folders in `parent` that are this user's and that neither a node nor a shim uses any
/// more. How many there were.
std::size_t remove_abandoned_folders(const std::string& parent);

class PrivateFolder {
 public:
  PrivateFolder() = default;
  ~PrivateFolder() { remove(); }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  /// False if there is no room for one in `parent`.
  bool make(const std::string& parent);
  [[nodiscard]] const std::string& path() const { return path_; }
  void remove();
  /// Leaves it to the next node: shims that are not done still write to it.
  void leave();

 private:
  std::string path_;
  FolderLock lock_;
};

}  // namespace brood::exec
