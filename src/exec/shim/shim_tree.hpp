// ProcessTree: everything that descends from this shim, found, killed and reaped. The shim is a child
// subreaper, so a daemon whose parents ended becomes its child and cannot hide.
//
// Invariant: the program itself stays unreaped until nothing else is left, so its number, which is also
// that of its group, cannot come to mean another process meanwhile. For the shim's main thread only.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

namespace brood::exec {

struct ProgramEnd {
  int code = 0;
  int signal = 0;
};

class ProcessTree {
 public:
  explicit ProcessTree(pid_t program) : program_(program) {}

  /// How the program ended, once it did. Reaps everything else that ended.
  std::optional<ProgramEnd> poll();
  /// To the program, its group, and all that it started, in whatever group or session that is.
  void signal_all(int signal) const;
  /// Live processes besides the program.
  [[nodiscard]] std::size_t others() const;
  /// SIGKILL to all; true once nothing is left, the program reaped as well. Call again until then.
  bool kill_all();

 private:
  void reap_others() const;
  void signal_group(int signal) const;

  pid_t program_;
  bool program_reaped_ = false;
  std::optional<ProgramEnd> end_;
};

/// Children of a process, of all its threads; zombies too. May miss some while processes come and go.
[[nodiscard]] std::vector<pid_t> children_of(pid_t parent);

}  // namespace brood::exec
