#include "exec/exit_status.hpp"

#include <algorithm>
#include <array>

namespace brood::exec {
namespace {

struct SignalName {
  int number;
  std::string_view name;
};
// A table: the C library's own names are an extension that not every one has.
constexpr std::array signal_names{
    SignalName{SIGHUP, "SIGHUP"},       SignalName{SIGINT, "SIGINT"},       SignalName{SIGQUIT, "SIGQUIT"},
    SignalName{SIGILL, "SIGILL"},       SignalName{SIGTRAP, "SIGTRAP"},     SignalName{SIGABRT, "SIGABRT"},
    SignalName{SIGBUS, "SIGBUS"},       SignalName{SIGFPE, "SIGFPE"},       SignalName{SIGKILL, "SIGKILL"},
    SignalName{SIGUSR1, "SIGUSR1"},     SignalName{SIGSEGV, "SIGSEGV"},     SignalName{SIGUSR2, "SIGUSR2"},
    SignalName{SIGPIPE, "SIGPIPE"},     SignalName{SIGALRM, "SIGALRM"},     SignalName{SIGTERM, "SIGTERM"},
    SignalName{SIGSTKFLT, "SIGSTKFLT"}, SignalName{SIGCHLD, "SIGCHLD"},     SignalName{SIGCONT, "SIGCONT"},
    SignalName{SIGSTOP, "SIGSTOP"},     SignalName{SIGTSTP, "SIGTSTP"},     SignalName{SIGTTIN, "SIGTTIN"},
    SignalName{SIGTTOU, "SIGTTOU"},     SignalName{SIGURG, "SIGURG"},       SignalName{SIGXCPU, "SIGXCPU"},
    SignalName{SIGXFSZ, "SIGXFSZ"},     SignalName{SIGVTALRM, "SIGVTALRM"}, SignalName{SIGPROF, "SIGPROF"},
    SignalName{SIGWINCH, "SIGWINCH"},   SignalName{SIGIO, "SIGIO"},         SignalName{SIGPWR, "SIGPWR"},
    SignalName{SIGSYS, "SIGSYS"}};

std::string with_number(const char* words, int number) {
  return words + std::to_string(number);
}

std::string own_end(const ExitStatus& status) {
  return status.signal != 0 ? "ended by " + signal_name(status.signal)
                            : with_number("exited with code ", status.code);
}

/// What a program that goes to the background looks like: it exits well, and its work is killed.
std::string left_behind_words(const ExitStatus& status) {
  if (status.left_behind == 0) return "";
  const std::string words =
      status.left_behind == 1
          ? std::string("; a process that it left behind was killed")
          : "; " + std::to_string(status.left_behind) + " processes that it left behind were killed";
  const bool went_to_background = status.code == 0 && status.signal == 0;
  return went_to_background ? words + ": a program must stay in the foreground" : words;
}

}  // namespace

std::string signal_name(int signal) {
  for (const auto& entry : signal_names) {
    if (entry.number == signal) return std::string(entry.name);
  }
  return with_number("signal ", signal);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::optional<int> signal_from_name(std::string_view name) {
  const std::string wanted = lower(name);
  for (const auto& entry : signal_names) {
    const std::string full = lower(entry.name);
    if (wanted == full || wanted == full.substr(3) || wanted == std::to_string(entry.number))
      return entry.number;
  }
  return std::nullopt;
}

bool ExitStatus::is_expected(const std::vector<int>& codes) const {
  return signal == 0 && cause == EndCause::itself &&
         std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string ExitStatus::text() const {
  switch (cause) {
    case EndCause::node_stalled:
      return "killed by its shim: the node gave no sign of life";
    case EndCause::node_gone:
      return "killed by its shim: the node ended";
    case EndCause::out_of_memory:
      return "killed by the kernel: out of memory (the limit of its cgroup)";
    case EndCause::shim_lost:
      return "killed: its shim was ended from outside";
    case EndCause::stop_killed:
      return signal != SIGKILL ? own_end(*this) + ", the rest was killed" : "killed with SIGKILL on stop";
    case EndCause::stopped:
      return "stopped: " + own_end(*this);
    case EndCause::itself:
      break;
  }
  return own_end(*this) + left_behind_words(*this);
}

}  // namespace brood::exec
