#include "apps/brood/workers/counter.hpp"

namespace brood::app::builtin {

Result<std::int64_t> Counter::plus(std::int64_t n) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(value_, n, &sum)) {
    return {Errc::limit_exceeded, "the sum does not fit 64 bits; the counter stays as it is"};
  }
  return value_ = sum;
}

void Counter::info(const Term& message) {
  // Nobody waits for an answer: a message that means nothing, or a sum that does not fit, changes nothing.
  if (message.is_atom("increment")) {
    (void)plus(1);
  } else if (message.is_record("add", 2)) {
    if (const auto* n = (*message.as_tuple())[1].as_integer()) (void)plus(*n);
  }
}

}  // namespace brood::app::builtin
