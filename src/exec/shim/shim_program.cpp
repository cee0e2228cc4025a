#include "exec/shim/shim_program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

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
[[noreturn]] void become_program(pid_t shim, char* const* argv, const std::string& cwd, int output,
                                 int result_pipe) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != shim) _exit(127);  // it died before the line above
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0)) fail(result_pipe, StartStep::resources);
  if (!cwd.empty() && chdir(cwd.c_str()) != 0) fail(result_pipe, StartStep::chdir);
  execvp(argv[0], argv);
  fail(result_pipe, StartStep::exec);
}

}  // namespace

ProgramStart start_program(char* const* argv, const std::string& cwd, bool with_output) {
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
  if (start.pid == 0) become_program(shim, argv, cwd, output[1], result[1]);
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
