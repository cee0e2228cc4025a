// Virtual time: a queue of jobs by the time at which they are due; jobs of one time run in the order in which
// they were queued. Time stands still while a job runs.
//
// Thread rule: one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
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
    Entry entry{std::max(time, now_), ++sequence_, std::move(job)};
    const std::int64_t slice = slice_of(entry.time);
    if (slice > slice_ && slice - slice_ < slices) {
      soon_[slice % slices].push_back(std::move(entry));
      ++soon_count_;
    } else {
      push(slice <= slice_ ? next_ : far_, std::move(entry));
    }
  }
  void after(Duration delay, Job job) { at(now_ + delay, std::move(job)); }

  /// Runs the next job if it is due by `until`; otherwise sets the time to `until` and returns false.
  bool run_one(Duration until) {
    if (next_.empty()) refill();
    if (next_.empty() || next_.front().time > until) {
      now_ = std::max(now_, until);
      return false;
    }
    Entry entry = pop(next_);
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
  static void push(std::vector<Entry>& heap, Entry entry) {
    heap.push_back(std::move(entry));
    std::push_heap(heap.begin(), heap.end(), later);
  }
  static Entry pop(std::vector<Entry>& heap) {
    std::pop_heap(heap.begin(), heap.end(), later);
    Entry entry = std::move(heap.back());
    heap.pop_back();
    return entry;
  }

  // With very many nodes a heap of all jobs does not fit the caches: only those of the time slice that is
  // running are in order, those of the next quarter of a second lie by slices, the rest is a heap of its own.
  static constexpr std::int64_t slices = 4096;
  static std::int64_t slice_of(Duration time) { return time.count() >> 16; }

  /// The next slice that has jobs, if any has.
  void refill() {
    if (soon_count_ == 0 && far_.empty()) return;
    const std::int64_t far_slice = far_.empty() ? no_slice : slice_of(far_.front().time);
    std::int64_t slice = soon_count_ == 0 ? far_slice : slice_ + 1;
    while (slice < far_slice && soon_[slice % slices].empty()) ++slice;
    slice_ = slice;
    next_.swap(soon_[slice % slices]);
    soon_count_ -= next_.size();
    std::make_heap(next_.begin(), next_.end(), later);
    while (!far_.empty() && slice_of(far_.front().time) <= slice_) push(next_, pop(far_));
  }

  static constexpr std::int64_t no_slice = std::numeric_limits<std::int64_t>::max();

  std::vector<Entry> next_;  ///< A heap; of slice_ and before.
  std::vector<std::vector<Entry>> soon_ = std::vector<std::vector<Entry>>(slices);
  std::vector<Entry> far_;  ///< A heap; later than soon_ was when they came.
  std::size_t soon_count_ = 0;
  std::int64_t slice_ = 0;
  std::uint64_t sequence_ = 0;
  Duration now_{};
};

}  // namespace brood::sim
