#include "supervisor/node/crash_guard.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "process/runtime.hpp"

namespace brood::supervisor {

namespace {

constexpr std::array<int, 5> crash_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr int wait_ms_max = 300;

// What the signal handler touches: nothing but these.
std::atomic<const WorkerIdentity*> crashing{nullptr};
std::atomic<bool> news_is_out{false};
std::atomic<int> wake_fd{-1};
std::array<struct sigaction, 5> former_actions;

static_assert(std::atomic<const WorkerIdentity*>::is_always_lock_free);

void restore(int signal) {
  for (std::size_t i = 0; i < crash_signals.size(); ++i) {
    if (crash_signals[i] == signal) sigaction(signal, &former_actions[i], nullptr);
  }
}

/// Async-signal-safe: atomics, write, nanosleep.
void say_who_runs_here() {
  const WorkerIdentity* child = process::Runtime::running_on_this_thread();
  const WorkerIdentity* none = nullptr;
  const int fd = wake_fd.load();
  if (fd < 0 || child == nullptr || !crashing.compare_exchange_strong(none, child)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(fd, &one, sizeof one);
  for (int waited = 0; waited < wait_ms_max && !news_is_out.load(); ++waited) {
    timespec pause{0, 1'000'000};
    nanosleep(&pause, nullptr);
  }
}

/// Async-signal-safe: besides that sigaction and raise.
void on_crash(int signal) {
  const int kept_errno = errno;
  say_who_runs_here();
  restore(signal);
  errno = kept_errno;
  // The fault repeats when the handler returns; a raised signal (abort, kill) has to be raised again.
  if (signal == SIGABRT) raise(signal);
}

}  // namespace

CrashGuard::CrashGuard(std::function<void(const WorkerIdentity&)> tell) : tell_(std::move(tell)) {
  const int fd = eventfd(0, EFD_CLOEXEC);
  BROOD_CHECK(fd >= 0, "an eventfd can be made at the start of a program");
  BROOD_CHECK(wake_fd.exchange(fd) == -1, "one CrashGuard at a time");
  thread_ = std::thread([this] { run(); });
  // A handler that calls exit() ends the whole node as surely as a fault.
  static const int registered = std::atexit(say_who_runs_here);
  BROOD_CHECK(registered == 0, "a program has room for one more function to run at its exit");
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags =
      SA_NODEFER | SA_ONSTACK;  // of process/sched/signal_stack.hpp: the fault may be the stack's end
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < crash_signals.size(); ++i) {
    sigaction(crash_signals[i], &action, &former_actions[i]);
  }
}

CrashGuard::~CrashGuard() {
  for (int signal : crash_signals) restore(signal);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd.load(), &one, sizeof one);
  thread_.join();
  close(wake_fd.exchange(-1));
}

void CrashGuard::run() {
  std::uint64_t count = 0;
  while (read(wake_fd.load(), &count, sizeof count) < 0 && errno == EINTR) {
  }
  const WorkerIdentity* child = crashing.load();
  if (!child) return;  // the destructor woke us
  tell_(*child);
  news_is_out = true;
}

}  // namespace brood::supervisor
