#include "exec/shim/shim_program.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

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
    case SetupFault::cgroup:
      return StartStep::cgroup;
    case SetupFault::none:
      break;
  }
  return StartStep::resources;
}

/// Between fork and exec; nothing of the shim may be left in the program.
[[noreturn]] void become_program(pid_t shim, const ProgramPlan& plan, int output, int terminal,
                                 int result_pipe) {
  if (terminal < 0) {
    setpgid(0, 0);
  } else {
    setsid();  // a terminal is a session's
    if (ioctl(terminal, TIOCSCTTY, 0) != 0 || dup2(terminal, 0) < 0) fail(result_pipe, StartStep::terminal);
    output = terminal;
  }
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

/// Nobody types there, so nothing is echoed; lines end as those of a file do.
bool set_up_terminal(int terminal, const SetupTerminal& wanted) {
  termios mode{};
  if (tcgetattr(terminal, &mode) != 0) return false;
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  mode.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  winsize size{};
  size.ws_col = static_cast<unsigned short>(wanted.columns);
  size.ws_row = static_cast<unsigned short>(wanted.rows);
  return tcsetattr(terminal, TCSANOW, &mode) == 0 && ioctl(terminal, TIOCSWINSZ, &size) == 0;
}

/// True with both ends.
bool open_terminal(const ProgramSetup& setup, ProgramStart& start) {
  start.output_pipe = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (start.output_pipe < 0 || unlockpt(start.output_pipe) != 0) return false;
  start.terminal = ioctl(start.output_pipe, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (start.terminal < 0 || !set_up_terminal(start.terminal, *setup.terminal)) return false;
  // Whoever runs it may open it by its name too; where that is not to be had, /dev/tty does.
  if (setup.uid) [[maybe_unused]]
    const int ignored = fchown(start.terminal, *setup.uid, static_cast<gid_t>(-1));
  return true;
}

}  // namespace

ProgramStart start_program(const ProgramPlan& plan, bool with_output) {
  ProgramStart start;
  int result[2] = {-1, -1};
  int output[2] = {-1, -1};
  // Every descriptor of the shim closes on exec, so the program gets 0, 1 and 2 only.
  const bool has_terminal = plan.setup.terminal.has_value();
  if (has_terminal && !open_terminal(plan.setup, start)) {
    start.step = StartStep::terminal;
    start.error = errno;
    return start;
  }
  if (pipe2(result, O_CLOEXEC) != 0 || (with_output && !has_terminal && pipe2(output, O_CLOEXEC) != 0)) {
    start.error = errno;
    return start;
  }
  const pid_t shim = getpid();
  start.pid = fork();
  if (start.pid == 0) become_program(shim, plan, output[1], start.terminal, result[1]);
  if (start.pid < 0) {
    start.error = errno;
  } else if (!has_terminal) {
    setpgid(start.pid, start.pid);  // here too, so that the group exists before anybody signals it
  }
  close(result[1]);
  if (output[1] >= 0) close(output[1]);
  start.result_pipe = result[0];
  if (!has_terminal) start.output_pipe = output[0];
  return start;
}

}  // namespace brood::exec
