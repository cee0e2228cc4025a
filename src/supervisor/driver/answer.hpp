// Answer: a future that a thread of the node makes ready. The right to use the node is kept until then.
//
// Thread rule: any thread.
#pragma once

#include <brood/future.hpp>
#include <utility>

#include "supervisor/node/gate.hpp"

namespace brood::supervisor {

template <typename V>
class Answer : public brood::detail::FutureValue<V> {
 public:
  explicit Answer(Gate::Pass pass) : pass_(std::move(pass)) {}
  /// Once. The pass goes last of all: the node may go then.
  void give(Result<V> value) {
    (void)this->set(std::move(value));
    const Gate::Pass over = std::move(pass_);
  }

 private:
  Gate::Pass pass_;
};

}  // namespace brood::supervisor
