#include "exec/launcher/orphans.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <system_error>
#include <utility>

#include "exec/shim/shim_tree.hpp"

namespace brood::exec {
namespace {

bool gets_orphans() {
  int subreaper = 0;
  return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper != 0);
}

bool has_ended(pid_t child) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child;
}

}  // namespace

OrphanReaper::OrphanReaper(std::chrono::milliseconds look_every) : look_every_(look_every) {
  if (!gets_orphans()) return;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return;  // as before there was a reaper: they stay
  }
}

OrphanReaper::~OrphanReaper() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void OrphanReaper::spare(pid_t child) {
  const std::lock_guard lock(mutex_);
  spared_.insert(child);
}

void OrphanReaper::release(pid_t child) {
  const std::lock_guard lock(mutex_);
  spared_.erase(child);
  seen_ended_.erase(child);
}

void OrphanReaper::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, look_every_, [this] { return over_; })) look();
}

/// With the mutex.
void OrphanReaper::look() {
  std::set<pid_t> ended;
  for (const pid_t child : children_of(getpid())) {
    if (spared_.contains(child) || !has_ended(child)) continue;
    if (seen_ended_.contains(child)) {
      waitpid(child, nullptr, WNOHANG);
    } else {
      ended.insert(child);
    }
  }
  seen_ended_ = std::move(ended);
}

}  // namespace brood::exec
