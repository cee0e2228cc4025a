// Starts the program itself: fork and exec within the shim, which is small and has one thread then.
#pragma once

#include <sys/types.h>

#include <string>

#include "exec/shim/program_setup.hpp"
#include "exec/shim/shim_protocol.hpp"

namespace brood::exec {

struct ProgramStart {
  pid_t pid = -1;
  /// Reads a StartFailure if the program could not be run, or just ends once it runs.
  int result_pipe = -1;
  /// Its stdout and stderr, or the other end of its terminal; -1 if they go to /dev/null.
  int output_pipe = -1;
  /// The terminal's own end, while the program may come back to it: what is read from `output_pipe` ends once
  /// this is closed and the program is gone. -1 without one.
  int terminal = -1;
  StartStep step = StartStep::resources;  ///< What failed, if there is no process at all (pid < 0) ...
  int error = 0;                          ///< ... and its errno.
};

struct StartFailure {
  StartStep step{};
  std::int32_t code = 0;
  std::int32_t detail = 0;  ///< See ShimMessage.
};

struct ProgramPlan {
  char* const* argv = nullptr;  ///< Ends with a null.
  std::string cwd;
  ProgramSetup setup;
};

/// In a process group of its own, killed by the kernel should this shim die.
[[nodiscard]] ProgramStart start_program(const ProgramPlan& plan, bool with_output);

}  // namespace brood::exec
