// brood: this message is not in the `handles` of the worker that the ChildRef names
#include <brood/brood.hpp>

struct deposit {
  int cents;
};
struct withdraw {
  int cents;
};
class Wrong : public brood::Worker {
 public:
  using handles = brood::messages<deposit>;
  void on(deposit);
};

void use(brood::Node& node, brood::Supervisor& supervisor) {
  (void)supervisor;
  (void)brood::ChildRef<Wrong>(supervisor, "a").cast(withdraw{5});
}
