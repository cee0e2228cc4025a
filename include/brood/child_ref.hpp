// ChildRef: a child by name, usable wherever one would hold a process.
#pragma once

#include <brood/future.hpp>
#include <brood/id.hpp>
#include <brood/worker.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

class Supervisor;
namespace detail {
[[nodiscard]] std::shared_ptr<Siblings> siblings_of(const Supervisor& supervisor);
}

/// Resolved anew at each use; it outlives moves and restarts of the child, and the supervisor and the node
/// too: then a call is `stopped`, a cast is dropped, and there is no pid. `W`: the class of its worker, which
/// says what it can be sent and what it answers; Worker: any, and a call names the type of its answer.
///
/// Thread rule: as Supervisor. Copies are cheap.
template <typename W>
class ChildRef {
 public:
  ChildRef(std::shared_ptr<detail::Siblings> among, Id id) : among_(std::move(among)), id_(std::move(id)) {}
  ChildRef(const Supervisor& among, Id id) : ChildRef(detail::siblings_of(among), std::move(id)) {}

  [[nodiscard]] const Id& id() const { return id_; }
  /// See Supervisor::call().
  template <typename T, typename M>
  Future<T> call(M message, std::chrono::milliseconds timeout = std::chrono::milliseconds(5000)) const {
    check<M>();
    return detail::reply_future<T>(among_->call(id_, Message::of(std::move(message)), timeout));
  }
  /// The answer has the type that the handler returns, or else the message names (Supervisor::call()).
  template <detail::NoTypeSaid = detail::NoTypeSaid::yes, typename M>
  auto call(M message, std::chrono::milliseconds timeout = std::chrono::milliseconds(5000)) const {
    if constexpr (check<M, true>()) {
      return detail::reply_future<detail::ReplyOf<W, M>>(
          among_->call(id_, Message::of(std::move(message)), timeout));
    } else {
      return among_->call(id_, Message::of(std::move(message)),
                          timeout);  // the compiler is to say no more than the check does
    }
  }
  /// See Supervisor::cast().
  template <typename M>
  void cast(M message) const {
    check<M>();
    among_->cast(id_, Message::of(std::move(message)));
  }
  /// A plain message; see Supervisor::send().
  template <typename M>
  Result<void> send(M message) const {
    return among_->send(id_, Message::of(std::move(message)));
  }
  /// Where it runs as far as this node knows.
  [[nodiscard]] std::optional<Pid> pid() const { return among_->whereis(id_); }

 private:
  template <typename M, bool is_call = false>
  static constexpr bool check() {
    constexpr bool is_any = std::is_same_v<W, Worker>;
    constexpr bool is_handled = is_any || detail::handles_message<W, M>;
    static_assert(is_handled,
                  "brood: this message is not in the `handles` of the worker that the ChildRef names");
    constexpr bool is_said = !is_any || !is_call || detail::says_reply<W, M>;
    static_assert(is_said,
                  "brood: what does this call answer? Say call<T>(...), give the message a type `reply`, or "
                  "name the worker's class, as in ChildRef<W>");
    return is_handled && is_said;
  }

  std::shared_ptr<detail::Siblings> among_;
  Id id_;
};
template <typename W>
ChildRef<W> Worker::child(Id id) const {
  return ChildRef<W>(detail::siblings_of(*context_), std::move(id));
}

}  // namespace brood::inline v0

#pragma GCC visibility pop
