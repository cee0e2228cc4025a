// Virtual time: a queue of jobs by the time at which they are due; jobs of one time run in the order in which
// they were queued. Time stands still while a job runs.
//
// Thread rule: one thread.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "sim/random.hpp"

namespace brood::sim {

using Job = std::function<void()>;

class Timeline {
 public:
  [[nodiscard]] Duration now() const { return now_; }

  /// A time that has passed means now.
  void at(Duration time, Job job) {
    heap_.push_back({std::max(time, now_), ++sequence_, std::move(job)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void after(Duration delay, Job job) { at(now_ + delay, std::move(job)); }

  /// Runs the next job if it is due by `until`; otherwise sets the time to `until` and returns false.
  bool run_one(Duration until) {
    if (heap_.empty() || heap_.front().time > until) {
      now_ = std::max(now_, until);
      return false;
    }
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    now_ = entry.time;
    entry.job();
    return true;
  }

 private:
  struct Entry {
    Duration time;
    std::uint64_t sequence;
    Job job;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
  }
  std::vector<Entry> heap_;
  std::uint64_t sequence_ = 0;
  Duration now_{};
};

}  // namespace brood::sim
