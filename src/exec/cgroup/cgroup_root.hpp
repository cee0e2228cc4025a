// CgroupRoot: the part of the tree of cgroups (version 2) that was given to this node, in which it makes one
// for each program that has limits of its own.
//
//   the node's cgroup, as it was started (of a unit with Delegate=yes, or that of a container)
//     brood-node     the node and its shims, moved here with the first limit, as a cgroup that has others
//                    below it may hold no process itself
//     child-NAME     a program with all that it starts; its shim takes it away after its end
//
// One thread (the launcher's).
#pragma once

#include <brood/program_options.hpp>
#include <brood/result.hpp>
#include <set>
#include <string>
#include <string_view>

namespace brood::exec {

/// Where a process finds its cgroup; tests have files of their own.
struct CgroupFiles {
  std::string mounts = "/proc/self/mountinfo";
  std::string own = "/proc/self/cgroup";
};

class CgroupRoot {
 public:
  explicit CgroupRoot(CgroupFiles files = {}) : files_(std::move(files)) {}

  /// Makes the cgroup of a program with these limits, under a name that no other has; its folder.
  /// `start_failed`, with what is missing and what to do: there is no cgroup 2 here, none was given to this
  /// node, or one without the controller.
  [[nodiscard]] Result<std::string> make(const std::string& name, const CgroupLimits& limits);

 private:
  Result<void> find();
  Result<void> give_controllers();

  CgroupFiles files_;
  std::string base_;  ///< Empty: not found yet.
  std::set<std::string, std::less<>> given_;
};

/// True once it is gone; one that holds processes stays.
bool remove_cgroup(const std::string& folder);

}  // namespace brood::exec
