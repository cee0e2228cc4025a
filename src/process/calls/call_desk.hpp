// CallDesk: the calls that wait for an answer, and the monitors set from outside any process. Both are found
// by the number in the reference that went to the callee.
//
// Thread rule: every function from any thread. Callbacks run without a lock held.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <set>

#include "flow/pending_table.hpp"
#include "process/calls/pending_call.hpp"
#include "process/relations/monitored.hpp"
#include "process/remote_gate.hpp"
#include "process/table/identity.hpp"

namespace brood::process {

/// The error of a call whose callee ended for `reason`. `was_connected`: there had been a connection, so the
/// message may have arrived.
[[nodiscard]] Error error_of_end(const ExitReason& reason, bool was_connected);

/// The error of a message of `size` bytes that is for another node.
[[nodiscard]] Error too_large(std::size_t size, std::size_t largest);

class CallDesk {
 public:
  using DownFunction = std::function<void(const ExitReason&)>;

  CallDesk(const Identity& identity, TimerWheel& timers, RemoteGate& remote);

  /// A call that nobody can answer by reference yet, and that waits for as long as nobody limits or abandons
  /// it.
  [[nodiscard]] PendingCallPtr open(CallDone done);
  /// It waits so long from now, if it still does: said once it is on its way, for most have their answer
  /// then. milliseconds::max(): for ever.
  void limit(const PendingCallPtr& call, std::chrono::milliseconds timeout);
  /// Makes it answerable by reference. The id; 0 when it has ended already.
  std::uint64_t enlist(PendingCall& call, PendingCall::Target target = {});

  /// The call of that number, while it waits.
  [[nodiscard]] PendingCallPtr find(std::uint64_t id);
  /// An enlisted call waits for `target` from now on, which this runtime watches in its caller's place.
  void retarget(PendingCall& call, const Pid& target);

  /// The callee never heard of it: its end is told to nobody.
  void withdraw(std::uint64_t id) { take(id); }

  /// An answer by reference, from node `by`. False: unknown or ended, the answer is dropped.
  bool answer(std::uint64_t id, CallResult answer, const NodeName& by);

  [[nodiscard]] std::uint64_t add_monitor(Monitored target, DownFunction down);
  /// Whom it watched; nullopt when it is unknown or has fired.
  std::optional<Monitored> remove_monitor(std::uint64_t id);

  /// The end of what a call or monitor waits for.
  void down(std::uint64_t id, const ExitReason& reason);
  void node_down(const NodeName& node);
  /// Something came from that node, or a connection to it stands.
  void node_seen(const NodeName& node);
  /// It has been, and was not lost since.
  [[nodiscard]] bool was_seen(const NodeName& node);
  /// Ends all that waits, for ever.
  void close();

  [[nodiscard]] std::uint64_t next_id() { return next_id_.fetch_add(1, std::memory_order_relaxed) + 1; }

 private:
  friend class PendingCall;
  struct Monitor {
    Monitored target;
    DownFunction down;
  };
  struct Entry {
    PendingCallPtr call;
    std::shared_ptr<Monitor> monitor;
    [[nodiscard]] bool awaits(const NodeName& node) const;
  };
  struct Shard {
    std::mutex mutex;
    flow::PendingTable<Entry> entries;
  };

  Shard& shard(std::uint64_t id) { return shards_[id % shards_.size()]; }
  Entry take(std::uint64_t id);
  void end(Entry entry, const ExitReason& reason, bool was_connected);
  void dismiss(std::uint64_t id, const Address& target);

  const Identity& identity_;
  TimerWheel& timers_;
  RemoteGate& remote_;
  std::array<Shard, 16> shards_;
  std::atomic<std::uint64_t> next_id_{0};
  std::mutex seen_mutex_;
  std::set<NodeName> seen_;
  std::atomic<std::uint64_t> seen_version_;  // changes whenever a node leaves seen_
  std::atomic<bool> closed_{false};
};

}  // namespace brood::process
