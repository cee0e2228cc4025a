// Replay: what has been done for requests of late, so that a request that is repeated does not act twice: it
// is told again what it was told, or that what it made is gone.
//
// Owns: answers given, and requests that have done all they can. Thread rule: none; owned by one core.
#pragma once

#include <deque>

#include "core/base/step.hpp"

namespace brood::core {

class Replay {
 public:
  using Key = std::pair<RequestKey, ChildId>;

  // ---- answers
  void keep_answer(const Step& s, const RequestKey& request, const Outcome& outcome);
  /// What was answered; nullptr: nothing (any more).
  [[nodiscard]] const Outcome* answer(const RequestKey& request, const ChildId& id) const;

  // ---- finished requests: they go to other nodes with the table
  /// False: it was known. `floor`: the greatest epoch that was known then; what a stop has ended is not
  /// newer.
  bool finish(const Step& s, const RequestKey& request, const ChildId& id, const Epoch& floor);
  /// nullptr: it is not finished, as far as this node knows.
  [[nodiscard]] const Epoch* finished(const RequestKey& request, const ChildId& id) const;
  /// Appends those of the children of that bucket, in the order in which they came.
  void finished_in(std::uint32_t bucket, std::vector<Key>& keys) const;

  void on_time(const Step& s);
  [[nodiscard]] Duration deadline() const;

 private:
  void forget_oldest_finished();

  std::map<Key, Outcome> answers_;
  std::deque<std::pair<Duration, Key>> answers_order_;
  std::map<Key, Epoch> finished_;
  std::deque<std::pair<Duration, Key>> finished_order_;
  std::map<std::uint32_t, std::deque<Key>> finished_by_bucket_;
};

}  // namespace brood::core
