// brood: this message is not in the `handles` of the worker that the ChildRef names
#include <brood/brood.hpp>

struct deposit {
  std::int64_t cents;
};
struct other {};
class Account : public brood::Worker {
 public:
  using handles = brood::messages<deposit>;
  std::int64_t on(deposit d) { return d.cents; }
};

void use(const brood::Supervisor& bank) {
  (void)brood::ChildRef<Account>(bank, "alice").call(other{}).get();
}
