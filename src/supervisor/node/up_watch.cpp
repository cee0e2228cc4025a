#include "supervisor/node/up_watch.hpp"

#include <algorithm>

namespace brood::supervisor {

UpWatch::UpWatch(boost::asio::io_context& io, std::chrono::milliseconds grace) : grace_(grace), timer_(io) {}
UpWatch::~UpWatch() = default;

void UpWatch::begins(const std::string& supervisor) {
  const std::lock_guard lock(mutex_);
  settled_.emplace(supervisor, false);
}

void UpWatch::settled(const std::string& supervisor) {
  std::unique_lock lock(mutex_);
  const auto found = settled_.find(supervisor);
  if (found == settled_.end() || std::exchange(found->second, true)) return;
  tell(std::move(lock));
}

void UpWatch::stays_out(const std::string& supervisor, Error why) {
  std::unique_lock lock(mutex_);
  const auto found = settled_.find(supervisor);
  if (found == settled_.end() || std::exchange(found->second, true)) return;
  out_.emplace(supervisor, std::move(why));
  tell(std::move(lock));
}

bool UpWatch::some_are_in() const {
  const std::lock_guard lock(mutex_);
  return settled_.size() > out_.size();
}

void UpWatch::let_in() {
  const std::lock_guard lock(mutex_);
  let_in_ = true;
}

void UpWatch::refused(const std::string& seed, Error why) {
  const std::lock_guard lock(mutex_);
  if (let_in_ || stopped_ || !refused_by_.empty()) return;
  refused_by_ = seed;
  refusal_ = std::move(why);
  timer_.expires_after(grace_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    std::unique_lock held(mutex_);
    if (stopped_ || refused_by_.empty()) return;
    if (let_in_) return refused_by_.clear();
    refusal_counts_ = true;
    tell(std::move(held));
  });
}

void UpWatch::gone(const std::string& seed) {
  const std::lock_guard lock(mutex_);
  if (refused_by_ != seed || refusal_counts_) return;
  refused_by_.clear();
  timer_.cancel();
}

void UpWatch::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_.cancel();
  waiting_.clear();
}

void UpWatch::when_up(Told told) {
  std::unique_lock lock(mutex_);
  if (stopped_) return;
  waiting_.push_back(std::move(told));
  tell(std::move(lock));
}

std::vector<std::string> UpWatch::waits_for() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, done] : settled_) {
    if (!done) names.push_back(name);
  }
  return names;
}

void UpWatch::tell(std::unique_lock<std::mutex> lock) {
  const bool up = std::all_of(settled_.begin(), settled_.end(), [](const auto& each) { return each.second; });
  if (!up && !refusal_counts_) return;
  Result<void> result;
  if (!up)
    result = refusal_;
  else if (!out_.empty())
    result = out_.begin()->second;
  const auto waiting = std::exchange(waiting_, {});
  lock.unlock();
  for (const Told& told : waiting) told(result);
}

}  // namespace brood::supervisor
