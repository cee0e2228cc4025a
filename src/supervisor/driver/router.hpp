// Router: calls, casts and plain messages to children by id, wherever they run.
//
// Of several instances the active one is meant; where all are active, the one on this node, or else the first
// of the child's order.
//
// A call is at most once: what no handler saw (the instance had ended, or was never there) is tried again at
// the child's next instance within the call's time-out; what a handler may have seen is not.
//
// Casts and messages to a child that does not run just now wait for it, in the order in which they came and
// up to a bound; what comes later waits behind them, and a call is sent after them. So the order from one
// sender to one id holds, whether the child runs or not.
//
// Thread rule: any thread. `done` runs once, on any thread, and must be quick.
#pragma once

#include <atomic>
#include <brood/worker.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "flow/call_route.hpp"
#include "process/runtime.hpp"
#include "supervisor/driver/circle_search.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/registry.hpp"
#include "supervisor/driver/waiting_casts.hpp"
#include "supervisor/node/gate.hpp"

namespace brood::supervisor {

class NodeImpl;

class Router {
 public:
  explicit Router(NodeImpl& node, WaitingCasts::Limits limits = {})
      : node_(node), casts_(std::make_shared<WaitingCasts>(limits)), circles_(node) {}

  /// One call. Handlers that wait for it in a circle get `deadlock`: see CircleSearch.
  class Call;
  /// `pass`: the right to use the node, kept until it is answered.
  std::shared_ptr<Call> call(std::shared_ptr<Driver> driver, const ChildId& id, EncodedTerm message,
                             std::chrono::milliseconds timeout, Gate::Pass pass = {});
  /// The part of a call that reaches the node where the child runs: only an instance of this node will do.
  void call_here(Driver& driver, const ChildId& id, EncodedTerm message, std::chrono::milliseconds timeout,
                 process::CallDone done);
  /// An unknown id is not an error. `busy`: too much waits for that child, or for all; it was dropped.
  Result<void> cast(const std::shared_ptr<Driver>& driver, const ChildId& id, EncodedTerm message);
  /// A plain message; false when there is no such child, or it did not run in time. `busy` as for cast().
  void send(const std::shared_ptr<Driver>& driver, const ChildId& id, EncodedTerm message,
            std::function<void(Result<bool>)> done);

  using Stats = WaitingCasts::Stats;
  [[nodiscard]] Stats stats() const { return casts_->stats(); }

 private:
  /// Where messages to that child go: of several active instances to the one on this node, if there is one.
  [[nodiscard]] const Place* nearest(const Entry& entry) const;
  /// What this node sees of the child that is called.
  struct View {
    EntryPtr entry;
    const Place* place = nullptr;  ///< Of `entry`.
    std::optional<Error> partitioned;
    flow::CallSight sight;
  };
  [[nodiscard]] View look(const Call& call, std::chrono::milliseconds left) const;
  void attempt(const std::shared_ptr<Call>& call, std::chrono::milliseconds left);
  /// Carries the next step out; CallRoute says which that is.
  void go_on(const std::shared_ptr<Call>& call, flow::CallStep step, const View& view,
             std::chrono::milliseconds left, core::Hlc not_epoch = {});
  void ask(const std::shared_ptr<Call>& call, const Place& place, std::chrono::milliseconds left);
  void wait_for_host(const std::shared_ptr<Call>& call, const Place& place);
  void wait_for_next(const std::shared_ptr<Call>& call, core::Hlc not_epoch);
  void ask_coordinator(const std::shared_ptr<Call>& call);
  void wait_for_row(const std::shared_ptr<Call>& call);

  Result<void> dispatch(const std::shared_ptr<Driver>& driver, const ChildId& id,
                        WaitingCasts::Message message);
  /// Sends what waits for that child, if it runs.
  void flush(const std::shared_ptr<Driver>& driver, const ChildId& id);
  /// Begins to wait for a child for which something waits.
  void await_child(const std::shared_ptr<Driver>& driver, const ChildId& id);
  void await_running(const std::shared_ptr<Driver>& driver, const ChildId& id, Driver::Row row);
  [[nodiscard]] WaitingCasts::Sender sender(const std::shared_ptr<Driver>& driver, const ChildId& id,
                                            Result<void>* result);

  NodeImpl& node_;
  const std::shared_ptr<WaitingCasts> casts_;
  CircleSearch circles_;
};

class Router::Call final : public WaitedFor {
 public:
  Call(Router& router, std::shared_ptr<Driver> driver, ChildId id, EncodedTerm message,
       std::chrono::steady_clock::time_point deadline, Gate::Pass pass);
  void wait_begins(const Pid& waiter) override;
  void wait_ends(const Pid& waiter) override;
  void wait_is_over() override;
  void in_circle() override;

 private:
  friend class Router;
  [[nodiscard]] std::chrono::milliseconds left() const;
  /// The instance at that place is the one that is asked.
  void meant(const Place& place);
  void note_wait();
  void end_wait();  ///< With wait_mutex_ held.
  void finish(process::CallResult result);
  void fail_with(Errc code, std::string words) { finish(Error{code, std::move(words)}); }
  void fail_ended();

  Router& router_;
  std::shared_ptr<Driver> driver_;  ///< Until it is answered.
  const ChildId id_;
  EncodedTerm message_;
  const std::chrono::steady_clock::time_point deadline_;
  Gate::Pass pass_;
  flow::CallRoute route_;
  std::mutex wait_mutex_;
  std::optional<Pid> waiter_;         ///< Whose handler waits.
  std::optional<Pid> callee_;         ///< Whom it reaches.
  std::optional<Pid> noted_;          ///< For whom it is noted to wait.
  std::atomic<bool> is_over_{false};  ///< It is answered, or about to be.
};

/// The request that carries a call to the node where the child runs, and its answer.
[[nodiscard]] EncodedTerm encode_call_here(const std::string& supervisor, const ChildId& id,
                                           BytesView message, std::chrono::milliseconds timeout);
[[nodiscard]] EncodedTerm encode_call_answer(const process::CallResult& result);
[[nodiscard]] process::CallResult decode_call_answer(const EncodedTerm& answer);

}  // namespace brood::supervisor
