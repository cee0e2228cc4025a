// Inbox: the requests that wait at a coordinator. Served in turn, one message of each request after the
// other, so that a single start does not wait behind a bulk one. What a node asked in a view that it has left
// goes at once.
//
// It has no bound of its own: whoever pushes compares size() with Settings::inbox_max before.
// Thread rule: plain data of one core.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "core/requests/open.hpp"

namespace brood::core {

[[nodiscard]] const RequestKey& key_of(const Request& request);
[[nodiscard]] std::uint64_t view_of(const Request& request);
[[nodiscard]] std::size_t ids_in(const Request& request);
/// Takes out the ids for which `is_over`. False: none is left.
bool keep_those_open(Request& request, const std::function<bool(const ChildId&)>& is_over);

class Inbox {
 public:
  [[nodiscard]] bool empty() const { return turns_.empty(); }
  /// The number of ids in all that waits.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// `until`: it is not served any more then.
  void push(Request request, Duration until = Duration::max());
  /// The next; there must be something. Nothing where the time of all that the next request has here is over.
  [[nodiscard]] std::optional<Request> pop(Duration now = {});
  /// How many ids what pop() would give has, and `look` at each of them; nothing where the inbox is empty.
  [[nodiscard]] std::size_t next_size() const;
  void each_next(const std::function<void(const ChildId&)>& look) const;
  /// Takes out what that node asked in any other view.
  void keep_only(const NodeName& node, std::uint64_t view);

 private:
  struct Waiting {
    Request request;
    Duration until;
  };
  std::map<RequestKey, std::deque<Waiting>> waiting_;
  std::deque<RequestKey> turns_;  ///< Each of waiting_ once.
  std::size_t size_ = 0;
};

}  // namespace brood::core
