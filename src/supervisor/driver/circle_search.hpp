// CircleSearch: finds handlers that wait for each other in a circle through several nodes.
//
// Each node knows for whom the handlers of its own processes wait. One that has waited for a child of another
// node, itself or through others of this one, for `patience` has its chain followed: its node asks that one
// for whom the child waits, and so on from node to node. A chain that comes back to where it began is
// followed once more; where every wait of it is the one of before, its own among them, all of them stood
// between the two rounds, so none can end by itself. The call is `deadlock`.
//
// A call that is answered sooner costs one push onto a queue.
//
// Owns: the waits that are younger than `patience`, and one timer. Thread rule: watch() from any thread; the
// timer rings on the control thread; a chain is followed by one thread at a time.
#pragma once

#include <brood/future.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "supervisor/driver/alarm.hpp"

namespace brood::process {
struct WaitTrail;
}

namespace brood::supervisor {

class NodeImpl;

/// What a handler waits for.
class WaitedFor : public brood::detail::FutureValue<EncodedTerm> {
 public:
  /// Those who wait for it wait for each other. Any thread.
  virtual void in_circle() = 0;
};

class CircleSearch {
 public:
  static constexpr std::chrono::milliseconds patience{20};

  explicit CircleSearch(NodeImpl& node);

  /// The handler of `waiter`, of this node, has begun to wait for what a child of another node is to answer,
  /// or one of this node that itself waits so.
  void watch(const std::shared_ptr<WaitedFor>& what, Pid waiter);

 private:
  struct Young {
    std::chrono::steady_clock::time_point since;
    std::weak_ptr<WaitedFor> what;
    Pid waiter;
  };
  struct Chain;
  void look();
  void arm(std::chrono::steady_clock::time_point when);
  void follow(const std::shared_ptr<Chain>& chain);
  void followed(const std::shared_ptr<Chain>& chain, const process::WaitTrail& trail);

  NodeImpl& node_;
  const std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< For the timer; see Alarm.
  Alarm alarm_;
  std::mutex mutex_;
  std::deque<Young> young_;
};

}  // namespace brood::supervisor
