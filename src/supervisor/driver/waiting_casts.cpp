#include "supervisor/driver/waiting_casts.hpp"

namespace brood::supervisor {

namespace {

void tell(const std::vector<std::function<void(Result<bool>)>>& all, bool sent) {
  for (const auto& done : all) {
    if (done) done(sent);
  }
}

}  // namespace

void WaitingCasts::pop(Queue& queue, std::size_t bytes) {
  queue.bytes -= bytes;
  waiting_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  queue.items.pop_front();
  // Last: who sees that nothing waits sends past the queue, behind what was sent from it.
  waiting_.fetch_sub(1, std::memory_order_release);
}

bool WaitingCasts::send_from(Queue& queue, const Sender& send,
                             std::vector<std::function<void(Result<bool>)>>& sent) {
  while (!queue.items.empty()) {
    Message& next = queue.items.front().message;
    const std::size_t bytes = next.bytes.size();
    if (!send(next)) return false;
    if (next.done) sent.push_back(std::move(next.done));
    pop(queue, bytes);
  }
  return true;
}

WaitingCasts::Taken WaitingCasts::take(const std::string& supervisor, const ChildId& id, Message message,
                                       const Sender& send, Time now) {
  if (waiting_.load(std::memory_order_acquire) == 0 && send(message)) {
    if (message.done) message.done(true);
    return Taken::sent;
  }
  std::vector<std::function<void(Result<bool>)>> sent;
  Taken taken = Taken::waits;
  {
    Shard& home = shard(id);
    std::lock_guard lock(home.mutex);
    auto found = home.queues.find({supervisor, id});
    const bool is_free = found == home.queues.end() || send_from(found->second, send, sent);
    if (is_free && found != home.queues.end()) {
      home.queues.erase(found);
      found = home.queues.end();
    }
    if (is_free && send(message)) {
      if (message.done) sent.push_back(std::move(message.done));
      taken = Taken::sent;
    } else {
      const std::size_t bytes = message.bytes.size();
      const std::size_t count = found == home.queues.end() ? 0 : found->second.items.size();
      const std::size_t held = found == home.queues.end() ? 0 : found->second.bytes;
      const bool too_many =
          count >= limits_.messages_each || waiting_.load(std::memory_order_relaxed) >= limits_.messages_all;
      const bool too_much =
          count > 0 && (held + bytes > limits_.bytes_each ||
                        waiting_bytes_.load(std::memory_order_relaxed) + bytes > limits_.bytes_all);
      if (too_many || too_much) {
        refused_.fetch_add(1, std::memory_order_relaxed);
        taken = Taken::refused;
      } else {
        if (found == home.queues.end()) taken = Taken::first_waits;
        Queue& queue = home.queues[{supervisor, id}];
        queue.items.push_back({std::move(message), now + limits_.patience});
        queue.bytes += bytes;
        waiting_.fetch_add(1, std::memory_order_relaxed);
        waiting_bytes_.fetch_add(bytes, std::memory_order_relaxed);
      }
    }
  }
  tell(sent, true);
  return taken;
}

bool WaitingCasts::flush(const std::string& supervisor, const ChildId& id, const Sender& send) {
  if (nothing_waits()) return true;
  std::vector<std::function<void(Result<bool>)>> sent;
  bool is_empty = true;
  {
    Shard& home = shard(id);
    std::lock_guard lock(home.mutex);
    const auto found = home.queues.find({supervisor, id});
    if (found != home.queues.end()) {
      is_empty = send_from(found->second, send, sent);
      if (is_empty) home.queues.erase(found);
    }
  }
  tell(sent, true);
  return is_empty;
}

std::optional<WaitingCasts::Time> WaitingCasts::expire(const std::string& supervisor, const ChildId& id,
                                                       Time now) {
  std::vector<std::function<void(Result<bool>)>> dropped;
  std::optional<Time> next;
  {
    Shard& home = shard(id);
    std::lock_guard lock(home.mutex);
    const auto found = home.queues.find({supervisor, id});
    if (found == home.queues.end()) return std::nullopt;
    Queue& queue = found->second;
    while (!queue.items.empty() && queue.items.front().until <= now) {
      Message& message = queue.items.front().message;
      if (message.done) dropped.push_back(std::move(message.done));
      pop(queue, message.bytes.size());
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
    if (queue.items.empty()) {
      home.queues.erase(found);
    } else {
      next = queue.items.front().until;
    }
  }
  tell(dropped, false);
  return next;
}

WaitingCasts::Stats WaitingCasts::stats() const {
  return {waiting_.load(std::memory_order_relaxed), waiting_bytes_.load(std::memory_order_relaxed),
          refused_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed)};
}

}  // namespace brood::supervisor
