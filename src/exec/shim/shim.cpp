#include "exec/shim/shim.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace brood::exec {

using std::chrono::milliseconds;

Shim::Shim(ShimOptions options, const HeartbeatPage& page, int signals)
    : options_(std::move(options)), page_(page), signals_(signals) {}

void Shim::run() {
  if (!start()) return;
  while (phase_ != Phase::done) {
    wait();
    check_heartbeat();
    advance();
  }
  report_end();
}

bool Shim::start() {
  if (heartbeat_is_old()) {
    send({.kind = ShimMessageKind::start_failed, .step = StartStep::node_stalled});
    return false;
  }
  // Unlike a time-out of poll it counts the time that the machine sleeps, as the heartbeat's age does.
  alarm_ = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (alarm_ < 0) {
    send({.kind = ShimMessageKind::start_failed, .step = StartStep::resources, .code = errno});
    return false;
  }
  const bool with_output = options_.log.takes_output() || options_.program.setup.terminal.has_value();
  const ProgramStart start = start_program(options_.program, with_output);
  if (start.pid < 0) {
    send({.kind = ShimMessageKind::start_failed, .step = start.step, .code = start.error});
    (void)leave_cgroup();
    return false;
  }
  program_ = start.pid;
  terminal_ = start.terminal;
  start_pipe_ = start.result_pipe;
  tree_.emplace(program_);
  // After the fork: the program is the child of the only thread there was.
  if (with_output) {
    options_.log.source.pid = program_;
    log_ = std::make_unique<LogPump>(start.output_pipe, options_.log);
  }
  return true;
}

void Shim::wait() {
  set_alarm();
  // poll() skips negative descriptors.
  pollfd watched[] = {{node_gone_ ? -1 : shim_control_fd, POLLIN, 0},
                      {signals_, POLLIN, 0},
                      {start_pipe_, POLLIN, 0},
                      {alarm_, POLLIN, 0}};
  if (poll(watched, 4, wait_ms()) <= 0) return;
  if (watched[3].revents != 0) on_alarm();
  if (watched[2].revents != 0) on_start_result();
  if (watched[1].revents != 0) on_signal();
  if (watched[0].revents != 0) on_control();
}

/// While the program just runs there is nothing to look at again: all that concerns it is told by a
/// descriptor.
int Shim::wait_ms() const {
  if (phase_ == Phase::killing) return std::min(1 + kill_rounds_ / 8, 50);
  if (phase_ != Phase::stopping) return -1;
  // The last one to end is always our child, and its end a signal; a listing that missed one is made good
  // here.
  milliseconds time{250};
  if (kill_at_) {
    const auto left = std::chrono::ceil<milliseconds>(*kill_at_ - Clock::now());
    time = std::clamp(left, milliseconds{0}, time);
  }
  return static_cast<int>(time.count());
}

/// For when the heartbeat that is there now becomes too old. It will have gone on by then, so one alarm for
/// each limit is all that a node in good health costs.
void Shim::set_alarm() {
  if (phase_ == Phase::killing) return;
  const std::int64_t limit = page_.limit_ns.load(std::memory_order_relaxed);
  const std::int64_t at = limit > 0 ? page_.beat_ns.load(std::memory_order_relaxed) + limit + 1 : 0;
  const bool stays = limit > 0 ? alarm_at_ != 0 && alarm_at_ <= at : alarm_at_ == 0;
  if (stays) return;
  alarm_at_ = at;
  static constexpr std::int64_t second = 1'000'000'000;
  itimerspec when{};
  when.it_value = {.tv_sec = static_cast<time_t>(at / second), .tv_nsec = static_cast<long>(at % second)};
  timerfd_settime(alarm_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void Shim::on_alarm() {
  std::uint64_t times = 0;
  if (read(alarm_, &times, sizeof times) == sizeof times) alarm_at_ = 0;
}

void Shim::on_control() {
  ShimMessage message;
  const ssize_t n = recv(shim_control_fd, &message, sizeof message, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n == sizeof message) {
    // `look` only wakes us: the page is looked at after each event.
    if (message.kind == ShimMessageKind::stop) on_stop(message);
    if (message.kind == ShimMessageKind::log) on_log(message);
    // Until it has been reaped its number is its own.
    if (message.kind == ShimMessageKind::signal && program_ > 0) kill(program_, message.signal);
    return;
  }
  node_gone_ = true;
  become_killing(EndCause::node_gone);
}

void Shim::on_stop(const ShimMessage& message) {
  if (phase_ == Phase::killing) return;
  const bool first = !stop_asked_;
  stop_asked_ = true;
  if (message.wait_ms == 0) return become_killing(EndCause::stop_killed);
  if (first) {
    phase_ = Phase::stopping;
    tree_->signal_all(message.signal);
    tree_->signal_all(SIGCONT);  // a stopped program could not answer
  }
  if (message.wait_ms < 0) return;
  // Beyond what the clock can hold is for ever.
  static constexpr std::int64_t wait_ms_max = std::int64_t{1000} * 60 * 60 * 24 * 365;
  const auto at = Clock::now() + milliseconds{std::min(message.wait_ms, wait_ms_max)};
  if (!kill_at_ || at < *kill_at_) kill_at_ = at;
}

void Shim::on_log(const ShimMessage& message) {
  if (log_)
    log_->keep({.bytes_max = message.log_bytes,
                .files = static_cast<unsigned>(message.code),
                .timestamps = message.detail != 0});
}

void Shim::on_signal() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == sizeof info) child_ended_ = true;
}

