// Inbox: the events that wait for a supervisor's core, and how many of them one step takes.
//
//   put(), put_first() --wake once--> control thread: take() a batch --more left? wake again--> ...
//
// A step takes events up to a weight, so that it stays short whatever is queued, and other work of the
// control thread goes between two of them. A single event heavier than that is a step by itself.
//
// Owns: the queues. Calls: `wake`, without its lock. Thread rule: put functions and when_taken() from any
// thread; take() from the control thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "core/core.hpp"

namespace brood::supervisor {

/// What an event counts in a batch: one for each child that it asks for; a message from a peer one more for
/// every 256 bytes, about the size of a row, but at least one for each word on a hand-over.
[[nodiscard]] std::size_t weight_of(const core::Event& event, std::size_t message_bytes);

class Inbox {
 public:
  /// `wake` has to lead to one take() on the control thread, behind what that already has to do.
  Inbox(std::size_t weight_max, std::function<void()> wake)
      : weight_max_(weight_max == 0 ? 1 : weight_max), wake_(std::move(wake)) {}

  void put(core::Event event, std::size_t message_bytes = 0);
  void put_all(std::vector<core::Event> events);
  /// Before all that waits: a word about this node's end, or a look at the time after a sleep.
  void put_first(core::Event event);
  /// `then` runs with the batch after which everything that is queued now has been handled.
  void when_taken(std::function<void()> then);

  struct Batch {
    std::vector<core::Event> events;
    std::vector<std::function<void()>> then;  ///< To run once the events are handled.
  };
  /// Wakes again when it leaves something.
  [[nodiscard]] Batch take();

 private:
  struct Item {
    core::Event event;
    std::size_t weight = 1;
  };
  void wake_unless_scheduled(std::unique_lock<std::mutex> lock);

  const std::size_t weight_max_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::deque<core::Event> first_;
  std::deque<Item> queue_;
  std::deque<std::pair<std::uint64_t, std::function<void()>>>
      marks_;                ///< With the value of put_ at the time.
  std::uint64_t put_ = 0;    ///< Events ever put into queue_ ...
  std::uint64_t taken_ = 0;  ///< ... and taken from it.
  bool scheduled_ = false;   ///< wake_ was called, and its take() has not come yet.
};

}  // namespace brood::supervisor
