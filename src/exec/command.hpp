// Command: which ordinary program to run and how; ExitStatus: how it ended. Plain data, any thread.
//
// As a term (the start argument of an `exec` child) a command is a map:
//   #{argv => [<<"/usr/bin/rsync">>, <<"--daemon">>],   required; texts may be binaries, strings or atoms
//     cwd => <<"/srv">>, env => #{<<"LANG">> => <<"C">>},
//     stop_signal => sigterm or 15, log_bytes_max => 1048576}
#pragma once

#include <brood/result.hpp>
#include <brood/term.hpp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace brood::exec {

struct Command {
  /// The program and its arguments. A program without '/' is looked for in PATH (of `env`, if it is there);
  /// a relative one with '/' is relative to `cwd`.
  std::vector<std::string> argv;
  std::string cwd = {};  ///< Empty: the node's.
  /// Added to the node's, as it was when the launcher was made.
  std::map<std::string, std::string> env = {};
  int stop_signal = SIGTERM;                         ///< What asks the program to end.
  std::size_t log_bytes_max = std::size_t{1} << 20;  ///< Kept of stdout and stderr; 0 keeps nothing.

  friend bool operator==(const Command&, const Command&) = default;
};

/// `invalid_argument` that names the key: no argv, a text with a zero byte, no such signal, ...
[[nodiscard]] Result<void> validate(const Command& command);
/// Reads the map above. Unknown keys are refused, with what is allowed.
[[nodiscard]] Result<Command> command_from_term(const Term& term);
/// The map above; keys that have their default are left out.
[[nodiscard]] Term to_term(const Command& command);

/// "SIGTERM" for 15; "signal 77" for one without a name.
[[nodiscard]] std::string signal_name(int signal);
/// 15 for "SIGTERM", "sigterm", "term" or "15"; nullopt for what is no signal.
[[nodiscard]] std::optional<int> signal_from_name(std::string_view name);

/// Why a program is no more.
enum class EndCause : std::uint8_t {
  itself,        ///< It exited, or a signal that was not ours ended it.
  stopped,       ///< stop() asked it to end, and it did in time.
  stop_killed,   ///< stop() asked, and it (or a process it started) had to be killed.
  node_stalled,  ///< The node's heartbeat was older than the limit: killed by its shim.
  shim_lost,     ///< Its shim was killed from outside; the program was killed with it. No exit code.
};

struct ExitStatus {
  int code = 0;    ///< Exit code; 0 if a signal ended it.
  int signal = 0;  ///< The signal that ended it; 0 if it exited.
  EndCause cause = EndCause::itself;
  std::uint64_t log_bytes_lost = 0;  ///< Output that could not be written to the log.

  [[nodiscard]] bool success() const { return code == 0 && signal == 0 && cause == EndCause::itself; }
  /// It ended because stop() was called, gently or not.
  [[nodiscard]] bool killed_by_stop() const {
    return cause == EndCause::stopped || cause == EndCause::stop_killed;
  }
  /// One line: "exited with code 3", "ended by SIGSEGV", "killed with SIGKILL: did not stop in time".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

}  // namespace brood::exec
