#include "supervisor/requests/request_queue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::supervisor {

namespace {
/// How long small requests are served before a portion of a big one comes in between.
constexpr std::chrono::milliseconds turn_time{1};
}  // namespace

/// Guarded by the queue's mutex, but for `gone`.
class RequestQueue::Client {
 public:
  explicit Client(NodeName node) : name(std::move(node)) {}

  struct Waiting {
    TicketPtr ticket;
    Job job;
  };
  const NodeName name;
  std::atomic<bool> gone = false;
  std::size_t open = 0;
  std::size_t bytes = 0;
  std::deque<Waiting> small;
  std::deque<Big> big;
  bool has_running_big = false;
};

// What waits has a share of its client, which has what waits.
RequestQueue::~RequestQueue() {
  for (const auto& [name, client] : clients_) {
    client->small.clear();
    client->big.clear();
  }
}

RequestQueue::Ticket::~Ticket() {
  if (const auto queue = queue_.lock()) queue->release(*this);
}

bool RequestQueue::Ticket::is_gone() const {
  return client_->gone.load(std::memory_order_relaxed);
}

Result<RequestQueue::TicketPtr> RequestQueue::admit(const NodeName& name, std::size_t bytes) {
  std::lock_guard lock(mutex_);
  const auto found = clients_.find(name);
  const std::size_t open = found == clients_.end() ? 0 : found->second->open;
  const std::size_t held = found == clients_.end() ? 0 : found->second->bytes;
  const bool is_small = bytes <= small_bytes;
  // The only one of a client is let in whatever its size, as far as all together have room.
  const bool too_much = !is_small && open > 0 && held + bytes > limits_.bytes_each;
  const bool too_much_in_all = !is_small && open_ > 0 && bytes_ + bytes > limits_.bytes_all;
  if (open >= limits_.requests_each || open_ >= limits_.requests_all || too_much || too_much_in_all) {
    ++refused_;
    const bool by_all = too_much_in_all || open_ >= limits_.requests_all;
    return Error{Errc::busy, fmt::format("{} requests with {} bytes are not answered yet {}; try again later",
                                         by_all ? open_ : open, by_all ? bytes_ : held,
                                         by_all ? "on this node" : "of " + name.text())};
  }
  auto& client = clients_[name];
  if (!client) client = std::make_shared<Client>(name);
  ++client->open;
  client->bytes += bytes;
  ++open_;
  bytes_ += bytes;
  return TicketPtr(std::make_shared<const Ticket>(weak_from_this(), client, bytes));
}

void RequestQueue::release(const Ticket& ticket) {
  std::lock_guard lock(mutex_);
  Client& client = *ticket.client_;
  --client.open;
  client.bytes -= ticket.bytes_;
  --open_;
  bytes_ -= ticket.bytes_;
  if (client.open > 0) return;
  const auto found = clients_.find(client.name);
  if (found != clients_.end() && found->second == ticket.client_) clients_.erase(found);
}

void RequestQueue::wake(std::unique_lock<std::mutex>& lock) {
  if (std::exchange(serving_, true)) return;
  lock.unlock();
  post_([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->serve();
  });
}

void RequestQueue::push(const TicketPtr& ticket, Job job) {
  std::unique_lock lock(mutex_);
  Client& client = *ticket->client_;
  if (client.gone) return;
  client.small.push_back({ticket, std::move(job)});
  if (client.small.size() == 1) turns_.push_back(ticket->client_);
  wake(lock);
}

void RequestQueue::push_big(const TicketPtr& ticket, Portion portion) {
  std::unique_lock lock(mutex_);
  Client& client = *ticket->client_;
  if (client.gone) return;
  client.big.push_back({ticket, std::move(portion)});
  if (client.big.size() == 1 && !client.has_running_big) big_turns_.push_back(ticket->client_);
  wake(lock);
}

void RequestQueue::client_gone(const NodeName& name) {
  // What is dropped may be the last owner of tickets, which take the lock when they end.
  std::deque<Client::Waiting> small;
  std::deque<Big> big;
  {
    std::lock_guard lock(mutex_);
    const auto found = clients_.find(name);
    if (found == clients_.end()) return;
    Client& client = *found->second;
    client.gone = true;
    dropped_ += client.open;
    small.swap(client.small);
    big.swap(client.big);
    std::erase(turns_, found->second);
    std::erase(big_turns_, found->second);
    // Its tickets have it still; a node of that name that connects from now on is another client.
    clients_.erase(found);
  }
}

void RequestQueue::serve() {
  const auto until = std::chrono::steady_clock::now() + turn_time;
  bool has_more = serve_small();
  while (has_more && std::chrono::steady_clock::now() < until) has_more = serve_small();
  const bool has_big = serve_big();
  std::unique_lock lock(mutex_);
  serving_ = false;
  if (has_more || has_big || !turns_.empty() || !big_turns_.empty()) wake(lock);
}

/// False: there is none any more.
bool RequestQueue::serve_small() {
  Client::Waiting next;
  {
    std::lock_guard lock(mutex_);
    if (turns_.empty()) return false;
    const std::shared_ptr<Client> client = std::move(turns_.front());
    turns_.pop_front();
    next = std::move(client->small.front());
    client->small.pop_front();
    if (!client->small.empty()) turns_.push_back(client);
  }
  next.job();
  return true;
}

/// Lets big ones begin while there is room. Called with the lock held.
void RequestQueue::take_big() {
  while (running_.size() < big_max && !big_turns_.empty()) {
    const std::shared_ptr<Client> client = std::move(big_turns_.front());
    big_turns_.pop_front();
    client->has_running_big = true;
    running_.push_back(std::move(client->big.front()));
    client->big.pop_front();
  }
}

bool RequestQueue::serve_big() {
  Big big;
  {
    std::lock_guard lock(mutex_);
    take_big();
    if (running_.empty()) return false;
    big = std::move(running_.front());
    running_.pop_front();
  }
  const bool is_over = big.ticket->is_gone() || big.portion();
  std::lock_guard lock(mutex_);  // given back before `big` ends, whose ticket takes it
  if (!is_over) {
    running_.push_back(std::move(big));
    return true;
  }
  Client& client = *big.ticket->client_;
  client.has_running_big = false;
  if (!client.big.empty()) big_turns_.push_back(big.ticket->client_);
  return !running_.empty() || !big_turns_.empty();
}

RequestQueue::Stats RequestQueue::stats() const {
  std::lock_guard lock(mutex_);
  return {open_, bytes_, clients_.size(), refused_, dropped_};
}

}  // namespace brood::supervisor
