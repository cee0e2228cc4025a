// Router: calls, casts and plain messages to children by id, wherever they run.
//
// A call is at most once: what no handler saw (the instance had ended, or was never there) is tried again at
// the child's next instance within the call's time-out; what a handler may have seen is not.
//
// Thread rule: any thread. `done` runs once, on any thread, and must be quick.
#pragma once

#include <brood/worker.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "process/runtime.hpp"
#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {

class Driver;
class NodeImpl;

class Router {
 public:
  explicit Router(NodeImpl& node) : node_(node) {}

  void call(std::shared_ptr<Driver> driver, const ChildId& id, Bytes message,
            std::chrono::milliseconds timeout, process::CallDone done);
  /// The part of a call that reaches the node where the child runs: only an instance of this node will do.
  void call_here(Driver& driver, const ChildId& id, Bytes message, std::chrono::milliseconds timeout,
                 process::CallDone done);
  /// An unknown id is not an error.
  void cast(const std::shared_ptr<Driver>& driver, const ChildId& id, Bytes message);
  /// A plain message; false when there is no such child.
  void send(const std::shared_ptr<Driver>& driver, const ChildId& id, Bytes message,
            std::function<void(bool)> done);

 private:
  struct Call;
  void attempt(const std::shared_ptr<Call>& call);
  void attempt_at(const std::shared_ptr<Call>& call, const Place& place);
  void wait_for_host(const std::shared_ptr<Call>& call, const Place& place);
  void wait_and_retry(const std::shared_ptr<Call>& call, core::Hlc not_epoch);
  void ask_coordinator(const std::shared_ptr<Call>& call);
  /// Runs `then` with the place where the child runs now, or nullopt when the cluster knows no such child.
  void locate(const std::shared_ptr<Driver>& driver, const ChildId& id,
              std::function<void(std::optional<Place>)> then);

  NodeImpl& node_;
};

/// The request that carries a call to the node where the child runs, and its answer.
[[nodiscard]] Bytes encode_call_here(const std::string& supervisor, const ChildId& id, BytesView message,
                                     std::chrono::milliseconds timeout);
[[nodiscard]] Bytes encode_call_answer(const process::CallResult& result);
[[nodiscard]] process::CallResult decode_call_answer(const Bytes& answer);

}  // namespace brood::supervisor
