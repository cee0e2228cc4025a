// Launcher: runs ordinary programs as children of this node, each under a small shim process of its own.
//
//   node ──control socket── brood-shim ──fork── the program (own process group) ── whatever it starts
//     └──── heartbeat page (shared memory, one store a beat for all programs) ────┘
//
// The shim kills the program and everything it started when the control socket closes (the node ended, by
// kill -9 too) or when the heartbeat is older than the limit (the node is stopped, or too busy to live). So
// no second copy of a program is left behind by a node that others have given up. Daemons that a program
// started, in whatever group or session, belong to it.
//
// Threads: every public function may be called from any thread and none of them waits for a program.
// Callbacks run on the given io_context, one at a time for each program, never inside start(). A thread of
// the launcher's own, begun with the first program, does the waiting.
//
// A shim leaves signals to its node: SIGTERM and the like to all processes of a service do not end its
// program.
//
// What a program wrote, and how it ended, is kept when it has ended, within LogLimits; see log_store.hpp.
//
// All of it is this node's view. Invariant: when on_exit runs, no process of that instance is left.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <brood/result.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "exec/cgroup/cgroup_root.hpp"
#include "exec/command.hpp"
#include "exec/logs/last_end.hpp"
#include "exec/logs/log_keeper.hpp"
#include "exec/logs/log_store.hpp"

namespace brood::exec {

class Engine;

/// One started program. Destroying the handle kills the program and everything it started at once; its
/// callbacks do not begin to run after that. stop() and wait for on_exit to know when it is gone.
class Program {
 public:
  Program(std::weak_ptr<Engine> engine, std::uint64_t key);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Sends the stop signal to the program and everything it started, in whatever group or session, and
  /// SIGKILL to what is left of it after `shutdown`. Zero kills at once, milliseconds::max() waits for ever.
  /// A second stop may shorten the time, never lengthen it. Later calls, and those for a program that ended,
  /// do nothing. on_exit tells when it is done.
  void stop(std::chrono::milliseconds shutdown);
  /// Sends a signal to the program itself. To one that has not started, or has ended, nothing happens.
  void signal(int signal);
  /// Takes over what a program need not be started anew for from a command that differs from its own in that
  /// only: stop_signal, log_size (unless one of them keeps no log), log_files, log_timestamps.
  void follow(Command command);
  /// The program's process id; 0 until on_started. Not valid for signals after on_exit.
  [[nodiscard]] pid_t os_pid() const { return pid_->load(); }

 private:
  friend class Engine;
  std::weak_ptr<Engine> engine_;
  std::uint64_t key_;
  std::shared_ptr<std::atomic<pid_t>> pid_;
  std::shared_ptr<std::atomic<bool>> abandoned_;
};

struct LauncherOptions {
  /// The shim. Empty: `brood-shim` beside this program, then ../libexec and ../bin of it, then PATH.
  std::string shim_path = {};
  /// Where output is kept. Empty: a private folder under $TMPDIR or /tmp, removed with the launcher, or by
  /// the next one if this process was killed.
  std::string log_dir = {};
  /// Of each program's output, where its command says nothing else. The newest half of it is always kept.
  /// Zero keeps none.
  std::size_t log_bytes_max = std::size_t{1} << 20;
  /// Of programs that ended.
  LogLimits log_limits = {};
  /// Where log_to finds the logs of the machine.
  std::string journal_socket = "/run/systemd/journal/socket";
  std::string syslog_socket = "/dev/log";
  CgroupFiles cgroup_files = {};
  /// Programs are killed when the last beat() is older than this. Too small kills programs of a busy
  /// node, too large lets a copy live on beside its successor: half the tick time-out. Zero: never.
  std::chrono::milliseconds heartbeat_limit{4000};
};

class Launcher {
 public:
  using OnStarted = std::function<void(Result<pid_t>)>;
  using OnExit = std::function<void(ExitStatus)>;
  using OnReady = std::function<void()>;

  /// Never fails; what is missing comes out of check() and of each start().
  explicit Launcher(boost::asio::io_context& io, LauncherOptions options = {});
  /// Kills what runs and waits until it is gone (5 s at the most; the shims finish the rest). No callback
  /// begins to run after that. Must come before the io_context's end.
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// Success if programs can be run here; else `io` with what is missing and what to do.
  [[nodiscard]] Result<void> check() const;

  /// Starts a program. on_started runs exactly once, with its process id or with `start_failed` (no such
  /// file, no permission, no such folder, stopped meanwhile) or `invalid_argument`; on_exit runs exactly once
  /// after an on_started that succeeded. Never null. A launcher does not restart anything.
  /// `log_name` is any bytes (a child's id). One program at a time runs under a name: a second one starts
  /// when the first has ended. `on_ready`, if given, runs at most once, when the program says that it is
  /// ready: see ready_socket.hpp. It may come before on_started.
  [[nodiscard]] std::shared_ptr<Program> start(std::string log_name, Command command, OnStarted on_started,
                                               OnExit on_exit, OnReady on_ready = {});

  /// The node is alive now. Call at least every heartbeat_limit/4, from the thread whose stall should count.
  /// One store to memory. The launcher's construction counts as the first beat.
  void beat() noexcept;
  /// Applies to running programs too, at once.
  void set_heartbeat_limit(std::chrono::milliseconds limit) noexcept;

  /// Output of the program(s) that ran under this name, stdout and stderr as they came; see LogText. To
  /// follow: ask again from `next`; a piece as long as asked for has more behind it. Where text was dropped
  /// before it was asked for, it begins at the start of a line. A name that never ran has an empty log.
  [[nodiscard]] LogText log(std::string_view log_name, std::uint64_t offset,
                            std::size_t bytes_max = std::size_t{1} << 20) const;
  [[nodiscard]] LogText log_tail(std::string_view log_name, std::size_t lines,
                                 std::size_t bytes_max = std::size_t{1} << 20) const;
  /// Where the output of that name begins that came since that wall time, in milliseconds since 1970.
  [[nodiscard]] std::uint64_t log_since(std::string_view log_name, std::int64_t since_ms) const;
  /// How and when the last run under this name ended that has; nullopt if none has, or it is no longer kept.
  [[nodiscard]] std::optional<LastEnd> last_end(std::string_view log_name) const;
  /// When what is kept under this name last changed, in milliseconds since 1970; nullopt if nothing is kept.
  [[nodiscard]] std::optional<std::int64_t> log_changed_ms(std::string_view log_name) const;
  /// Forgets both now instead of in time. False if there is nothing, or the program runs.
  bool remove_log(std::string_view log_name);
  [[nodiscard]] const std::string& log_dir() const;

  /// Programs that are starting, running or being stopped.
  [[nodiscard]] std::size_t running() const;

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace brood::exec
