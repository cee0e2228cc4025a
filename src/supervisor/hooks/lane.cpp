#include "supervisor/hooks/lane.hpp"

#include <system_error>

#include "process/log/log.hpp"

namespace brood::supervisor {

bool Lane::put(Job job) {
  const std::scoped_lock lock(shared_->mutex);
  if (shared_->is_over) return false;
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread([shared = shared_] { run(shared); });
    } catch (const std::system_error& error) {
      log::error("hooks are not run: no thread for them: {}", error.what());
      return false;
    }
  }
  shared_->jobs.push_back(std::move(job));
  shared_->changed.notify_all();
  return true;
}

void Lane::run(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock, [&] { return shared->is_over || !shared->jobs.empty(); });
    if (shared->jobs.empty()) break;
    Job job = std::move(shared->jobs.front());
    shared->jobs.pop_front();
    lock.unlock();
    job();
    job = {};  // what it holds goes without the lock
    lock.lock();
  }
  shared->has_ended = true;
  shared->changed.notify_all();
}

void Lane::finish(std::chrono::milliseconds patience) {
  std::unique_lock lock(shared_->mutex);
  shared_->is_over = true;
  shared_->changed.notify_all();
  if (!thread_.joinable()) return;
  const bool ended = shared_->changed.wait_for(lock, patience, [&] { return shared_->has_ended; });
  const auto dropped = std::exchange(shared_->jobs, {});
  std::thread thread = std::move(thread_);
  lock.unlock();
  if (!ended && !dropped.empty()) log::warn("{} hook events were not told before the end", dropped.size());
  if (ended)
    thread.join();
  else
    thread.detach();
}

}  // namespace brood::supervisor
