#include "apps/brood/daemon/stop_signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <brood/result.hpp>
#include <csignal>

namespace brood::app {

StopSignals::StopSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  end_event_ = ::eventfd(0, EFD_CLOEXEC);
  BROOD_CHECK(signals_ >= 0 && end_event_ >= 0, "no file descriptors at the program's very start");
  thread_ = std::thread([this] { watch(); });
}

StopSignals::~StopSignals() {
  (void)::eventfd_write(end_event_, 1);
  thread_.join();
  ::close(signals_);
  ::close(end_event_);
}

void StopSignals::watch() {
  while (true) {
    std::array<pollfd, 2> ready{{{signals_, POLLIN, 0}, {end_event_, POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    const std::lock_guard guard(mutex_);
    // As a shell reports an end by that signal. Programs of children end with us: their shims see to it.
    if (first_ != 0) ::_exit(128 + static_cast<int>(info.ssi_signo));
    first_ = static_cast<int>(info.ssi_signo);
    changed_.notify_all();
  }
}

int StopSignals::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return first_ != 0; });
  return first_;
}

bool StopSignals::came() const {
  const std::lock_guard guard(mutex_);
  return first_ != 0;
}

}  // namespace brood::app
