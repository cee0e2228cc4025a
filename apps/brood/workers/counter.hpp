// counter: a number. Calls: get (or {get}), increment, {add, N}; each answers the number. Casts and plain
// messages: increment, {add, N}. Start argument: the first number, else 0.
#pragma once

#include <brood/worker.hpp>

namespace brood::app::builtin {

struct get {};
struct increment {};
struct add {
  std::int64_t n;
};

class Counter : public Worker {
 public:
  static constexpr std::string_view worker_name = "counter";
  using handles = messages<get, increment, add>;
  explicit Counter(std::int64_t first = 0) : value_(first) {}

  std::int64_t on(get) const { return value_; }
  Result<std::int64_t> on(increment) { return plus(1); }
  Result<std::int64_t> on(add request) { return plus(request.n); }
  void info(const Term& message);

  std::int64_t save() const { return value_; }
  void restore(std::int64_t value) { value_ = value; }

 private:
  Result<std::int64_t> plus(std::int64_t n);
  std::int64_t value_;
};

}  // namespace brood::app::builtin
