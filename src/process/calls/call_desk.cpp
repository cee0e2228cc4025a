#include "process/calls/call_desk.hpp"

#include <iterator>

#include "process/callback.hpp"

namespace brood::process {

namespace {

Error stopping() {
  return {Errc::node_lost, "the runtime stopped while the call waited; it may have been handled"};
}

/// Unique among all desks, so that what a thread remembers of one is never taken for another's.
std::uint64_t new_seen_version() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

CallDesk::CallDesk(const Identity& identity, TimerWheel& timers, RemoteGate& remote)
    : identity_(identity), timers_(timers), remote_(remote), seen_version_(new_seen_version()) {}

Error too_large(std::size_t size, std::size_t largest) {
  return {Errc::limit_exceeded, "a message of " + std::to_string(size) +
                                    " bytes; between nodes it may have " + std::to_string(largest) +
                                    "; send it in parts"};
}

Error error_of_end(const ExitReason& reason, bool was_connected) {
  if (reason.term().is_atom("noproc"))
    return {Errc::no_such_child, "there is no such process, or it ended before it read the message"};
  if (reason.term().is_atom("noconnection")) {
    if (was_connected)
      return {Errc::node_lost, "the connection was lost during the call; it may have been handled"};
    return {Errc::unreachable, "no connection to that node; check that it runs, its name and the network"};
  }
  return {Errc::died, "the process ended during the call: " + reason.text(), encode_term(reason.term())};
}

bool PendingCall::finish(CallResult result) {
  if (finished_.exchange(true, std::memory_order_seq_cst)) return false;
  leave_desk();
  return end(std::move(result));
}

/// Once, by who set finished_.
bool PendingCall::end(CallResult result) {
  // The callback may hold what holds this call: it goes before it is run to its end.
  CallDone done = std::move(done_);
  done_ = nullptr;
  if (done) run_callback("the end of a call", [&] { done(std::move(result)); });
  return true;
}

bool PendingCall::abandon() {
  if (finished_.exchange(true, std::memory_order_seq_cst)) return false;
  leave_desk();
  done_ = nullptr;
  return true;
}

void PendingCall::leave_desk() {
  if (timed_.load(std::memory_order_seq_cst)) desk_->timers_.cancel(*this);
  const std::uint64_t id = id_.load(std::memory_order_seq_cst);
  if (id == 0) return;
  const CallDesk::Entry entry = desk_->take(id);
  // Whoever takes the entry out of the table tells a remote callee that we watch no more.
  if (entry.call && target_) desk_->dismiss(id, *target_);
}

void PendingCall::fire() {
  finish(Error{Errc::timeout, "no answer within the given time; the message may still be handled"});
}

void PendingCall::wheel_stopped() {
  finish(stopping());
}

PendingCallPtr CallDesk::open(CallDone done) {
  return PendingCallPtr(new PendingCall(*this, std::move(done)));
}

void CallDesk::limit(const PendingCallPtr& call, std::chrono::milliseconds timeout) {
  if (call->is_finished()) return;
  if (timeout == std::chrono::milliseconds::max()) {
    enlist(*call);  // so that close() finds it
    return;
  }
  if (!timers_.add(call, timeout)) return call->wheel_stopped();
  call->timed_.store(true, std::memory_order_seq_cst);
  // Who ended it meanwhile may have seen no timer.
  if (call->finished_.load(std::memory_order_seq_cst)) timers_.cancel(*call);
}

std::uint64_t CallDesk::enlist(PendingCall& call, PendingCall::Target target) {
  if (call.id_.load(std::memory_order_relaxed) != 0 && !target) return call.id_;
  const std::uint64_t id = next_id();
  if (target) call.target_ = std::move(target);
  const std::uint64_t before = call.id_.exchange(0);
  if (before != 0) take(before);
  {
    std::lock_guard lock(shard(id).mutex);
    shard(id).entries.add(id, Entry{PendingCallPtr(&call), nullptr});
    call.id_.store(id, std::memory_order_seq_cst);
  }
  // It may have timed out before it was in the table, or the desk may have closed: then nobody else takes
  // it out again.
  if (call.finished_.load(std::memory_order_seq_cst)) {
    take(id);
    return 0;
  }
  if (closed_.load(std::memory_order_seq_cst)) {
    call.finish(stopping());
    return 0;
  }
  return id;
}

PendingCallPtr CallDesk::find(std::uint64_t id) {
  std::lock_guard lock(shard(id).mutex);
  const Entry* const entry = shard(id).entries.find(id);
  return entry == nullptr ? nullptr : entry->call;
}

void CallDesk::retarget(PendingCall& call, const Pid& target) {
  const std::uint64_t id = call.id_.load(std::memory_order_seq_cst);
  if (id == 0) return;
  std::lock_guard lock(shard(id).mutex);
  // Whoever has taken it out may be reading its target.
  if (shard(id).entries.find(id) == nullptr) return;
  call.target_ = target;
  call.watched_.store(true, std::memory_order_relaxed);
}

bool CallDesk::Entry::awaits(const NodeName& node) const {
  if (call) return call->target_ && node_of(*call->target_) == node;
  return monitor && monitor->target.node() == node;
}

CallDesk::Entry CallDesk::take(std::uint64_t id) {
  std::lock_guard lock(shard(id).mutex);
  return shard(id).entries.take(id).value_or(Entry{});
}

void CallDesk::dismiss(std::uint64_t id, const Address& target) {
  remote_.with(
      [&](Remote& remote) { demonitor_callee(remote, identity_.pid(outside), target, identity_.ref(id)); });
}

bool CallDesk::answer(std::uint64_t id, CallResult answer, const NodeName& by) {
  PendingCallPtr call;
  {
    std::lock_guard lock(shard(id).mutex);
    const Entry* const entry = shard(id).entries.find(id);
    if (entry == nullptr || !entry->call) return false;
    if (entry->call->finished_.exchange(true, std::memory_order_seq_cst)) return false;
    call = shard(id).entries.take(id)->call;
  }
  if (call->timed_.load(std::memory_order_seq_cst)) timers_.cancel(*call);
  // The callee's node knows that it has answered; any other does not tell it.
  const bool is_known =
      call->watched_.load(std::memory_order_relaxed) && call->target_ && node_of(*call->target_) == by;
  if (call->target_ && !is_known) dismiss(id, *call->target_);
  return call->end(std::move(answer));
}

std::uint64_t CallDesk::add_monitor(Monitored target, DownFunction down) {
  const std::uint64_t id = next_id();
  auto monitor = std::make_shared<Monitor>(Monitor{std::move(target), std::move(down)});
  std::lock_guard lock(shard(id).mutex);
  shard(id).entries.add(id, Entry{nullptr, std::move(monitor)});
  return id;
}

std::optional<Monitored> CallDesk::remove_monitor(std::uint64_t id) {
  std::lock_guard lock(shard(id).mutex);
  const Entry* const entry = shard(id).entries.find(id);
  if (entry == nullptr || !entry->monitor) return std::nullopt;
  return std::move(shard(id).entries.take(id)->monitor->target);
}

void CallDesk::down(std::uint64_t id, const ExitReason& reason) {
  Entry entry = take(id);
  bool was_connected = true;
  if (entry.call && entry.call->target_) was_connected = was_seen(node_of(*entry.call->target_));
  end(std::move(entry), reason, was_connected);
}

void CallDesk::end(Entry entry, const ExitReason& reason, bool was_connected) {
  if (entry.call) entry.call->finish(error_of_end(reason, was_connected));
  if (entry.monitor && entry.monitor->down) run_callback("a monitor", [&] { entry.monitor->down(reason); });
}

void CallDesk::node_down(const NodeName& node) {
  bool was_connected = false;
  {
    std::lock_guard lock(seen_mutex_);
    was_connected = seen_.erase(node) > 0;
    seen_version_.store(new_seen_version(), std::memory_order_release);
  }
  std::vector<Entry> ended;
  for (Shard& part : shards_) {
    std::lock_guard lock(part.mutex);
    std::vector<Entry> lost = part.entries.take_those_of(node);
    std::move(lost.begin(), lost.end(), std::back_inserter(ended));
  }
  for (Entry& entry : ended) end(std::move(entry), ExitReason::noconnection(), was_connected);
}

void CallDesk::node_seen(const NodeName& node) {
  // Called for everything that arrives: mostly from the node that was last, on this thread.
  thread_local std::uint64_t last_version = 0;
  thread_local NodeName last_node;
  const std::uint64_t version = seen_version_.load(std::memory_order_acquire);
  if (last_version == version && last_node == node) return;
  std::lock_guard lock(seen_mutex_);
  seen_.insert(node);
  last_version = version;
  last_node = node;
}

bool CallDesk::was_seen(const NodeName& node) {
  std::lock_guard lock(seen_mutex_);
  return seen_.count(node) > 0;
}

void CallDesk::close() {
  closed_.store(true, std::memory_order_seq_cst);
  for (Shard& part : shards_) {
    std::vector<Entry> entries;
    {
      std::lock_guard lock(part.mutex);
      entries = part.entries.take_all();
    }
    for (const Entry& entry : entries)
      if (entry.call) entry.call->finish(stopping());
  }
}

}  // namespace brood::process
