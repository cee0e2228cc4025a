// Identity: as whom a program runs: the numbers behind the names in its options, and whether this node may
// give them.
//
// Any thread; the look-up of a name may wait for a directory service.
#pragma once

#include <sys/types.h>

#include <brood/program_options.hpp>
#include <brood/result.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace brood::exec {

struct Identity {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::vector<gid_t>> groups;
  std::map<std::string, std::string> env;  ///< HOME, USER, LOGNAME, where there is a user.

  [[nodiscard]] bool changes() const { return uid || gid || groups; }
};

/// Nothing is set where the options name neither user nor group, or those that this process has already.
/// `start_failed`: there is no such user or group, or this process is not root and may not take another.
[[nodiscard]] Result<Identity> find_identity(const ProgramOptions& options);

}  // namespace brood::exec
