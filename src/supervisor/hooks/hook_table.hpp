// HookTable: the handlers, listeners and subscribers of one supervisor on this node, and the way to them.
//
// tell() only puts an event into a lane; the handlers run on the lane's thread, in order. What waits is
// bounded; what does not fit is counted and said in the log.
//
// Owns: the handlers and what is told to them. Calls: the program's functions, on the lanes' threads.
// Thread rule: every function from any thread. Whoever tells asks wants() first, which takes no lock: where
// nobody wants an event it costs nothing to make it.
#pragma once

#include <atomic>
#include <brood/hooks.hpp>
#include <memory>
#include <mutex>
#include <set>

#include "supervisor/hooks/hook_terms.hpp"
#include "supervisor/hooks/lane.hpp"

namespace brood::supervisor {

class HookTable : public std::enable_shared_from_this<HookTable> {
 public:
  HookTable(std::string supervisor, HookLimits limits, std::shared_ptr<Lanes> lanes);

  // ---- who is told
  Result<void> add(std::vector<Hook> hooks);
  bool cancel(const std::string& key, const std::string& id);
  [[nodiscard]] std::vector<HookInfo> list() const;
  std::uint64_t listen(Listening listening);
  void unlisten(std::uint64_t number);
  /// Gives a subscriber its events, encoded or not; false: it could not be sent.
  using Deliver = std::function<bool(std::string_view key, const Term& data)>;
  /// `keys`: empty: all. limit_exceeded: there are very many. Returns a number for unsubscribe().
  Result<std::uint64_t> subscribe(std::vector<std::string> keys, Deliver deliver);
  void unsubscribe(std::uint64_t number);
  [[nodiscard]] bool is_subscribed(std::uint64_t number) const;

  // ---- what is told
  [[nodiscard]] bool wants(std::size_t kind) const {
    return ((kinds_.load(std::memory_order_acquire) >> kind) & 1U) != 0;
  }
  template <typename Event>
  [[nodiscard]] bool wants() const {
    return wants(kind_of_type<Event>());
  }
  [[nodiscard]] bool listens() const { return listens_.load(std::memory_order_acquire); }
  /// False: it did not fit.
  bool tell(HookEvent event);
  Result<void> emit(const std::string& key, Term data);
  /// Of that child; nullopt: of a node.
  void tell_listeners(const std::optional<ChildId>& id, bool is_mine,
                      std::function<void(Listener&, const std::string& supervisor)> call);

  // ---- what starts wait for
  [[nodiscard]] bool alters() const { return alters_.load(std::memory_order_acquire); }
  [[nodiscard]] const std::string& supervisor() const { return supervisor_; }
  [[nodiscard]] std::chrono::milliseconds alter_timeout() const { return limits_.alter_timeout; }
  /// Runs `job` where handlers of on_start() run. False: not at all.
  bool put_alter(Lane::Job job) { return lanes_->alters.put(std::move(job)); }
  void alter(hooks::StartData& data);
  void note_late_alter() { ++late_alters_; }

  /// Waits until what has been told so far has reached the handlers, at most so long, and then tells nobody
  /// any more. Not from a handler.
  void end(std::chrono::milliseconds patience);
  [[nodiscard]] HookCounters counters() const;

 private:
  struct Heard {
    std::uint64_t number;
    Listening listening;
  };
  struct Subscriber {
    std::uint64_t number;
    std::set<std::string, std::less<>> keys;
    Deliver deliver;
  };
  struct People {
    std::vector<Hook> hooks;  ///< In the order of keys, and for a key in that in which they run.
    std::vector<Heard> listeners;
    std::vector<Subscriber> subscribers;
  };
  using PeoplePtr = std::shared_ptr<const People>;
  [[nodiscard]] PeoplePtr people() const;
  void replace(People people);  ///< Under the mutex.
  [[nodiscard]] bool take_room(std::atomic<std::size_t>& waiting);
  void run(const HookEvent& event);
  void deliver(const HookEvent& event);
  template <typename F>
  void guarded(const char* what, const std::string& id, const F& f);

  const std::string supervisor_;
  const HookLimits limits_;
  const std::shared_ptr<Lanes> lanes_;
  mutable std::mutex mutex_;
  PeoplePtr people_ = std::make_shared<const People>();
  std::uint64_t last_number_ = 0;  ///< Guarded by the mutex.
  std::atomic<std::uint64_t> kinds_ = 0;
  std::atomic<bool> listens_ = false;
  std::atomic<bool> alters_ = false;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<std::size_t> waiting_subscribers_ = 0;
  std::atomic<std::uint64_t> told_ = 0;
  std::atomic<std::uint64_t> thrown_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::atomic<std::uint64_t> late_alters_ = 0;
  std::atomic<std::int64_t> next_line_ = 0;  ///< When events that were dropped may be said in the log again.
};

}  // namespace brood::supervisor
