#include "exec/shim/shim_program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace brood::exec {
namespace {

[[noreturn]] void fail(int result_pipe, StartStep step, int detail = 0) {
  const StartFailure failure{step, errno, detail};
  // Nothing to be done should this fail: the shim then sees an exit with 127.
  [[maybe_unused]] const auto n = write(result_pipe, &failure, sizeof failure);
  _exit(127);
}

StartStep step_of(SetupFault fault) {
  switch (fault) {
    case SetupFault::user:
      return StartStep::user;
    case SetupFault::group:
      return StartStep::group;
    case SetupFault::nice:
      return StartStep::nice;
    case SetupFault::stdin_file:
      return StartStep::stdin_file;
    case SetupFault::limit:
      return StartStep::limit;
    case SetupFault::none:
      break;
  }
  return StartStep::resources;
}

/// Between fork and exec; nothing of the shim may be left in the program.
[[noreturn]] void become_program(pid_t shim, const ProgramPlan& plan, int output, int result_pipe) {
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0)) fail(result_pipe, StartStep::resources);
  int resource = 0;
  const auto set_up = [&](SetupFault fault) {
    if (fault != SetupFault::none) fail(result_pipe, step_of(fault), resource);
  };
  set_up(apply_before_chdir(plan.setup, resource));
  // A change of user takes it away, so not before.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != shim) _exit(127);  // it died before the line above
  if (!plan.cwd.empty() && chdir(plan.cwd.c_str()) != 0) fail(result_pipe, StartStep::chdir);
  set_up(apply_after_chdir(plan.setup));
  execvp(plan.argv[0], plan.argv);
  fail(result_pipe, StartStep::exec);
}

}  // namespace

ProgramStart start_program(const ProgramPlan& plan, bool with_output) {
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
  if (start.pid == 0) become_program(shim, plan, output[1], result[1]);
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
