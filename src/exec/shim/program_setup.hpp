// ProgramSetup: what a shim does to a program between fork and exec, as plain numbers: names were looked up
// by the node. It travels as words of the shim's command line, before "--".
//
// Plain C++ and POSIX only: the shim links nothing else. Any thread.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace brood::exec {

struct SetupLimit {
  int resource = 0;
  rlimit value{};
  bool if_allowed = false;  ///< Not asked for: where the system refuses it, what it allows will do.
};

struct SetupTerminal {
  unsigned columns = 80;
  unsigned rows = 24;
};

struct ProgramSetup {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::vector<gid_t>> groups;
  std::optional<mode_t> umask;
  std::optional<int> nice;
  std::vector<SetupLimit> limits;
  std::string stdin_file;
  std::optional<SetupTerminal> terminal;
  std::string cgroup;  ///< The folder of its own cgroup; empty: it stays in the shim's.
};

[[nodiscard]] std::vector<std::string> to_words(const ProgramSetup& setup);
/// Reads words up to the first that is "--", and moves `words` behind that. nullopt: they are no setup's.
[[nodiscard]] std::optional<ProgramSetup> from_words(char**& words);

/// What failed of it; the errno is the start failure's code.
enum class SetupFault : int { none, user, group, nice, stdin_file, limit, cgroup };

/// In the program to be, before exec. With a fault other than none errno says why; `resource`: of a limit.
[[nodiscard]] SetupFault apply_before_chdir(const ProgramSetup& setup, int& resource);
/// The same, of what is looked for in the working folder.
[[nodiscard]] SetupFault apply_after_chdir(const ProgramSetup& setup);

}  // namespace brood::exec
