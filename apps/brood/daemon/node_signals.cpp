#include "apps/brood/daemon/node_signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <brood/log.hpp>
#include <brood/result.hpp>
#include <csignal>

#include "process/log/log.hpp"

namespace brood::app {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds same_stop{1000};
constexpr milliseconds signal_lines_wait{200};

bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

NodeSignals::NodeSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal :
       {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPWR, SIGXCPU, SIGXFSZ, SIGIO})
    ::sigaddset(&set, signal);
  if (!is_ignored(SIGHUP)) ::sigaddset(&set, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  end_event_ = ::eventfd(0, EFD_CLOEXEC);
  BROOD_CHECK(signals_ >= 0 && end_event_ >= 0, "no file descriptors at the program's very start");
  thread_ = std::thread([this] { watch(); });
}

NodeSignals::~NodeSignals() {
  (void)::eventfd_write(end_event_, 1);
  thread_.join();
  ::close(signals_);
  ::close(end_event_);
}

void NodeSignals::watch() {
  while (true) {
    std::array<pollfd, 2> ready{{{signals_, POLLIN, 0}, {end_event_, POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    on_signal(static_cast<int>(info.ssi_signo));
  }
}

void NodeSignals::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      return post(Ask::hang_up);
    case SIGUSR1:
      return post(Ask::report);
    case SIGPWR:
    case SIGXCPU:  // again and again, until the hard limit: that is no second wish
      if (stop_asked_) return;
      break;
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
      break;
    default:
      return log::info("signal {} ({}) means nothing to a node", signal, ::sigabbrev_np(signal));
  }
  const auto now = std::chrono::steady_clock::now();
  if (stop_asked_ && now - *stop_asked_ < same_stop) return;
  if (stop_asked_) {
    log::warn("told to stop once more: ending at once");
    (void)flush_log(signal_lines_wait);
    // As a shell reports an end by that signal. Programs of children end with us: their shims see to it.
    ::_exit(128 + signal);
  }
  stop_asked_ = now;
  post(Ask::stop);
}

void NodeSignals::post(Ask ask) {
  const std::lock_guard guard(mutex_);
  if (std::find(asked_.begin(), asked_.end(), ask) == asked_.end()) asked_.push_back(ask);
  changed_.notify_all();
}

std::optional<NodeSignals::Ask> NodeSignals::wait(milliseconds most) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, most, [this] { return !asked_.empty(); })) return std::nullopt;
  const Ask ask = asked_.front();
  asked_.pop_front();
  return ask;
}

NodeSignals::Ask NodeSignals::wait() {
  while (true) {
    if (const auto ask = wait(std::chrono::hours(1))) return *ask;
  }
}

}  // namespace brood::app
