// RequestQueue: what clients have asked and is not answered yet, in front of the query thread. Each client
// has a queue of its own, and all are served in turn, so that nobody waits for what another has asked.
//
//   admit() --ticket--> push() small: served in turn, between the portions of the big ones
//                   \-> push_big(): in portions; one of a client at a time, and few in all, for each holds
//                       an answer that grows
//
// A request counts against the bounds of its client from admit() until its ticket goes: while it waits, is
// worked on, and waits for the cluster. A client is a node: the processes of one Erlang node are one client.
//
// Thread rule: every function from any thread, but that jobs run on the thread that `post` leads to, one at a
// time, without a lock held.
#pragma once

#include <atomic>
#include <brood/node.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace brood::supervisor {

class RequestQueue : public std::enable_shared_from_this<RequestQueue> {
 public:
  using Job = std::function<void()>;
  /// One portion of a big answer, about a millisecond of work. True: it was the last.
  using Portion = std::function<bool()>;
  using Post = std::function<void(std::function<void()>)>;

  class Client;
  /// A request that was let in. Its last owner's end makes room for another.
  class Ticket {
   public:
    Ticket(std::weak_ptr<RequestQueue> queue, std::shared_ptr<Client> client, std::size_t bytes)
        : queue_(std::move(queue)), client_(std::move(client)), bytes_(bytes) {}
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    /// Nobody waits for an answer any more.
    [[nodiscard]] bool is_gone() const;

   private:
    friend class RequestQueue;
    std::weak_ptr<RequestQueue> queue_;
    std::shared_ptr<Client> client_;
    std::size_t bytes_;
  };
  using TicketPtr = std::shared_ptr<const Ticket>;

  /// `post` runs a function on the query thread, later.
  RequestQueue(RequestLimits limits, Post post) : limits_(limits), post_(std::move(post)) {}
  ~RequestQueue();
  RequestQueue(const RequestQueue&) = delete;
  RequestQueue& operator=(const RequestQueue&) = delete;

  /// `busy` when the client, or all together, have as much open as they may; nothing is kept then.
  [[nodiscard]] Result<TicketPtr> admit(const NodeName& client, std::size_t bytes);
  void push(const TicketPtr& ticket, Job job);
  void push_big(const TicketPtr& ticket, Portion portion);
  /// Its connection has ended: what it waits for is dropped, and what is worked on is not answered.
  void client_gone(const NodeName& client);

  struct Stats {
    std::size_t open = 0;       ///< Requests that are not answered yet.
    std::size_t bytes = 0;      ///< Of these, as they came.
    std::size_t clients = 0;    ///< That have some.
    std::uint64_t refused = 0;  ///< Answered `busy`, since the start.
    std::uint64_t dropped = 0;  ///< Their client went before they were answered, since the start.
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct Big {
    TicketPtr ticket;
    Portion portion;
  };
  void wake(std::unique_lock<std::mutex>& lock);
  void serve();
  bool serve_small();
  bool serve_big();
  void take_big();
  void release(const Ticket& ticket);

  /// A request of this size never lacks room in bytes, only in number: so small ones pass beside great ones.
  static constexpr std::size_t small_bytes = 1024;
  static constexpr std::size_t big_max = 4;

  const RequestLimits limits_;
  const Post post_;
  mutable std::mutex mutex_;
  std::map<NodeName, std::shared_ptr<Client>> clients_;  ///< Those with something open.
  std::deque<std::shared_ptr<Client>> turns_;            ///< Have small jobs, each once.
  std::deque<std::shared_ptr<Client>> big_turns_;        ///< Have big ones that have not begun, each once.
  std::deque<Big> running_;                              ///< Big ones that have begun, in turn.
  bool serving_ = false;
  std::size_t open_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace brood::supervisor
