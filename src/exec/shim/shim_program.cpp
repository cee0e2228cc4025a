#include "exec/shim/shim_program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace brood::exec {
namespace {

[[noreturn]] void fail(int result_pipe, StartStep step) {
  const StartFailure failure{step, errno};
  // Nothing to be done should this fail: the shim then sees an exit with 127.
  [[maybe_unused]] const auto n = write(result_pipe, &failure, sizeof failure);
  _exit(127);
}

/// Between fork and exec; nothing of the shim may be left in the program.
[[noreturn]] void become_program(pid_t shim, const ProgramOptions& options, int output, int result_pipe) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != shim) _exit(127);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0)) fail(result_pipe, StartStep::resources);
  // A node has many descriptors open and raises its limit; a program that uses select() breaks with that.
  // Where the node has lowered what cannot be raised again, the program has what there is.
  if (setrlimit(RLIMIT_NOFILE, &options.files) != 0) {
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    now.rlim_cur = std::min(options.files.rlim_cur, now.rlim_max);
    setrlimit(RLIMIT_NOFILE, &now);
  }
  if (!options.cwd.empty() && chdir(options.cwd.c_str()) != 0) fail(result_pipe, StartStep::chdir);
  execvp(options.argv[0], options.argv);
  fail(result_pipe, StartStep::exec);
}

}  // namespace

ProgramStart start_program(const ProgramOptions& options, bool with_output) {
  ProgramStart start;
  int result[2] = {-1, -1};
  int output[2] = {-1, -1};
  // Every descriptor of the shim closes on exec, so the program gets 0, 1 and 2 only.
  if (pipe2(result, O_CLOEXEC) != 0 || (with_output && pipe2(output, O_CLOEXEC) != 0)) {
    start.error = errno;
    return start;
  }
  const pid_t shim = getpid();
  start.pid = fork();
  if (start.pid == 0) become_program(shim, options, output[1], result[1]);
  if (start.pid < 0) {
    start.error = errno;
  } else {
    setpgid(start.pid, start.pid);  // here too, so that the group exists before anybody signals it
  }
  close(result[1]);
  if (with_output) close(output[1]);
  start.result_pipe = result[0];
  start.output_pipe = output[0];
  return start;
}

}  // namespace brood::exec
