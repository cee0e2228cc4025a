// Shim: the watch over one program. One thread, one poll loop; the log has a thread of its own. It wakes when
// something happens, and otherwise only when the heartbeat that it saw last would be too old.
//
//            stop asked, something still lives
//   running ────────────────────────────────> stopping
//      │ program ended | node gone | heartbeat old | shutdown time over (from stopping)
//      v
//   killing ── nothing is left ──> done: tell the node, if it still is there
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "exec/exit_status.hpp"
#include "exec/shim/shim_log.hpp"
#include "exec/shim/shim_program.hpp"
#include "exec/shim/shim_protocol.hpp"
#include "exec/shim/shim_tree.hpp"

namespace brood::exec {

struct ShimOptions {
  LogOptions log;
  ProgramPlan program;
};

class Shim {
 public:
  /// `page` stays mapped; `signals` is a signalfd of the blocked signals.
  Shim(ShimOptions options, const HeartbeatPage& page, int signals);
  /// Until nothing of the program is left.
  void run();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { running, stopping, killing, done };

  bool start();
  void wait();
  [[nodiscard]] int wait_ms() const;
  void set_alarm();
  void on_alarm();
  void on_control();
  void on_stop(const ShimMessage& message);
  void on_log(const ShimMessage& message);
  void on_signal();
  void on_start_result();
  [[nodiscard]] bool heartbeat_is_old() const;
  void check_heartbeat();
  void advance();
  void look_at_program();
  void become_killing(EndCause cause);
  [[nodiscard]] bool leave_cgroup() const;
  void report_end();
  void send(const ShimMessage& message) const;

  ShimOptions options_;
  const HeartbeatPage& page_;
  int signals_;
  int alarm_ = -1;             ///< A timer of CLOCK_BOOTTIME.
  std::int64_t alarm_at_ = 0;  ///< 0: not set.
  bool child_ended_ = true;    ///< Since the last look.
  Phase phase_ = Phase::running;
  bool node_gone_ = false;
  int start_pipe_ = -1;
  int terminal_ = -1;
  bool started_ = false;
  bool start_failed_ = false;
  pid_t program_ = -1;
  std::optional<ProcessTree> tree_;
  std::unique_ptr<LogPump> log_;
  std::optional<ProgramEnd> end_;
  std::optional<Clock::time_point> kill_at_;
  bool stop_asked_ = false;
  EndCause cause_ = EndCause::itself;
  std::size_t left_behind_ = 0;
  int kill_rounds_ = 0;
};

}  // namespace brood::exec
