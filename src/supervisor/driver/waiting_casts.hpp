// WaitingCasts: casts and messages for children that do not run just now, in order, and bounded. It decides
// what is sent, what waits and what is dropped; who calls it says whether a child runs, and sends.
//
// Thread rule: any thread. `send` is called with the lock of that child's shard held, so that what one sender
// sends to one child keeps its order; it must not call back.
#pragma once

#include <array>
#include <atomic>
#include <brood/codec.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "term/child_id.hpp"

namespace brood::supervisor {

class WaitingCasts {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Limits {
    /// Messages that wait for one child. Too small: a child that restarts under load loses what came
    /// meanwhile; too large: it gets a heap of old ones. 0: none waits.
    std::size_t messages_each = 10'000;
    std::size_t bytes_each = std::size_t{16} << 20;  ///< Of their encodings; one is taken whatever its size.
    std::size_t messages_all = 100'000;              ///< For all children of this node's callers.
    std::size_t bytes_all = std::size_t{64} << 20;
    /// How long one waits. Too small: lost when a child takes a little longer to come back.
    std::chrono::milliseconds patience{5000};
  };
  struct Message {
    EncodedTerm bytes;
    bool is_cast = true;                               ///< Else a plain message.
    std::function<void(Result<bool>)> done = nullptr;  ///< Of a plain message: whether it was sent.
  };
  /// Sends one to where the child runs now; false: it runs nowhere, and the message is untouched.
  using Sender = std::function<bool(Message&)>;

  explicit WaitingCasts(Limits limits) : limits_(limits) {}

  enum class Taken : std::uint8_t {
    sent,
    waits,        ///< Behind others; somebody waits for the child already.
    first_waits,  ///< As the first: the caller has to see to it that the child is waited for.
    refused,      ///< Too much waits; it was dropped and counted.
  };
  /// Sends `message` behind all that waits for the child, or lets it wait.
  [[nodiscard]] Taken take(const std::string& supervisor, const ChildId& id, Message message,
                           const Sender& send, Time now);
  /// For any child, as far as this thread can tell.
  [[nodiscard]] bool nothing_waits() const { return waiting_.load(std::memory_order_acquire) == 0; }
  /// Sends what waits, as far as the child runs. False: something waits still.
  bool flush(const std::string& supervisor, const ChildId& id, const Sender& send);
  /// Drops what has waited too long. When the next one has; nullopt when nothing waits any more.
  [[nodiscard]] std::optional<Time> expire(const std::string& supervisor, const ChildId& id, Time now);
  /// There is no such child: drops all that waits for it.
  void drop(const std::string& supervisor, const ChildId& id) { (void)expire(supervisor, id, Time::max()); }

  struct Stats {
    std::size_t waiting = 0;
    std::size_t waiting_bytes = 0;
    std::uint64_t refused = 0;  ///< Beyond the bounds, since the start.
    std::uint64_t dropped = 0;  ///< Waited in vain, since the start.
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct Item {
    Message message;
    Time until;
  };
  struct Queue {
    std::deque<Item> items;
    std::size_t bytes = 0;
  };
  using Key = std::pair<std::string, ChildId>;
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<ChildId>{}(key.second) ^ std::hash<std::string>{}(key.first);
    }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Key, Queue, Hash> queues;
  };
  [[nodiscard]] Shard& shard(const ChildId& id) { return shards_[id.hash() % shards_.size()]; }
  /// Sends from the front while it can. True: all is sent. The calls of `done` are left to the caller.
  bool send_from(Queue& queue, const Sender& send, std::vector<std::function<void(Result<bool>)>>& sent);
  void pop(Queue& queue, std::size_t bytes);

  const Limits limits_;
  std::array<Shard, 64> shards_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> waiting_bytes_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace brood::supervisor
