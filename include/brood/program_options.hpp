// ProgramOptions: how an ordinary program runs, beside its command line. What each means and what it takes is
// in docs/guide/programs.md.
//
// Plain data, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// A bound on what one process may use, as of setrlimit(2).
struct ResourceLimit {
  static constexpr std::uint64_t unlimited = UINT64_MAX;

  std::uint64_t soft = unlimited;  ///< What counts; the program may raise it up to `hard`.
  std::uint64_t hard = unlimited;

  friend bool operator==(const ResourceLimit&, const ResourceLimit&) = default;
};

/// A question that is asked again and again: whether the program is well. One of `tcp`, `http` and `exec`.
struct HealthCheck {
  enum class OnFailure : std::uint8_t {
    restart,  ///< One that is unhealthy is ended, and started again as after a crash.
    report,   ///< That it is unhealthy is shown, and nothing else follows.
  };

  std::string tcp = {};   ///< "127.0.0.1:8080": well if it takes a connection.
  std::string http = {};  ///< "http://127.0.0.1:8080/healthz": well if it answers with 200 to 399.
  std::vector<std::string> exec = {};          ///< Well if this command, run as the program is, exits with 0.
  std::chrono::milliseconds interval{10'000};  ///< Between an answer and the next question; 10 ms to a day.
  std::chrono::milliseconds timeout{2'000};    ///< Of a question; 1 ms to an hour.
  unsigned threshold = 3;                      ///< So many bad answers in a row: it is unhealthy; 1 to 1000.
  std::chrono::milliseconds
      start_period{};  ///< Bad answers so soon after its start do not count; at most a day.
  OnFailure on_failure = OnFailure::restart;

  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// Bounds on what a program and all that it starts may use together, by a cgroup (version 2) of its own. A
/// node that cannot give one refuses the start, and says what is missing.
struct CgroupLimits {
  std::optional<std::uint64_t> memory = std::nullopt;  ///< Bytes; beyond them all of it is killed.
  std::optional<double> cpu = std::nullopt;            ///< Processors: 0.5 is half of one. 0.01 to 10000.
  std::optional<std::uint64_t> pids = std::nullopt;    ///< Processes and threads; at least 1.

  [[nodiscard]] bool any() const { return memory || cpu || pids; }
  friend bool operator==(const CgroupLimits&, const CgroupLimits&) = default;
};

/// A terminal that the program finds at stdin, stdout and stderr, with nobody at it.
struct PseudoTerminal {
  unsigned columns = 80;  ///< 1 to 9999
  unsigned rows = 24;     ///< 1 to 9999

  friend bool operator==(const PseudoTerminal&, const PseudoTerminal&) = default;
};

/// Where a program's output goes: to each of these.
struct LogTo {
  bool file = true;      ///< The log that the node keeps of it.
  bool journal = false;  ///< systemd's journal of its machine, with the child's id as a field.
  bool syslog = false;   ///< /dev/log of its machine.

  friend bool operator==(const LogTo&, const LogTo&) = default;
};

struct ProgramOptions {
  /// A name or a number of the machine that it runs on; empty: the node's. Another one than the node's only
  /// root can give: elsewhere the start fails. With it come the user's own group and further groups, and
  /// HOME, USER and LOGNAME.
  std::string user = {};
  std::string group = {};                        ///< As of `user`; empty: the user's own.
  std::optional<unsigned> umask = std::nullopt;  ///< At most 0777; none: the node's.
  std::optional<int> nice = std::nullopt;  ///< -20 to 19; below the node's takes root. None: the node's.
  std::map<std::string, ResourceLimit> limits =
      {};  ///< By setrlimit's names in small letters: nofile, core, as, ...
  CgroupLimits cgroup = {};
  std::string env_file =
      {};  ///< A file of NAME=VALUE lines, read at each start; `env` wins over it. Empty: none.
  std::string stdin_file = {};  ///< What it reads from stdin; empty: /dev/null, or its terminal.
  std::optional<PseudoTerminal> pty = std::nullopt;  ///< None: no terminal.
  /// With which it has ended as it should: a `transient` child that ends so is not started again.
  std::vector<int> exit_codes = {0};
  std::optional<HealthCheck> health = std::nullopt;
  std::optional<std::uint64_t> log_size =
      std::nullopt;  ///< Bytes of its output that are kept; none: the node's.
  std::optional<unsigned> log_files =
      std::nullopt;             ///< Into how many files they are parted: 2 to 100; none: 2.
  bool log_timestamps = false;  ///< Each line of its log begins with the time, in UTC.
  LogTo log_to = {};

  friend bool operator==(const ProgramOptions&, const ProgramOptions&) = default;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
