#include "apps/brood/daemon/crash_report.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>

#include "apps/brood/daemon/stderr_log.hpp"
#include "process/log/log.hpp"
#include "process/runtime.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BROOD_APP_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BROOD_APP_SANITIZED 1
#endif
#endif

namespace brood::app {
namespace {

constexpr std::array<int, 5> crash_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

void say(std::string_view text) {
  (void)!::write(STDERR_FILENO, text.data(), text.size());
}

std::string_view name_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "segmentation fault";
    case SIGBUS:
      return "bus error";
    case SIGFPE:
      return "arithmetic error";
    case SIGILL:
      return "illegal instruction";
    default:
      return "abort";
  }
}

// A node that crashes while nobody reads its stderr must still end.
constexpr std::chrono::milliseconds crash_lines_wait{300};

// Only what is safe in a signal handler: no memory is taken, nothing is locked.
void report(int signal) {
  log::wait_in_crash(crash_lines_wait);
  if (!stderr_takes_text(0)) return;
  say("brood: crash (");
  say(name_of(signal));
  say(")");
  if (const auto* identity = process::Runtime::running_on_this_thread()) {
    const auto& id = identity->child_id.key();
    say(" while child ");
    say(id.empty() || id.kind() == IdKind::term ? "?" : id.bytes());
    say(" of supervisor ");
    say(identity->supervisor);
    say(" was running");
  }
  say("\n");
}

void on_crash(int signal) {
  report(signal);
  ::raise(signal);  // the handler was reset: this ends the program as if there had been none
}

}  // namespace

void install_crash_report() {
#ifndef BROOD_APP_SANITIZED
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  ::sigemptyset(&action.sa_mask);
  for (const int signal : crash_signals) (void)::sigaction(signal, &action, nullptr);
#else
  (void)crash_signals;
  (void)on_crash;
#endif
}

}  // namespace brood::app
