#include "process/local/inner_news.hpp"

#include <algorithm>

namespace brood::process {

void InnerNews::put(InnerEvent event) {
  std::shared_ptr<detail::FutureValue<void>> awaited;
  std::function<void()> wake;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    events_.push_back(std::move(event));
    awaited = std::exchange(awaited_, nullptr);
    if (!awaited) wake = wake_;
  }
  if (awaited) (void)awaited->set({});
  if (wake) wake();
}

// Under the lock: what is told of first comes first, and nothing comes after the end.
void InnerNews::stuck(bool is_stuck) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  const unsigned before = stuck_;
  stuck_ += is_stuck ? 1U : -1U;
  if (on_stuck_ && (before == 0 || stuck_ == 0)) on_stuck_(is_stuck);
}

void InnerNews::close() {
  std::function<void()> wake;  // holds a share of the process; may go after the lock
  std::lock_guard lock(mutex_);
  closed_ = true;
  wake.swap(wake_);
  awaited_ = nullptr;
  events_.clear();
}

std::optional<InnerEvent> InnerNews::find(const Pick& fits) {
  const auto found = std::find_if(events_.begin(), events_.end(), fits);
  if (found == events_.end()) return std::nullopt;
  InnerEvent event = std::move(*found);
  events_.erase(found);
  return event;
}

std::optional<InnerEvent> InnerNews::take(const Pick& fits) {
  std::lock_guard lock(mutex_);
  return find(fits);
}

std::variant<InnerEvent, Future<void>> InnerNews::take_or_wait(const Pick& fits) {
  std::lock_guard lock(mutex_);
  if (auto event = find(fits)) return *std::move(event);
  awaited_ = std::make_shared<detail::FutureValue<void>>();
  return Future<void>(awaited_);
}

bool InnerNews::has_some() {
  std::lock_guard lock(mutex_);
  return !events_.empty();
}

}  // namespace brood::process
