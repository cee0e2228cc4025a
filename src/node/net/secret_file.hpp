// A file with a secret (the cookie, a key of TLS): who else may read it, and what to do about that.
//
// Any thread.
#pragma once

#include <sys/types.h>

#include <brood/result.hpp>
#include <string>

namespace brood::node {

/// What matters of such a file.
struct SecretFile {
  mode_t mode = 0400;
  bool changeable = true;  ///< This process may change the mode: its owner or root, and no read-only mount.
  bool own_group = false;  ///< Its group is root's or one of this process.
};

/// invalid_argument, with the cure that can be followed, where others may read or change the file. A group
/// may read it only where the mode is not ours to change (a mounted secret, another's file), and only root's
/// group or our own. `what`: "the cookie file /x", for the words.
[[nodiscard]] Result<void> may_hold_secret(const std::string& what, const std::string& path,
                                           const SecretFile& file);
/// The same of the file on the disk. A file that cannot be looked at is not refused here: reading it will
/// tell.
[[nodiscard]] Result<void> may_hold_secret(const std::string& what, const std::string& path);

}  // namespace brood::node
