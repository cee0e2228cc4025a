// Inbox: the requests that wait at a coordinator, in the order in which they came. They are found by who
// asked and in which view, because what a node asked in a view that it has left goes at once.
//
// Thread rule: plain data of one core.
#pragma once

#include "core/requests.hpp"

namespace brood::core {

class Inbox {
 public:
  [[nodiscard]] bool empty() const { return requests_.empty(); }
  [[nodiscard]] std::size_t size() const { return requests_.size(); }
  void push(Request request);
  /// The oldest; there must be one.
  [[nodiscard]] Request pop();
  /// Takes out what that node asked in any other view.
  void keep_only(const NodeName& node, std::uint64_t view);

 private:
  /// Requests by the order of their coming, and their numbers by who asked in which view, oldest first.
  std::map<std::uint64_t, Request> requests_;
  std::map<NodeName, std::map<std::uint64_t, std::deque<std::uint64_t>>> numbers_;
  std::uint64_t last_ = 0;
};

}  // namespace brood::core
