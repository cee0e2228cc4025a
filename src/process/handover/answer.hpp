// Answer: the one answer to whoever asked for a step of a move.
//
// Thread rule: operator() from any thread; the first call counts. Where the last copy goes unanswered, the
// process that was to do the step has ended, and that is the answer.
#pragma once

#include <atomic>
#include <brood/result.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "process/callback.hpp"

namespace brood::process {

template <typename T>
class Answer {
 public:
  using Done = std::function<void(Result<T>)>;
  explicit Answer(Done done) : once_(std::make_shared<Once>(std::move(done))) {}
  void operator()(Result<T> result) const { once_->give(std::move(result)); }

 private:
  struct Once {
    explicit Once(Done d) : done(std::move(d)) {}
    ~Once() { give(Error{Errc::no_such_child, "the process has ended"}); }
    Once(const Once&) = delete;
    Once& operator=(const Once&) = delete;
    void give(Result<T> result) {
      if (!done || given.exchange(true, std::memory_order_acq_rel)) return;
      (void)run_callback("the answer to a step of a move", [&] { done(std::move(result)); });
    }
    const Done done;
    std::atomic<bool> given{false};
  };
  std::shared_ptr<Once> once_;
};

}  // namespace brood::process
