#include "supervisor/driver/inbox.hpp"

#include <algorithm>

namespace brood::supervisor {

std::size_t weight_of(const core::Event& event, std::size_t message_bytes) {
  constexpr std::size_t bytes_of_one = 256;
  if (const auto* start = std::get_if<core::ClientStart>(&event))
    return std::max<std::size_t>(start->specs.size(), 1);
  if (const auto* stop = std::get_if<core::ClientStop>(&event))
    return std::max<std::size_t>(stop->ids.size(), 1);
  const std::size_t weight = 1 + message_bytes / bytes_of_one;
  const auto* message = std::get_if<core::PeerMessage>(&event);
  const auto* handovers = message ? std::get_if<core::Handovers>(&message->body) : nullptr;
  return handovers ? std::max(weight, handovers->words.size()) : weight;
}

void Inbox::wake_unless_scheduled(std::unique_lock<std::mutex> lock) {
  const bool wake = !std::exchange(scheduled_, true);
  lock.unlock();
  if (wake) wake_();
}

void Inbox::put(core::Event event, std::size_t message_bytes) {
  const std::size_t weight = weight_of(event, message_bytes);
  std::unique_lock lock(mutex_);
  queue_.push_back({std::move(event), weight});
  ++put_;
  wake_unless_scheduled(std::move(lock));
}

void Inbox::put_all(std::vector<core::Event> events) {
  if (events.empty()) return;
  std::unique_lock lock(mutex_);
  for (core::Event& event : events) {
    const std::size_t weight = weight_of(event, 0);
    queue_.push_back({std::move(event), weight});
    ++put_;
  }
  wake_unless_scheduled(std::move(lock));
}

void Inbox::put_first(core::Event event) {
  std::unique_lock lock(mutex_);
  first_.push_back(std::move(event));
  wake_unless_scheduled(std::move(lock));
}

void Inbox::when_taken(std::function<void()> then) {
  std::unique_lock lock(mutex_);
  marks_.emplace_back(put_, std::move(then));
  wake_unless_scheduled(std::move(lock));
}

Inbox::Batch Inbox::take() {
  Batch batch;
  std::unique_lock lock(mutex_);
  scheduled_ = false;
  for (core::Event& event : first_) batch.events.push_back(std::move(event));
  first_.clear();
  std::size_t weight = 0;
  while (!queue_.empty() && (weight == 0 || weight + queue_.front().weight <= weight_max_)) {
    weight += queue_.front().weight;
    batch.events.push_back(std::move(queue_.front().event));
    queue_.pop_front();
    ++taken_;
  }
  while (!marks_.empty() && marks_.front().first <= taken_) {
    batch.then.push_back(std::move(marks_.front().second));
    marks_.pop_front();
  }
  if (!queue_.empty()) wake_unless_scheduled(std::move(lock));
  return batch;
}

}  // namespace brood::supervisor
