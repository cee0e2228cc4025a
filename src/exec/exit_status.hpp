// ExitStatus: how a program ended. Plain data, any thread. Plain C++ and POSIX only: the shim has it too.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brood::exec {

/// "SIGTERM" for 15; "signal 77" for one without a name.
[[nodiscard]] std::string signal_name(int signal);
/// 15 for "SIGTERM", "sigterm", "term" or "15"; nullopt for what is no signal.
[[nodiscard]] std::optional<int> signal_from_name(std::string_view name);

/// ASCII letters only.
[[nodiscard]] std::string lower(std::string_view text);

/// Why a program is no more. The numbers are kept on disk (last_end.hpp): new ones go to the end.
enum class EndCause : std::uint8_t {
  itself,         ///< It exited, or a signal that was not ours ended it.
  stopped,        ///< stop() asked it to end, and it did in time.
  stop_killed,    ///< stop() asked, and it (or a process it started) had to be killed.
  node_stalled,   ///< The node's heartbeat was older than the limit: killed by its shim.
  shim_lost,      ///< Its shim was killed from outside; the program was killed with it. No exit code.
  node_gone,      ///< The node ended, or let go of the program: killed by its shim.
  out_of_memory,  ///< The kernel killed it: the memory of its cgroup was used up.
};
inline constexpr int end_cause_max = static_cast<int>(EndCause::out_of_memory);

struct ExitStatus {
  int code = 0;    ///< Exit code; 0 if a signal ended it.
  int signal = 0;  ///< The signal that ended it; 0 if it exited.
  EndCause cause = EndCause::itself;
  std::uint64_t log_bytes_lost = 0;  ///< Output that could not be written to the log.
  /// Processes that it had started and that still lived when it ended by itself. They were killed.
  std::uint32_t left_behind = 0;

  [[nodiscard]] bool success() const { return code == 0 && signal == 0 && cause == EndCause::itself; }
  /// It ended by itself with one of these codes.
  [[nodiscard]] bool is_expected(const std::vector<int>& codes) const;
  /// It ended because stop() was called, gently or not.
  [[nodiscard]] bool killed_by_stop() const {
    return cause == EndCause::stopped || cause == EndCause::stop_killed;
  }
  /// One line: "exited with code 3", "ended by SIGSEGV", "killed with SIGKILL on stop".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

}  // namespace brood::exec