void Shim::on_start_result() {
  StartFailure failure;
  const ssize_t n = read(start_pipe_, &failure, sizeof failure);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  close(start_pipe_);
  start_pipe_ = -1;
  if (n == sizeof failure) {
    start_failed_ = true;
    send({.kind = ShimMessageKind::start_failed,
          .step = failure.step,
          .code = failure.code,
          .detail = failure.detail});
  } else {
    started_ = true;
    if (log_) log_->begin();
    send({.kind = ShimMessageKind::started, .pid = program_});
  }
}

bool Shim::heartbeat_is_old() const {
  const std::int64_t limit = page_.limit_ns.load(std::memory_order_relaxed);
  return limit > 0 && boot_time_ns() - page_.beat_ns.load(std::memory_order_relaxed) > limit;
}

void Shim::check_heartbeat() {
  if (heartbeat_is_old()) become_killing(EndCause::node_stalled);
}

void Shim::become_killing(EndCause cause) {
  if (phase_ == Phase::killing) return;
  phase_ = Phase::killing;
  cause_ = cause;
}

void Shim::advance() {
  if (phase_ != Phase::killing) look_at_program();
  if (phase_ != Phase::killing) return;
  ++kill_rounds_;
  if (!tree_->kill_all()) return;
  end_ = tree_->poll();
  phase_ = Phase::done;
}

void Shim::look_at_program() {
  if (phase_ == Phase::running && !child_ended_) return;
  child_ended_ = false;
  end_ = tree_->poll();
  if (end_ && phase_ == Phase::running) {
    left_behind_ = tree_->others();
    become_killing(EndCause::itself);
  }
  if (end_ && phase_ == Phase::stopping && tree_->others() == 0) become_killing(EndCause::stopped);
  if (phase_ == Phase::stopping && kill_at_ && Clock::now() >= *kill_at_)
    become_killing(EndCause::stop_killed);
}

/// Its cgroup is no more of use. True: the kernel has killed in it, as memory ran out.
bool Shim::leave_cgroup() const {
  const std::string& folder = options_.program.setup.cgroup;
  if (folder.empty()) return false;
  char text[512] = {};
  const int fd = open((folder + "/memory.events").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    [[maybe_unused]] const auto n = read(fd, text, sizeof text - 1);
    close(fd);
  }
  rmdir(folder.c_str());
  const char* count = std::strstr(text, "\noom_kill ");
  return count != nullptr && std::atoi(count + std::strlen("\noom_kill ")) > 0;
}

void Shim::report_end() {
  if (start_pipe_ >= 0) on_start_result();
  if (terminal_ >= 0) close(terminal_);  // the last that holds it: what is read of it ends
  if (leave_cgroup() && cause_ == EndCause::itself && end_->signal == SIGKILL)
    cause_ = EndCause::out_of_memory;
  ExitStatus status;
  if (!start_failed_) {
    status = {.code = end_->code,
              .signal = end_->signal,
              .cause = cause_,
              .left_behind = static_cast<std::uint32_t>(left_behind_)};
  }
  if (!log_ && !start_failed_) {
    log_ = std::make_unique<LogPump>(-1, LogOptions{.folder = options_.log.folder});
    log_->begin();
  }
  // All writers are gone, so the rest of the output is there; only a hanging disk could keep us.
  static constexpr milliseconds log_wait_max{2000};
  if (log_) log_->finish(status, log_wait_max);
  if (start_failed_) return;
  send({.kind = ShimMessageKind::ended,
        .code = end_->code,
        .signal = end_->signal,
        .cause = static_cast<std::uint32_t>(cause_),
        .lost = log_->lost(),
        .left = left_behind_});
}

void Shim::send(const ShimMessage& message) const {
  // A node that is gone does not matter any more; one that is stopped has room for our three messages.
  ::send(shim_control_fd, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace brood::exec
